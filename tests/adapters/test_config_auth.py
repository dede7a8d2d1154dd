"""How we prove who we are is set once, whole, and without two ways at the same time."""

from pathlib import Path

import pytest

from b12fhir import config
from b12fhir.config import Settings
from b12fhir.errors import ConfigError
from tests.support.phi import TOKEN, assert_no_phi

HTTPS = "https://ehr.example.org/fhir"
CLIENT = {"SMART_CLIENT_ID": "b12", "SMART_KEY_FILE": "key.pem"}


def load(**values: str) -> Settings:
    return config.load({f"B12FHIR_{name}": value for name, value in values.items()}, {})


@pytest.mark.parametrize(
    ("values", "field", "value"),
    [
        (CLIENT, "smart_client_id", "b12"),
        (CLIENT, "smart_key_file", Path("key.pem")),
        ({**CLIENT, "SMART_NEXT_KEY_FILE": "next"}, "smart_next_key_file", Path("next")),
        # To the letter: it is the audience of what we sign.
        (
            {**CLIENT, "SMART_TOKEN_URL": "https://login.example/token/?tenant=1"},
            "smart_token_url",
            "https://login.example/token/?tenant=1",
        ),
        (
            {**CLIENT, "SMART_TOKEN_URL": "http://127.0.0.1:9/token"},
            "smart_token_url",
            "http://127.0.0.1:9/token",
        ),
        (
            {**CLIENT, "SMART_SCOPES": " system/Patient.rs\n system/Task.crus "},
            "smart_scopes",
            "system/Patient.rs system/Task.crus",
        ),
        (
            {**CLIENT, "SMART_JKU": "https://b12.example/jwks.json"},
            "smart_jku",
            "https://b12.example/jwks.json",
        ),
        ({"TLS_CA": "ca.pem", "SERVER": HTTPS}, "tls_ca", Path("ca.pem")),
        ({"TLS_CERT": "both.pem"}, "tls_cert", Path("both.pem")),
        ({"TLS_CERT": "c", "TLS_KEY": "k", "TOKEN_FILE": "t"}, "tls_key", Path("k")),
    ],
)
def test_what_goes_together_is_taken(values, field, value):
    assert getattr(load(**values), field) == value


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({**CLIENT, "TOKEN_FILE": "t"}, "token_file and smart_client_id"),
        ({"SMART_CLIENT_ID": "b12"}, "smart_client_id is set without smart_key_file"),
        ({"SMART_KEY_FILE": "key.pem"}, "smart_key_file is set without smart_client_id"),
        ({"SMART_NEXT_KEY_FILE": "next"}, "smart_next_key_file has no effect"),
        ({"SMART_TOKEN_URL": "https://login.example/token"}, "smart_token_url has no effect"),
        ({"SMART_SCOPES": "system/*.rs"}, "smart_scopes has no effect"),
        ({"SMART_JKU": "https://b12.example/jwks.json"}, "smart_jku has no effect"),
        ({"TLS_KEY": "key.pem"}, "tls_key is set without tls_cert"),
        ({**CLIENT, "SERVER": "http://ehr.example.org/fhir"}, "would travel unencrypted"),
        ({"TLS_CA": "ca", "SERVER": "http://127.0.0.1/fhir"}, "tls_ca has no effect"),
        ({"TLS_CERT": "c", "SERVER": "http://127.0.0.1/fhir"}, "tls_cert has no effect"),
    ],
)
def test_what_contradicts_itself_is_refused_by_name(values, words):
    with pytest.raises(ConfigError, match=words) as caught:
        load(**values)
    assert caught.value.hint


def test_a_client_on_this_machine_may_use_authorities_of_its_own_for_its_tokens():
    """The FHIR server is not https, but what it names may be."""
    values = {**CLIENT, "TLS_CA": "ca", "SERVER": "http://127.0.0.1/fhir"}
    assert load(**values).tls_ca == Path("ca")


def test_all_that_contradicts_itself_is_named_at_once():
    with pytest.raises(ConfigError, match="2 settings are wrong") as caught:
        load(SMART_CLIENT_ID="b12", TLS_KEY="key.pem")
    assert "smart_key_file" in str(caught.value)
    assert "tls_cert" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SMART_CLIENT_ID", "two words"),
        ("SMART_CLIENT_ID", "x" * 201),
        ("SMART_CLIENT_ID", "größe"),
        ("SMART_SCOPES", 'system/"x"'),
        ("SMART_SCOPES", "a\\b"),
        ("SMART_SCOPES", "système/*.rs"),
        ("SMART_TOKEN_URL", "login.example/token"),
        ("SMART_TOKEN_URL", "http://login.example/token"),
        ("SMART_TOKEN_URL", "https://login.example/token#x"),
        ("SMART_TOKEN_URL", f"https://b12:{TOKEN}@login.example/token"),
        ("SMART_JKU", "http://b12.example/jwks.json"),
    ],
)
def test_a_faulty_text_is_refused_without_what_may_be_secret(name, text):
    with pytest.raises(ConfigError, match=f"B12FHIR_{name}: ") as caught:
        load(**{**CLIENT, name: text})
    assert_no_phi(str(caught.value))
