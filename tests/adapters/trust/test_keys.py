"""Keys of a client: which may be used, how long they are kept, and what their server may do."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from b12fhir.adapters.trust import KeyRing, from_file, from_url
from b12fhir.adapters.trust.jwks import KeysError, pick, read_keys
from b12fhir.adapters.trust.keyring import Fetched
from b12fhir.adapters.trust.sources import lifetime
from tests.support.tokens import KID, ec_signer, jwks, rsa_signer, serving

pytestmark = pytest.mark.loopback

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
EC = ec_signer().public
RSA = rsa_signer().public


def usable(*rows) -> bool:
    """May the one ES384 or RS384 key of the set be used?"""
    keys = read_keys(json.dumps({"keys": rows}).encode())
    return any(pick(keys, KID, name) is not None for name in ("ES384", "RS384"))


def without(row, name):
    return {key: value for key, value in row.items() if key != name}


@pytest.mark.parametrize(
    "row",
    [
        EC,
        RSA,
        without(EC, "use"),
        without(RSA, "alg"),
        {**EC, "key_ops": ["verify"]},
        {**RSA, "x5c": ["..."]},
    ],
)
def test_a_key_for_signatures_may_be_used(row):
    assert usable(row)


@pytest.mark.parametrize(
    "row",
    [
        {**EC, "use": "enc"},
        {**EC, "key_ops": ["sign"]},
        {**EC, "key_ops": "verify"},
        {**EC, "alg": "ES256"},
        {**RSA, "alg": "RS256"},
        {**EC, "crv": "P-256"},
        {**EC, "d": "AAAA"},
        {**EC, "x": "AAAA"},
        {**EC, "x": 5},
        {**EC, "kid": 5},
        {**EC, "kty": 5},
        {**RSA, "n": "!"},
        without(RSA, "n"),
        rsa_signer(KID, 1024).public,
        {"kty": "oct", "kid": KID, "k": "AAAA"},
        {"kty": "OKP", "kid": KID, "crv": "Ed25519", "x": "AAAA"},
        "key",
    ],
)
def test_a_key_that_is_private_weak_or_for_other_ends_may_not(row):
    assert not usable(row)


def test_a_curve_that_only_says_it_is_ours_may_not():
    other = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    coordinates = {"x": f"{other.x:043x}", "y": f"{other.y:043x}"}
    assert not usable({**EC, **coordinates})


def test_one_key_exactly_must_bear_the_name_and_type():
    """Two would leave the choice to the order of the set, even if one of them is of no use."""
    assert usable(EC, RSA)
    assert not usable(EC, EC)
    assert not usable(EC, {**EC, "use": "enc"})
    assert usable(EC, {**EC, "kid": "other"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": "\xff"}',
        b"[" * 5000,
        json.dumps({"keys": [EC] * 101}).encode(),
    ],
)
def test_what_is_no_set_of_keys_is_refused(body):
    with pytest.raises(KeysError):
        read_keys(body)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 300),
        ({"Cache-Control": "public"}, 300),
        ({"Cache-Control": "public, max-age=60"}, 60),
        ({"Cache-Control": 'max-age="60"'}, 60),
        ({"Cache-Control": "max-age=0"}, 0),
        ({"Cache-Control": "s-max-age=5"}, 300),
        ({"Cache-Control": "max-age=864000"}, 3600),
        ({"Cache-Control": "max-age=9999999999"}, 3600),
        ({"Cache-Control": "max-age=60", "Age": "20"}, 40),
        ({"Cache-Control": "max-age=60", "Age": "99"}, 0),
        ({"Cache-Control": "max-age=60", "Age": "soon"}, 60),
        ({"Cache-Control": "no-store"}, 0),
        ({"Cache-Control": "No-Cache, max-age=60"}, 0),
    ],
)
def test_how_long_keys_are_kept(headers, seconds):
    """As the server says, an hour at most, five minutes without a word."""
    assert lifetime(headers) == timedelta(seconds=seconds)


class Ring:
    """A ring over a real server of keys."""

    def __init__(self, keys):
        self.down = 0
        self.ring = KeyRing(from_url(keys.url), self._count)

    def _count(self):
        self.down += 1

    def has(self, kid, seconds, algorithm="ES384") -> bool:
        return self.ring.find(kid, algorithm, NOW + timedelta(seconds=seconds)) is not None


@pytest.fixture
def keys():
    with serving(jwks(ec_signer())) as server:
        server.headers["Cache-Control"] = "max-age=100"
        yield server


def test_keys_are_fetched_once_and_again_when_their_time_is_over(keys):
    ring = Ring(keys)
    assert all(ring.has(KID, seconds) for seconds in (0, 1, 99))
    assert keys.asked == 1
    assert ring.has(KID, 100)
    assert keys.asked == 2


def test_a_new_key_is_found_at_once_and_unknown_ones_do_not_hammer(keys):
    """Rotation: the set is asked for again for a name it lacks, once in ten seconds."""
    ring = Ring(keys)
    assert ring.has(KID, 0)
    keys.body = jwks(ec_signer(), ec_signer("next"))
    assert ring.has("next", 10)
    assert keys.asked == 2
    assert not any(ring.has(f"made-up-{n}", 10 + n % 10) for n in range(50))
    assert keys.asked == 2
    assert not ring.has("made-up", 20)
    assert keys.asked == 3


def test_a_key_taken_back_serves_no_longer_than_it_may_be_kept(keys):
    ring = Ring(keys)
    assert ring.has(KID, 0)
    keys.body = jwks(ec_signer("next"))
    assert ring.has(KID, 99)
    assert not ring.has(KID, 100)


def test_known_keys_serve_on_while_their_server_is_down_but_not_for_ever(keys):
    ring = Ring(keys)
    assert ring.has(KID, 0)
    keys.status = 503
    assert ring.has(KID, 500)
    assert ring.has(KID, 505)
    assert (ring.down, keys.asked) == (1, 2)
    assert ring.has(KID, 86_399)
    assert not ring.has(KID, 86_410)
    keys.status = 200
    assert ring.has(KID, 86_420)


@pytest.mark.parametrize(
    "set_up",
    [
        {"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
        {"status": 404},
        {"body": b"<html>"},
        {"body": b" " * 200_001},
        {"headers": {"Content-Encoding": "gzip"}},
    ],
)
def test_a_bad_answer_gives_no_keys(keys, set_up):
    vars(keys).update(set_up)
    ring = Ring(keys)
    assert not ring.has(KID, 0)
    assert ring.down == 1


def test_nobody_listening_gives_no_keys():
    ring = KeyRing(from_url("http://127.0.0.1:9/jwks.json"), lambda: None)
    assert ring.find(KID, "ES384", NOW) is None


def test_an_answer_that_trickles_is_cut_off(keys, monkeypatch):
    monkeypatch.setattr("b12fhir.adapters.trust.sources._TOTAL_S", -1)
    assert not Ring(keys).has(KID, 0)


def test_no_password_of_this_machine_is_sent_to_the_server_of_keys(keys, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login u password p\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert Ring(keys).has(KID, 0)
    assert "Authorization" not in keys.seen[0]


def test_who_has_keys_does_not_wait_for_new_ones():
    """One slow server of keys must not hold up the calls of a client that is known."""
    started, go = threading.Event(), threading.Event()
    answers = []

    def load():
        if answers:
            started.set()
            go.wait(10)
        answers.append(1)
        return Fetched(jwks(ec_signer()), timedelta(seconds=60))

    ring = KeyRing(load, lambda: None)
    assert ring.find(KID, "ES384", NOW) is not None
    later = NOW + timedelta(seconds=61)
    slow = threading.Thread(target=ring.find, args=(KID, "ES384", later))
    slow.start()
    assert started.wait(10)
    assert ring.find(KID, "ES384", later) is not None
    go.set()
    slow.join(10)
    assert len(answers) == 2


def test_a_file_of_keys_is_read_and_read_again(tmp_path):
    path = tmp_path / "keys.json"
    down = []
    ring = KeyRing(from_file(path), lambda: down.append(1))
    assert ring.find(KID, "ES384", NOW) is None
    assert down == [1]
    path.write_bytes(jwks(ec_signer()))
    assert ring.find(KID, "ES384", NOW + timedelta(seconds=10)) is not None
    path.write_bytes(jwks(ec_signer("next")))
    assert ring.find(KID, "ES384", NOW + timedelta(seconds=71)) is None
