"""Clients of the CDS Hooks service for tests: real keys, a server of them, and their tokens."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

ISSUER = "https://ehr.example.org"
# As some vendors write them: with characters that are none of base64url.
KID = "2x7H+f0=kq"


@dataclass(frozen=True)
class Signer:
    """A private key, and the public half as it stands in a JWKS."""

    algorithm: str
    key: Any
    kid: str = KID

    @property
    def public(self) -> dict[str, Any]:
        made = jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.key.public_key(), as_dict=True)
        wanted = {name: made[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in made}
        return {**wanted, "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    def token(self, claims: dict[str, Any], **header: Any) -> str:
        said = {"kid": self.kid, **header}
        return jwt.encode(claims, self.key, algorithm=self.algorithm, headers=said)


@cache
def rsa_signer(kid: str = KID, bits: int = 2048) -> Signer:
    return Signer("RS384", rsa.generate_private_key(public_exponent=65537, key_size=bits), kid)


@cache
def ec_signer(kid: str = KID) -> Signer:
    return Signer("ES384", ec.generate_private_key(ec.SECP384R1()), kid)


def claims(url: str, now: float, jti: str, **others: Any) -> dict[str, Any]:
    """What every good token says; a value of ``None`` leaves its claim out."""
    usual = {"iss": ISSUER, "aud": url, "iat": now, "exp": now + 300, "jti": jti}
    return {name: value for name, value in {**usual, **others}.items() if value is not None}


def jwks(*signers: Signer) -> bytes:
    return json.dumps({"keys": [signer.public for signer in signers]}).encode()


@dataclass
class KeyServer:
    """A server of keys whose answer a test sets; counts how often it was asked."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0
    asked: int = 0
    seen: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(body: bytes) -> Iterator[KeyServer]:
    """A key server on this machine, as long as the block runs."""
    told = KeyServer(body)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked += 1
            told.seen.append(dict(self.headers))
            time.sleep(told.wait)
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, *_args) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    told.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
    yield told
    server.shutdown()
    server.server_close()
