"""The settings file: what it may say, in which order it counts, and every fault named at once."""

from pathlib import Path

import pytest

from b12fhir import config
from b12fhir.config import SETTINGS, Settings, shown
from b12fhir.errors import ConfigError
from b12fhir.ports import Client
from tests.support.phi import TOKEN, assert_no_phi

ISSUER = "https://ehr.example.org"
KEYS = "https://ehr.example.org/keys.json"


@pytest.fixture
def file(tmp_path):
    """Write a settings file; its path."""

    def write(text: str) -> str:
        path = tmp_path / "b12fhir.toml"
        path.write_text(text, "utf-8")
        return str(path)

    return write


def load(environ=None, **options) -> Settings:
    return config.load(environ or {}, options)


def refused(path: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(config=path)
    return str(caught.value)


def client(text: str) -> str:
    return f'[[client]]\nissuer = "{ISSUER}"\njku = "{KEYS}"\n{text}\n'


def test_a_file_gives_settings_as_toml_values(file):
    path = file(
        'listen = "0.0.0.0:9000"\nhooks_workers = 3\nvalidate = false\nrefuse_unreviewed = true\n'
        'hooks_origins = ["https://a.example.org", "http://127.0.0.1:8080"]\n'
        'hooks_services = "b12-patient-view, b12-order-sign"\n'
    )
    settings = load(config=path)
    assert settings.config == Path(path)
    assert settings.listen == ("0.0.0.0", 9000)  # noqa: S104 - read, not bound
    assert settings.hooks_workers == 3
    assert (settings.validate, settings.refuse_unreviewed) == (False, True)
    assert settings.hooks_origins == ("https://a.example.org", "http://127.0.0.1:8080")
    assert settings.hooks_services == ("b12-patient-view", "b12-order-sign")


def test_an_option_wins_over_a_variable_that_over_the_file_and_that_over_the_default(file):
    path = file('hooks_workers = 3\ntimeout = 30\nzone = "Europe/Berlin"\nworkers = 4\n')
    environ = {"B12FHIR_CONFIG": path, "B12FHIR_TIMEOUT": "20", "B12FHIR_WORKERS": "6"}
    settings = load(environ, workers="7")
    assert (settings.workers, settings.timeout, settings.hooks_workers) == (7, 20, 3)
    assert settings.zone.key == "Europe/Berlin"
    assert settings.hooks_threads == Settings().hooks_threads


def test_the_option_names_another_file_than_the_variable(file, tmp_path):
    settings = load({"B12FHIR_CONFIG": str(tmp_path / "gone")}, config=file("timeout = 5"))
    assert settings.timeout == 5


def test_an_empty_value_counts_as_not_given(file):
    assert load(config=file('zone = ""\nhooks_origins = []\n')).zone is Settings().zone


def test_every_fault_of_file_variables_and_options_is_named_at_once(file):
    path = file(
        'hooks_worker = 3\nconfig = "x"\nhooks_threads = 1.5\nzone = "Mars/Base"\n'
        "listen = [1]\nclient = 5\n"
    )
    with pytest.raises(ConfigError) as caught:
        load({"B12FHIR_TYPO": "1", "B12FHIR_TIMEOUT": "0"}, config=path, workers="x")
    text = str(caught.value)
    assert text.startswith("9 settings are wrong: (1) ")
    for part in (
        "B12FHIR_TYPO is no setting",
        f"{path}: 'hooks_worker' is no setting.",
        f"{path}: 'config' is no setting.",
        f"{path}: hooks_threads: not a value of a setting.",
        f"{path}: zone: 'Mars/Base' is not a known time zone.",
        f"{path}: listen: not a value of a setting.",
        f"{path}: client is no list of tables.",
        "B12FHIR_TIMEOUT: '0' is not a whole number from 1 to 600.",
        "--workers: 'x'",
    ):
        assert part in text


def test_one_fault_alone_keeps_its_own_words(file):
    path = file("timeout = 0")
    assert refused(path) == f"{path}: timeout: '0' is not a whole number from 1 to 600."


def test_a_file_that_is_not_there_or_no_toml_is_named(file, tmp_path):
    assert "gone.toml cannot be read" in refused(str(tmp_path / "gone.toml"))
    assert "b12fhir.toml is not TOML: " in refused(file("a = = 1"))
    assert "is not TOML" in refused(file("timeout = 1\ntimeout = 2\n"))


def test_a_client_is_read_with_all_it_says(file):
    path = file(
        client(
            'name = "ward"\njwks_file = "keys.json"\ntenants = ["a", "b"]\n'
            'fhir_servers = ["https://fhir.example.org/r4/"]'
        )
        + '[[client]]\nissuer = "https://two.example.org"\njwks_file = "two.json"\n'
        + '[[client]]\nissuer = "sandbox"\njku = "http://127.0.0.1:8080/keys"\n'
    )
    assert load(config=path).client == (
        Client(
            "ward",
            ISSUER,
            KEYS,
            Path("keys.json"),
            frozenset({"a", "b"}),
            ("https://fhir.example.org/r4",),
        ),
        Client("https://two.example.org", "https://two.example.org", "", Path("two.json")),
        Client("sandbox", "sandbox", "http://127.0.0.1:8080/keys"),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("client = [1]", "client is no list of tables"),
        ('[[client]]\njku = "https://e.example/k"', "[[client]] 1: issuer is missing."),
        (f'[[client]]\nissuer = "{ISSUER}"', "[[client]] 1: neither jku nor jwks_file."),
        (client("tenant = 1"), "[[client]] 1: 'tenant' is no key of a client."),
        (client('tenants = "a"'), "tenants: not a list of texts."),
        (client("tenants = [1]"), "tenants: not a text."),
        (client('fhir_servers = ["ftp://x"]'), "fhir_servers: not the address"),
        (client('name = " "'), "name: not a text."),
        (client('name = "a\\u0007"'), "name: not one line of at most 500 characters."),
        (client(f'name = "{"x" * 501}"'), "name: not one line"),
        (client("") + client(""), "[[client]] 2: its issuer has a table already."),
        (f'[[client]]\nissuer = "{ISSUER}"\njku = "http://e.example/k"', "jku: not an https"),
        (f'[[client]]\nissuer = "{ISSUER}"\njku = "file:///etc/passwd"', "jku: not a plain http"),
        (f'[[client]]\nissuer = "{ISSUER}"\njku = 5', "jku: not a text."),
    ],
)
def test_a_faulty_client_is_refused_by_its_number_and_key(file, text, said):
    assert said in refused(file(text))


