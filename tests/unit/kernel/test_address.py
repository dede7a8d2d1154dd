"""Addresses: the token goes to the configured server and nowhere else."""

import pytest

from b12fhir.errors import ConfigError, ServerError
from b12fhir.kernel.address import next_url, parse_address

BASE = parse_address("https://ehr.example/fhir")


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://EHR.example/fhir/", "https://ehr.example/fhir"),
        (" https://ehr.example:443/fhir ", "https://ehr.example/fhir"),
        ("http://127.0.0.1:8080/fhir", "http://127.0.0.1:8080/fhir"),
        ("http://[::1]:8080/fhir", "http://[::1]:8080/fhir"),
        ("https://ehr.example", "https://ehr.example"),
    ],
)
def test_one_spelling_for_each_server(given, base):
    """The base is part of every patient key: two spellings would be two plans."""
    assert parse_address(given).base == base


@pytest.mark.parametrize(
    "given",
    [
        "",
        "ehr.example/fhir",
        "ftp://ehr.example/fhir",
        "https://",
        "https://user:secret@ehr.example/fhir",
        "https://ehr.example/fhir?token=1",
        "https://ehr.example/fhir#x",
        "https://ehr.example:port/fhir",
        "https://[broken/fhir",
    ],
)
def test_anything_else_is_refused_without_repeating_it(given):
    with pytest.raises(ConfigError) as caught:
        parse_address(given)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("base", "private"),
    [
        ("https://ehr.example/fhir", True),
        ("http://localhost:8080/fhir", True),
        ("http://127.0.0.1/fhir", True),
        ("http://[::1]/fhir", True),
        ("http://ehr.example/fhir", False),
        ("http://127.0.0.1.attacker.net/fhir", False),
    ],
)
def test_where_a_token_may_travel(base, private):
    assert parse_address(base).is_private is private


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("https://ehr.example/fhir?_getpages=1", "https://ehr.example/fhir?_getpages=1"),
        ("https://EHR.example:443/fhir?p=2", "https://EHR.example:443/fhir?p=2"),
        ("Observation?page=2", "https://ehr.example/fhir/Observation?page=2"),
        ("/fhir/Observation?page=2", "https://ehr.example/fhir/Observation?page=2"),
        ("https://ehr.example/fhir?p=2#top", "https://ehr.example/fhir?p=2"),
    ],
)
def test_links_of_the_same_origin_are_followed(link, url):
    assert next_url(link, BASE) == url


@pytest.mark.parametrize(
    "link",
    [
        "https://ehr.example.attacker.net/fhir?p=2",
        "https://ehr.example:8443/fhir?p=2",
        "http://ehr.example/fhir?p=2",
        "https://ehr.example@attacker.net/fhir?p=2",
        "https://user@ehr.example/fhir?p=2",
        "//attacker.net/fhir?p=2",
        "file:///etc/passwd",
        "https://[broken",
        None,
        7,
    ],
)
def test_other_links_are_not(link):
    with pytest.raises(ServerError) as caught:
        next_url(link, BASE)
    assert "attacker" not in str(caught.value)


def test_an_inner_address_may_be_rewritten_if_the_path_is_ours():
    link = "http://inner:8080/fhir?p=2"
    assert next_url(link, BASE, rewrite=True) == "https://ehr.example/fhir?p=2"
    for other in ("http://inner:8080/admin?p=2", "http://inner:8080/fhirx?p=2"):
        with pytest.raises(ServerError, match="another server"):
            next_url(other, BASE, rewrite=True)
