"""`b12fhir keys`: a private key that stays with us, and public keys for the other side."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from b12fhir import wiring

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def b12fhir(*argv: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = wiring.main([str(one) for one in argv], {}, out, err, lambda: NOW)
    return code, out.getvalue(), err.getvalue()


def kids(jwks: str) -> list[str]:
    rows = json.loads(jwks)["keys"]
    assert all("d" not in row for row in rows)
    return [row["kid"] for row in rows]


@pytest.mark.parametrize(("options", "algorithm"), [((), "ES384"), (("--alg", "RS384"), "RS384")])
def test_a_new_key_is_written_and_its_public_half_is_printed(tmp_path, options, algorithm):
    path = tmp_path / "smart.pem"
    code, out, err = b12fhir("keys", "new", *options, "--out", path)
    assert code == 0
    assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    (row,) = json.loads(out)["keys"]
    assert (row["alg"], row["use"]) == (algorithm, "sig")
    assert "d" not in row
    assert err == f"b12fhir: private key: {path}. Keep it; register what is printed.\n"
    assert b12fhir("keys", "public", path) == (0, out, "")


def test_the_keys_of_a_change_are_printed_together(tmp_path):
    paths = [tmp_path / "now.pem", tmp_path / "next.jwk"]
    made = [kid for path in paths for kid in kids(b12fhir("keys", "new", "--out", path)[1])]
    assert kids(b12fhir("keys", "public", *paths)[1]) == made


def test_a_key_that_is_there_is_left_alone(tmp_path):
    path = tmp_path / "smart.pem"
    b12fhir("keys", "new", "--out", path)
    before = path.read_bytes()
    code, out, err = b12fhir("keys", "new", "--out", path)
    assert (code, out) == (12, "")
    assert "never overwritten" in err
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "argv",
    [
        ("keys",),
        ("keys", "new"),
        ("keys", "new", "--alg", "HS256", "--out", "key.pem"),
        ("keys", "public"),
    ],
)
def test_what_is_not_understood_makes_no_key(tmp_path, monkeypatch, argv):
    monkeypatch.chdir(tmp_path)
    assert b12fhir(*argv)[0] == 2
    assert list(Path().iterdir()) == []
