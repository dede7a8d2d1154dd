"""Settings: where each comes from, and that a faulty one is named with what to do."""

from dataclasses import FrozenInstanceError, fields
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from b12fhir import config
from b12fhir.config import SETTINGS, Settings
from b12fhir.errors import ConfigError
from b12fhir.fhir.codemap import CodeMap
from tests.support.phi import TOKEN, assert_no_phi

HTTPS = "https://ehr.example.org/fhir"


def load(environ=None, **options):
    return config.load(environ or {}, options)


def test_without_anything_the_defaults_hold():
    assert load() == Settings()
    assert load().zone is UTC


def test_every_field_is_in_the_table_and_every_row_is_a_field():
    assert [row.name for row in SETTINGS] == [field.name for field in fields(Settings)]


def test_settings_are_frozen_and_do_not_show_the_site_key():
    settings = load({"B12FHIR_SITE_KEY": TOKEN})
    assert_no_phi(repr(settings))
    with pytest.raises(FrozenInstanceError):
        settings.workers = 3  # type: ignore[misc]


def test_an_option_wins_over_a_variable_and_a_variable_over_the_default():
    environ = {"B12FHIR_WORKERS": "3", "B12FHIR_TIMEOUT": "7"}
    settings = load(environ, workers="5", timeout=None)
    assert (settings.workers, settings.timeout) == (5, 7)


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("SERVER", " https://ehr.example.org/fhir/ ", "server", HTTPS),
        ("SERVER", "http://[::1]:8080/fhir", "server", "http://[::1]:8080/fhir"),
        ("TOKEN_FILE", "t.txt", "token_file", Path("t.txt")),
        ("SERVER_ID", "hospital-main", "server_id", "hospital-main"),
        ("CANONICAL", "https://h.example.org/fhir/", "canonical", "https://h.example.org/fhir"),
        ("ZONE", "Asia/Kathmandu", "zone", ZoneInfo("Asia/Kathmandu")),
        ("PACK", "seed-default", "pack", "seed-default"),
        ("REFUSE_UNREVIEWED", "ON", "refuse_unreviewed", True),
        ("VALIDATE", "off", "validate", False),
        ("WORKERS", "32", "workers", 32),
        ("TIMEOUT", "600", "timeout", 600),
        ("SERVER_CAN", "if_match=no", "server_can", {"if_match": False}),
        ("OUT", "results", "out", Path("results")),
        ("WORKERS", "  ", "workers", 2),
        ("APPROVER", "Hämatologie, Station 3", "approver", "Hämatologie, Station 3"),
        ("APPROVER", "PractitionerRole/7", "approver", "PractitionerRole/7"),
        ("APPROVER", "", "approver", "Responsible clinician"),
        ("APPROVE_DAYS", "90", "approve_days", 90),
        ("APPROVE_DAYS", "", "approve_days", 14),
    ],
)
def test_each_text_is_read_as_what_it_means(variable, text, field, value):
    assert getattr(load({f"B12FHIR_{variable}": text}), field) == value


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("SERVER", "ehr.example.org/fhir"),
        ("SERVER_CAN", "if_macth=no"),
        ("SERVER_CAN", "if_match=no,if_match=yes"),
        ("SERVER", "ftp://ehr.example.org"),
        ("SERVER", "https://"),
        ("SERVER", "https://ehr.example.org:port/fhir"),
        ("SERVER", "https://user:secret@ehr.example.org/fhir"),
        ("SERVER", "https://ehr.example.org/fhir?token=1"),
        ("SERVER", "https://[ehr/fhir"),
        ("SERVER_ID", "with space"),
        ("SERVER_ID", "with|bar"),
        ("CANONICAL", "hospital"),
        ("CANONICAL", "https://h|x"),
        ("ZONE", "Mars/Base"),
        ("ZONE", "../etc/passwd"),
        ("ZONE", "/etc/passwd"),
        ("PACK", "../../pack"),
        ("PACK", "a/../b"),
        ("REFUSE_UNREVIEWED", "maybe"),
        ("VALIDATE", "2"),
        ("WORKERS", "0"),
        ("WORKERS", "33"),
        ("WORKERS", "-1"),
        ("WORKERS", "many"),
        ("WORKERS", "\u0663"),
        ("TIMEOUT", "601"),
        ("TIMEOUT", "1.5"),
        ("APPROVER", "two\nlines"),
        ("APPROVER", "x" * 101),
        ("APPROVE_DAYS", "0"),
        ("APPROVE_DAYS", "91"),
    ],
)
def test_a_faulty_text_is_refused_by_the_name_of_its_variable(variable, text):
    with pytest.raises(ConfigError, match=f"B12FHIR_{variable}: "):
        load({f"B12FHIR_{variable}": text})


def test_a_faulty_option_is_refused_by_its_own_name():
    with pytest.raises(ConfigError, match="--workers: 'x'"):
        load(workers="x")


def test_an_address_with_a_password_is_not_repeated():
    with pytest.raises(ConfigError) as caught:
        load(server=f"https://user:{TOKEN}@ehr.example.org/fhir")
    assert_no_phi(str(caught.value))


def test_a_misspelt_variable_is_refused_rather_than_ignored():
    with pytest.raises(ConfigError, match="B12FHIR_REFUSE_UNREVIEWD is no setting"):
        load({"B12FHIR_REFUSE_UNREVIEWD": "on", "PATH": "/bin"})


@pytest.mark.parametrize(
    "raw", [b"abc.def", b"abc.def\n", b"\xef\xbb\xbfabc.def\r\n", b"Bearer abc.def\n"]
)
def test_a_token_file_holds_one_token(tmp_path, raw):
    path = tmp_path / "token"
    path.write_bytes(raw)
    assert load(token_file=str(path)).token() == "abc.def"


def test_without_a_token_file_there_is_no_token():
    assert load().token() == ""


@pytest.mark.parametrize("raw", [b"", b"two words", b"two\nlines", b"\xff\xfe", b"x" * 20_000])
def test_a_file_that_is_no_token_is_refused_without_its_content(tmp_path, raw):
    path = tmp_path / "token"
    path.write_bytes(raw and TOKEN.encode() + b" " + raw)
    with pytest.raises(ConfigError, match="one bearer token") as caught:
        load(token_file=str(path)).token()
    assert_no_phi(str(caught.value))


def test_a_token_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"gone cannot be read"):
        load(token_file=str(tmp_path / "gone")).token()


def test_a_code_map_is_read_from_its_file(tmp_path) -> None:
    path = tmp_path / "codes.toml"
    path.write_text('[[code]]\nsystem = "urn:lab"\ncode = "B12"\nloinc = "2132-9"\n', "utf-8")
    settings = config.load({"B12FHIR_CODE_MAP": str(path)}, {})
    assert [code.code for code in settings.codes().labs.values()] == ["2132-9"]
    assert settings.codes() is settings.codes()
    assert config.load({}, {}).codes() == CodeMap()


def test_a_code_map_that_cannot_be_read_is_named(tmp_path) -> None:
    """A site that believes its codes are mapped must not run without them."""
    missing = tmp_path / "missing.toml"
    with pytest.raises(ConfigError, match="missing"):
        config.load({"B12FHIR_CODE_MAP": str(missing)}, {}).codes()
