"""The whole program before a FHIR server that asks who it is: by key, by token, by certificate."""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from b12fhir import wiring
from b12fhir.adapters.memory import MemoryServer
from b12fhir.adapters.server import RestServer
from b12fhir.adapters.smart import make_key
from b12fhir.fhir.scopes import needed_scopes
from b12fhir.wiring import house
from tests.support.auth_server import AuthServer, authorizing
from tests.support.certificates import Authority, server_context
from tests.support.phi import TOKEN, assert_no_phi
from tests.support.web import Asked, Reply, Scripted, reply, serving

pytestmark = pytest.mark.loopback
STATEMENT = json.dumps(MemoryServer().capabilities())
FHIR = "application/fhir+json"


@pytest.fixture(autouse=True)
def impatient(monkeypatch) -> None:
    """Do not really wait between tries."""
    monkeypatch.setattr(house, "RestServer", partial(RestServer, pause=lambda _: None))


@dataclass
class Site:
    """A FHIR server behind an authorization server that knows the key in a file."""

    auth: AuthServer
    key: Path
    settings: dict[str, str]


@contextmanager
def site(folder: Path, algorithm: str = "ES384", **known) -> Iterator[Site]:
    path = folder / "smart.pem"
    key = make_key(algorithm, path)

    def fhir(asked: Asked) -> Reply:
        if asked.path == "/fhir/.well-known/smart-configuration":
            return reply(200, json.dumps(auth.configuration()))
        if not auth.admits(asked.headers.get("Authorization")):
            return reply(401)
        return reply(200, STATEMENT, FHIR)

    with authorizing([key.public], fhir, **{"scopes": needed_scopes(), **known}) as auth:
        settings = {
            "SERVER": f"{auth.origin}/fhir",
            "SMART_CLIENT_ID": auth.client,
            "SMART_KEY_FILE": str(path),
        }
        yield Site(auth, path, settings)


