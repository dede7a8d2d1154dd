"""Our keys: made once, kept from others, named by their thumbprint, and their public half."""

import json
import os
import stat
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from b12fhir.adapters.smart import SigningKey, make_key, public_set, read_key
from b12fhir.adapters.smart.keys import _thumbprint
from b12fhir.errors import ConfigError
from tests.support.tokens import ec_signer, rsa_signer

PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def pem(key, password: bytes = b"") -> bytes:
    locked = serialization.BestAvailableEncryption(password) if password else None
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        locked or serialization.NoEncryption(),
    )


def written(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_the_name_is_the_thumbprint_of_the_standard():
    """The example of RFC 7638, section 3.1: key and thumbprint are those of the text."""
    public = {
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSo"
        "c_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YG"
        "jQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt"
        "-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDK"
        "gw",
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    }
    assert _thumbprint(public) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize(("algorithm", "kty"), [("ES384", "EC"), ("RS384", "RSA")])
@pytest.mark.parametrize("name", ["key.pem", "key.jwk", "key.JSON"])
def test_a_new_key_can_be_read_again(tmp_path, algorithm, kty, name):
    path = tmp_path / "keys" / name
    made = make_key(algorithm, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (b"PRIVATE KEY" in path.read_bytes()) == (name == "key.pem")
    read = read_key(path)
    assert (read.algorithm, read.kid, read.public) == (algorithm, made.kid, made.public)
    assert read.public["kty"] == kty
    assert not PRIVATE_MEMBERS & set(read.public)


def test_a_new_rsa_key_is_long_enough_for_years(tmp_path):
    assert make_key("RS384", tmp_path / "key").private.key_size == 3072


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_what_it_signs_is_checked_with_what_is_published(tmp_path, algorithm):
    key = make_key(algorithm, tmp_path / "key.pem")
    (published,) = json.loads(public_set([key]))["keys"]
    assert (published["alg"], published["use"], published["kid"]) == (algorithm, "sig", key.kid)
    signed = jwt.encode({"jti": "1"}, key.private, algorithm=algorithm)
    assert jwt.decode(signed, jwt.PyJWK(published), [algorithm]) == {"jti": "1"}


def test_the_present_and_the_next_key_are_published_together_and_each_once(tmp_path):
    now, after = (make_key("ES384", tmp_path / name) for name in ("now", "next"))
    rows = json.loads(public_set([now, after, now]))["keys"]
    assert [row["kid"] for row in rows] == [now.kid, after.kid]


def test_a_key_is_never_overwritten(tmp_path):
    path = written(tmp_path / "key.pem", b"in use")
    with pytest.raises(ConfigError, match="there already") as caught:
        make_key("ES384", path)
    assert "another file" in caught.value.hint
    assert path.read_bytes() == b"in use"


def test_a_link_to_nowhere_is_not_followed_by_a_new_key(tmp_path):
    """Whoever can lay a link would else choose where the key is written."""
    link = tmp_path / "key.pem"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="there already"):
        make_key("ES384", link)
    assert not (tmp_path / "elsewhere").exists()


def test_a_key_that_cannot_be_written_is_told(tmp_path):
    written(tmp_path / "file", b"")
    for path in (tmp_path / "file" / "key.pem", tmp_path / ("x" * 300)):
        with pytest.raises(ConfigError, match="cannot be written"):
            make_key("ES384", path)


def test_half_a_key_is_not_left_behind(tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    path = tmp_path / "key.pem"
    with pytest.raises(ConfigError, match="No space left"):
        make_key("ES384", path)
    assert not path.exists()


def test_a_key_made_elsewhere_keeps_the_name_it_was_registered_under(tmp_path):
    """A JWK says its name itself; without one it has the thumbprint, as PEM has."""
    signer = ec_signer()
    row = jwt.get_algorithm_by_name("ES384").to_jwk(signer.key, as_dict=True)
    path = written(tmp_path / "key.json", json.dumps({**row, "kid": "ward-7"}).encode())
    assert read_key(path).kid == "ward-7"
    bare = read_key(written(path, json.dumps(row).encode()))
    same = read_key(written(tmp_path / "key.pem", pem(signer.key)))
    assert bare.kid == same.kid != "ward-7"


def test_a_key_that_the_group_may_read_is_used(tmp_path):
    """As secrets of a container are often given."""
    assert read_key(written(tmp_path / "key", pem(ec_signer().key), 0o640)).algorithm == "ES384"


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644, 0o666])
def test_a_key_that_is_open_to_everybody_is_refused(tmp_path, mode):
    path = written(tmp_path / "key", pem(ec_signer().key), mode)
    with pytest.raises(ConfigError, match="open to every user") as caught:
        read_key(path)
    assert f"chmod 600 {path}" in caught.value.hint


def test_a_missing_key_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"missing\.pem cannot be read \(No such file"):
        read_key(tmp_path / "missing.pem")


EC_ROW = jwt.get_algorithm_by_name("ES384").to_jwk(ec_signer().key, as_dict=True)
PUBLIC_ROW = {name: value for name, value in EC_ROW.items() if name != "d"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n",
        pem(ec_signer().key, b"password"),
        pem(ec.generate_private_key(ec.SECP256R1())),
        pem(ed25519.Ed25519PrivateKey.generate()),
        pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),  # noqa: S505 - weak
        ec_signer()
        .key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        b"{",
        b"{}",
        b"[]",
        b'{"kty": []}',
        b'{"kty": "oct", "k": "c2VjcmV0"}',
        b"{" * 100_000,
        json.dumps(PUBLIC_ROW).encode(),
        json.dumps({**EC_ROW, "alg": "ES256"}).encode(),
        json.dumps({**EC_ROW, "d": "AAAA"}).encode(),
        json.dumps({"keys": [EC_ROW]}).encode(),
    ],
)
def test_what_is_no_key_of_ours_is_refused_without_its_content(tmp_path, content):
    path = written(tmp_path / "key", content)
    with pytest.raises(ConfigError, match="holds no private key") as caught:
        read_key(path)
    assert "b12fhir keys new" in caught.value.hint
    assert caught.value.__cause__ is None
    assert "nonsense" not in str(caught.value)


def test_a_key_does_not_show_itself():
    key = SigningKey("RS384", "name", rsa_signer().key)
    assert "private" not in repr(key)