def test_a_variable_cannot_hold_clients():
    assert load({"[[client]]": "x"}).client == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("[::1]:0", ("::1", 0)),
        ("b12.example.org:65535", ("b12.example.org", 65535)),
    ],
)
def test_a_listen_address_is_read(text, value):
    assert load(listen=text).listen == value


@pytest.mark.parametrize("text", ["8000", ":8000", "localhost", "a:b", "h:65536", "h/x:1"])
def test_a_faulty_listen_address_is_refused(text):
    with pytest.raises(ConfigError, match="--listen: "):
        load(listen=text)


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("PUBLIC_URL", "https://b12.example.org/cds/", "https://b12.example.org/cds"),
        ("SMART_URL", "https://app.example.org/launch", "https://app.example.org/launch"),
        ("HOOKS_AUTH", "OFF", "off"),
        ("HOOKS_FHIR_SERVERS", "https://A:443/r4, http://b/", ("https://a/r4", "http://b")),
        ("HOOKS_STORE", "sqlite:///x.db", "sqlite:///x.db"),
        ("SYNC_STORE", "sqlite:///y.db", "sqlite:///y.db"),
        ("SYNC_STORE", "OFF", "off"),
        ("SYNC_OVERLAP_S", "0", 0),
        ("HOOKS_STORE", "postgresql://u@h/n", "postgresql://u@h/n"),
        ("SNOOZE_CRITICAL_HOURS", "0", 0),
        ("HOOKS_RATE", "1000000", 1_000_000),
    ],
)
def test_a_setting_of_the_service_is_read(variable, text, value):
    settings = load({f"B12FHIR_{variable}": text})
    assert getattr(settings, variable.lower()) == value


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("PUBLIC_URL", "https://u:p@b12.example.org"),
        ("PUBLIC_URL", "https://b12.example.org/?a=1"),
        ("PUBLIC_URL", "https://b12.example.org/#x"),
        ("PUBLIC_URL", "https://b12.example.org:x"),
        ("PUBLIC_URL", "b12.example.org"),
        ("PUBLIC_URL", "https://b12 .example.org"),
        ("HOOKS_AUTH", "maybe"),
        ("HOOKS_FHIR_SERVERS", "https://a/r4 file:///b"),
        ("HOOKS_ORIGINS", "*"),
        ("HOOKS_ORIGINS", "null"),
        ("HOOKS_ORIGINS", "https://a.example.org/"),
        ("HOOKS_ORIGINS", "https://A.example.org"),
        ("HOOKS_SERVICES", "b12|view"),
        ("HOOKS_DEADLINE", "10"),
        ("HOOKS_RATE", "1000001"),
        ("HOOKS_RATE", "99999999"),
        ("SNOOZE_CRITICAL_HOURS", "25"),
        ("SNOOZE_WARNING_DAYS", "31"),
        ("SNOOZE_INFO_DAYS", "91"),
        ("HOOKS_STORE", "mysql://x/y"),
        ("SYNC_STORE", "mysql://x/y"),
        ("SYNC_FULL_DAYS", "0"),
        ("HOOKS_STORE", "x.db"),
    ],
)
def test_a_faulty_setting_of_the_service_is_refused(variable, text):
    with pytest.raises(ConfigError, match=f"B12FHIR_{variable}: "):
        load({f"B12FHIR_{variable}": text})