def b12fhir(*argv: str, **settings: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    environ = {f"B12FHIR_{name}": value for name, value in settings.items()}
    code = wiring.main(argv, environ, out, err, lambda: datetime.now(UTC))
    assert_no_phi(out.getvalue() + err.getvalue())
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_doctor_gets_a_token_and_says_how(tmp_path, algorithm):
    with site(tmp_path, algorithm) as there:
        code, out, err = b12fhir("doctor", **there.settings)
    assert (code, err) == (0, "")
    assert f"authorization: SMART Backend Services as {there.auth.client}, {algorithm}\n" in out
    assert f"key: kid {there.auth.keys[0]['kid']}\n" in out
    assert f"token endpoint: {there.auth.token_url} (its smart-configuration)\n" in out
    assert f"scopes asked for: {needed_scopes()}\n" in out
    assert "scopes granted" not in out
    # One token for the whole command.
    assert there.auth.granted == [needed_scopes()]


def test_scopes_that_were_asked_for_and_not_granted_are_named(tmp_path):
    with site(tmp_path) as there:
        less = {"access_token": "t", "token_type": "bearer", "scope": "system/Patient.rs"}
        there.auth.troubles.append(reply(200, json.dumps(less)))
        there.auth.admits = lambda _: True
        code, out, _ = b12fhir("doctor", **there.settings)
    assert code == 0
    assert "lacking scopes granted: system/Patient.rs -> what it does not permit" in out


def test_the_sites_own_settings_are_asked_for(tmp_path):
    with site(tmp_path, jku="https://b12.example/jwks.json") as there:
        told = {
            "SMART_SCOPES": "system/Patient.rs",
            "SMART_TOKEN_URL": there.auth.token_url,
            "SMART_JKU": "https://b12.example/jwks.json",
        }
        code, out, _ = b12fhir("doctor", **there.settings, **told)
    assert code == 0
    assert f"token endpoint: {there.auth.token_url} (smart_token_url)" in out
    assert there.auth.granted == ["system/Patient.rs"]


def test_a_client_that_is_not_known_is_told_in_one_line(tmp_path):
    with site(tmp_path, client="another") as there:
        told = {**there.settings, "SMART_CLIENT_ID": "b12"}
        code, out, err = b12fhir("doctor", **told)
    assert (code, out) == (22, "")
    assert "(invalid_client) and gave no token." in err
    assert "b12fhir keys public" in err
    assert err.count("\n") == 1


def test_a_key_that_cannot_be_used_is_told_before_anything_is_asked(tmp_path):
    with site(tmp_path) as there:
        there.key.chmod(0o644)
        code, _, err = b12fhir("doctor", **there.settings)
        assert there.auth.asked == []
    assert code == 12
    assert "open to every user" in err


def test_without_the_libraries_a_key_is_refused_in_words(tmp_path, monkeypatch):
    with site(tmp_path) as there:
        for name in [one for one in sys.modules if one.startswith("b12fhir.adapters.smart")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr("b12fhir.adapters.smart")
        monkeypatch.setitem(sys.modules, "jwt", None)
        code, _, err = b12fhir("doctor", **there.settings)
    assert code == 12
    assert "jwt is not installed, so no key can be used" in err
    assert "b12fhir[server]" in err


def always(_: Asked) -> Reply:
    return reply(200, STATEMENT, FHIR)


def test_without_any_proof_doctor_says_so():
    with serving(always) as web:
        code, out, _ = b12fhir("doctor", SERVER=f"{web.origin}/fhir")
    assert code == 0
    assert "authorization: no token is sent\n" in out
    assert "certificate" not in out
    assert "Authorization" not in web.asked[0].headers


def test_a_token_file_is_named_and_its_token_is_not(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN)
    with serving(always) as web:
        _, out, _ = b12fhir("doctor", SERVER=f"{web.origin}/fhir", TOKEN_FILE=str(path))
    assert f"authorization: bearer token of {path}\n" in out
    assert web.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.fixture
def mutual(tmp_path) -> Iterator[tuple[Scripted, dict[str, str]]]:
    """A server that asks for a certificate, and the settings that show it one."""
    ours = Authority(tmp_path)
    client = ours.vouch("client")
    files = {"TLS_CA": ours.ca, "TLS_CERT": client.cert, "TLS_KEY": client.key}
    with serving(always, tls=server_context(ours.vouch("server"), ours.ca)) as web:
        yield web, {"SERVER": f"{web.origin}/fhir", **{k: str(v) for k, v in files.items()}}


def test_a_server_with_mutual_tls_is_reached_by_certificate(mutual):
    _, settings = mutual
    code, out, err = b12fhir("doctor", **settings)
    assert (code, err) == (0, "")
    assert f"certificate of ours: {settings['TLS_CERT']}, where it is asked for\n" in out
    assert f"trusted authorities: those of {settings['TLS_CA']} only\n" in out


def test_files_of_tls_that_cannot_be_used_are_told_before_anything_is_asked(mutual):
    web, settings = mutual
    code, _, err = b12fhir("doctor", **{**settings, "TLS_KEY": settings["TLS_CA"]})
    assert code == 12
    assert "tls_cert and tls_key" in err
    assert web.asked == []


def test_tokens_are_fetched_by_mutual_tls_as_well(tmp_path):
    """A key and a certificate together: the token endpoint asks for both."""
    ours = Authority(tmp_path)
    client = ours.vouch("client")
    key = make_key("ES384", tmp_path / "smart.pem")
    auth = AuthServer([key.public], scopes=needed_scopes())

    def both(asked: Asked) -> Reply:
        if asked.path == "/token":
            return auth.answer(asked)
        if asked.path.endswith("smart-configuration"):
            return reply(200, json.dumps(auth.configuration()))
        return always(asked) if auth.admits(asked.headers.get("Authorization")) else reply(401)

    with serving(both, tls=server_context(ours.vouch("server"), ours.ca)) as web:
        auth.origin = web.origin
        code, out, err = b12fhir(
            "doctor",
            SERVER=f"{web.origin}/fhir",
            SMART_CLIENT_ID=auth.client,
            SMART_KEY_FILE=str(tmp_path / "smart.pem"),
            TLS_CA=str(ours.ca),
            TLS_CERT=str(client.cert),
            TLS_KEY=str(client.key),
        )
    assert (code, err) == (0, "")
    assert f"token endpoint: {web.origin}/token" in out
