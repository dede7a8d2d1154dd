"""Secure connections: whom we trust, which certificate we show, and no way to trust anybody."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from b12fhir.adapters.server import Patience, RestServer, Tls
from b12fhir.errors import ConfigError, ServerError, TemporaryServerError
from tests.support.certificates import Authority, Files, server_context
from tests.support.web import Scripted, reply, serving

STATEMENT = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}
FHIR = reply(200, json.dumps(STATEMENT), "application/fhir+json")


@pytest.fixture
def ours(tmp_path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.fixture
def theirs(tmp_path) -> Authority:
    return Authority(tmp_path, "theirs")


@pytest.fixture
def secure(ours) -> Iterator[Scripted]:
    """A server whose certificate our authority made."""
    with serving(lambda _: FHIR, tls=server_context(ours.vouch("server"))) as web:
        yield web


@pytest.fixture
def mutual(ours) -> Iterator[Scripted]:
    """A server that wants a certificate of ours as well."""
    with serving(lambda _: FHIR, tls=server_context(ours.vouch("server"), ours.ca)) as web:
        yield web


def read(web: Scripted, tls: Tls) -> object:
    waits: list[float] = []
    with RestServer(
        f"{web.origin}/fhir", tls=tls, patience=Patience(retries=1), pause=waits.append
    ) as server:
        return server.capabilities()


def client(files: Files, ca: Path) -> Tls:
    return Tls(ca=ca, cert=files.cert, key=files.key)


@pytest.mark.loopback
def test_an_authority_of_the_sites_own_is_trusted(secure, ours):
    assert read(secure, Tls(ca=ours.ca)) == STATEMENT


@pytest.mark.loopback
def test_a_server_that_nobody_known_vouches_for_is_not_used(secure, theirs):
    for tls in (Tls(), Tls(ca=theirs.ca)):
        with pytest.raises(ServerError, match="No secure connection") as caught:
            read(secure, tls)
        assert not isinstance(caught.value, TemporaryServerError)
        assert "tls_ca" in caught.value.hint
    assert secure.asked == []


@pytest.mark.loopback
def test_the_environment_does_not_change_whom_we_trust(secure, theirs, ours, monkeypatch):
    """The library would else prefer what these variables name to the site's own setting."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(theirs.ca))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(theirs.ca))
    assert read(secure, Tls(ca=ours.ca)) == STATEMENT


@pytest.mark.loopback
def test_a_server_that_asks_who_we_are_is_shown_our_certificate(mutual, ours):
    assert read(mutual, client(ours.vouch("client"), ours.ca)) == STATEMENT


@pytest.mark.loopback
def test_without_a_certificate_that_it_knows_it_does_not_answer(mutual, ours, theirs):
    for tls in (Tls(ca=ours.ca), client(theirs.vouch("stranger"), ours.ca)):
        with pytest.raises(ServerError, match="No secure connection") as caught:
            read(mutual, tls)
        assert "tls_cert" in caught.value.hint
    assert mutual.asked == []


@pytest.mark.loopback
def test_a_gateway_that_hangs_up_in_the_midst_of_the_greeting_is_tried_again(ours):
    """It restarts: nobody was refused. With one retry there are two greetings."""
    greetings = 0
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            nonlocal greetings
            for _ in range(2):
                client, _address = listening.accept()
                with client:
                    # All of the greeting, so that the end is an end and no reset.
                    greetings += bool(client.recv(16_384))

        thread = Thread(target=hang_up, daemon=True)
        thread.start()
        web = Scripted(f"https://127.0.0.1:{listening.getsockname()[1]}")
        with pytest.raises(TemporaryServerError, match="ended the secure connection"):
            read(web, Tls(ca=ours.ca))
        thread.join(5)
    assert greetings == 2


def test_files_that_can_be_used_pass_the_check(ours, tmp_path):
    files = ours.vouch("client")
    both = tmp_path / "both.pem"
    both.write_bytes(files.key.read_bytes() + files.cert.read_bytes())
    Tls().check()
    client(files, ours.ca).check()
    Tls(cert=both).check()
    assert Tls(cert=both).shown == str(both)


@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_authorities_that_cannot_be_read_are_named_before_anything_is_sent(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"tls_ca: .*ca\.pem holds no certificates"):
        Tls(ca=path).check()


def test_a_certificate_without_its_own_key_is_refused(ours, tmp_path):
    one, other = ours.vouch("one"), ours.vouch("other")
    locked = ours.vouch("locked", password=b"secret")
    for cert, key in (
        (one.cert, other.key),
        (one.cert, tmp_path / "missing"),
        (one.cert, None),
        (locked.cert, locked.key),
    ):
        with pytest.raises(ConfigError, match="tls_cert and tls_key") as caught:
            Tls(cert=cert, key=key).check()
        assert "password" in caught.value.hint