def test_the_password_of_a_database_is_not_repeated():
    """Neither where it is refused, nor in the settings' own text, nor where they are shown."""
    with pytest.raises(ConfigError) as caught:
        load({"B12FHIR_HOOKS_STORE": f"mysql://u:{TOKEN}@h/n"})
    assert_no_phi(str(caught.value))
    secret = {"B12FHIR_HOOKS_STORE": f"postgresql://u:{TOKEN}@db.example.org/n"}
    settings = load({**secret, "B12FHIR_SITE_KEY": TOKEN})
    assert_no_phi(repr(settings))
    lines = list(shown(settings))
    assert_no_phi("\n".join(lines))
    assert "hooks_store = postgresql://db.example.org (set)" in lines
    assert "site_key = (set)" in lines


def test_the_site_key_can_stand_in_a_file_of_its_own(tmp_path):
    """As a container is given its secrets; a line's end is no part of it."""
    key = tmp_path / "site_key"
    key.write_text("0123456789abcdef\n")
    settings = load({"B12FHIR_SITE_KEY_FILE": str(key)})
    given = load({"B12FHIR_SITE_KEY": "0123456789abcdef"})
    assert settings.pseudonym_key() == given.pseudonym_key() == "0123456789abcdef"
    assert settings.has_own_key
    assert given.has_own_key
    assert not load({}).has_own_key


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (None, "The site key file .* cannot be read"),
        ("too short", "does not hold one secret of 16 characters or more"),
        ("0123456789abcdef\n0123456789abcdef\n", "does not hold one secret"),
    ],
)
def test_a_file_that_holds_no_site_key_is_refused(tmp_path, written, said):
    """A plan under the key that everybody knows would have another identity for good."""
    key = tmp_path / "site_key"
    if written is not None:
        key.write_text(written)
    settings = load({"B12FHIR_SITE_KEY_FILE": str(key)})
    with pytest.raises(ConfigError, match=said) as caught:
        settings.pseudonym_key()
    assert "0123456789abcdef" not in str(caught.value)


def test_two_site_keys_are_one_too_many(tmp_path):
    two = {"B12FHIR_SITE_KEY_FILE": str(tmp_path / "key"), "B12FHIR_SITE_KEY": "another"}
    with pytest.raises(ConfigError, match="site_key and site_key_file: a patient has one"):
        load(two)


def test_the_settings_are_shown_with_what_is_default(file):
    path = file(
        "validate = false\nserver_can = 'if_match=no'\nhooks_origins = ['https://a', 'https://b']\n"
        + client('tenants = ["t"]\nfhir_servers = ["https://f"]')
        + '[[client]]\nissuer = "two"\njwks_file = "two.json"\n'
    )
    lines = list(shown(load(config=path)))
    for line in (
        "validate = off",
        "server_can = if_match=off",
        "hooks_origins = https://a, https://b",
        "listen = 127.0.0.1, 8000 (default)",
        "token_file =  (default)",
        "timeout = 60 (default)",
        f"client {ISSUER}: keys {KEYS}; tenants t; servers https://f",
        "client two: keys two.json",
    ):
        assert line in lines
    assert len(lines) == len(SETTINGS) - 1 + 2


@pytest.mark.parametrize(
    ("environ", "base"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"B12FHIR_LISTEN": "[::1]:9"}, "http://[::1]:9"),
        ({"B12FHIR_PUBLIC_URL": "https://b12.example.org/x"}, "https://b12.example.org/x"),
    ],
)
def test_the_public_address_is_told_or_that_of_the_listener(environ, base):
    assert load(environ).base_url() == base


def test_defaults_in_the_table_are_those_of_the_program():
    """What the table says in words must be what a site gets that sets nothing."""
    default = Settings()
    for row in SETTINGS:
        if row.default not in {"none", "all"} and " " not in row.default:
            assert str(row.read(row.default)) == str(getattr(default, row.name)), row.name
