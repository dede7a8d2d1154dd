"""Who is admitted and who is not: real keys, a real server of them, every case of the duties."""

import base64
import hmac
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from b12fhir.adapters.trust import (
    KeyRing,
    MemoryReplays,
    OpenGate,
    Refusal,
    TokenGate,
    from_url,
)
from b12fhir.errors import UntrustedError
from b12fhir.ports import Caller, Client
from tests.support.tokens import (
    ISSUER,
    KID,
    Signer,
    claims,
    ec_signer,
    jwks,
    rsa_signer,
    serving,
)

pytestmark = pytest.mark.loopback

URL = "https://b12.example.org/cds-services/b12-patient-view"
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
T = int(NOW.timestamp())
SERVERS = frozenset({"https://fhir.example.org/r4"})


class House:
    """A gate with one client, the key server of it, and what was told."""

    def __init__(self, keys, **client):
        self.keys = keys
        self.told = Counter()
        self.client = Client("ward", ISSUER, **{"jku": keys.url, **client})
        self.ring = KeyRing(from_url(keys.url), lambda: self.tell(Refusal.KEYS_DOWN))
        self.replays = MemoryReplays(lambda: NOW)
        self.gate = TokenGate([(self.client, self.ring)], SERVERS, self.replays, self.tell)

    def tell(self, reason):
        self.told[reason.value] += 1

    def admit(self, token, url=URL, now=NOW, scheme="Bearer "):
        return self.gate.admit(f"{scheme}{token}", url, now)

    def refuse(self, token, **how) -> str:
        """The word told for the refusal; what the caller hears is always the same."""
        self.told.clear()
        with pytest.raises(UntrustedError) as caught:
            self.admit(token, **how)
        assert str(caught.value) == "No token, or none that is good: the call is refused."
        assert caught.value.__cause__ is None
        self.told.pop(Refusal.KEYS_DOWN.value, None)
        (word,) = self.told
        return word


@pytest.fixture
def house():
    with serving(jwks(rsa_signer(), ec_signer())) as keys:
        yield House(keys)


def good(jti="j1", **others):
    return claims(URL, T, jti, **others)


def test_a_token_as_a_vendor_makes_it_is_admitted(house):
    """RS384, `sub` beside `iss`, valid from five minutes ago, for 15 minutes, an odd key id."""
    token = rsa_signer().token(good(sub=ISSUER, nbf=T - 300, exp=T + 900))
    assert house.admit(token) == Caller(ISSUER, "", SERVERS)
    assert not house.told


def test_a_token_as_the_sandbox_makes_it_is_admitted(house):
    """ES384, five minutes, the address of its keys in the header."""
    assert house.admit(ec_signer().token(good(), jku=house.keys.url)).issuer == ISSUER


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_the_scheme_may_be_written_in_any_case(house, scheme):
    assert house.admit(ec_signer().token(good()), scheme=scheme).issuer == ISSUER


@pytest.mark.parametrize(
    "others",
    [
        {"aud": [URL]},
        {"aud": ["https://other.example.org", URL]},
        {"exp": T + 0.5, "iat": T - 0.5},
        {"iat": T + 60},
        {"nbf": T + 60},
        {"exp": T + 3000, "iat": T - 600},
        {"departments": {"a": [1, None]}},
    ],
)
def test_what_is_unusual_but_right_is_admitted(house, others):
    assert house.admit(ec_signer().token(good(**others))).issuer == ISSUER


def test_a_tenant_of_the_list_is_admitted_with_the_servers_of_the_client(house):
    one = House(house.keys, tenants=frozenset({"t1", "t2"}), fhir_servers=("https://own/r4",))
    token = ec_signer().token(good(tenant="t2"))
    assert one.admit(token) == Caller(ISSUER, "t2", frozenset({"https://own/r4"}))
    assert one.refuse(ec_signer().token(good("j2", tenant="t3"))) == "tenant"
    assert one.refuse(ec_signer().token(good("j3"))) == "tenant"


@pytest.mark.parametrize(
    ("others", "word"),
    [
        ({"iss": "https://ehr.example.org.attacker.net"}, "issuer"),
        ({"iss": ""}, "issuer"),
        ({"iss": None}, "garbage"),
        ({"aud": "https://b12.example.org/cds-services"}, "audience"),
        ({"aud": URL + "/feedback"}, "audience"),
        ({"aud": URL + "/"}, "audience"),
        ({"aud": URL.replace("https", "http")}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": [[URL]]}, "garbage"),
        ({"aud": {"url": URL}}, "garbage"),
        ({"aud": None}, "garbage"),
        ({"exp": T}, "expired"),
        ({"exp": T - 1}, "expired"),
        ({"exp": None}, "garbage"),
        ({"exp": str(T + 300)}, "garbage"),
        ({"exp": True}, "garbage"),
        ({"exp": T + 3601}, "lifetime"),
        ({"exp": T + 3 * 365 * 86400}, "lifetime"),
        ({"exp": 10**300}, "lifetime"),
        ({"iat": T - 3301}, "lifetime"),
        ({"iat": T + 61}, "not-yet"),
        ({"iat": None}, "garbage"),
        ({"nbf": T + 61}, "not-yet"),
        ({"nbf": "now"}, "garbage"),
        ({"tenant": "t1"}, "tenant"),
        ({"tenant": 5}, "garbage"),
        ({"jti": None}, "garbage"),
        ({"jti": ""}, "garbage"),
        ({"jti": 7}, "garbage"),
    ],
)
def test_a_claim_that_is_missing_or_wrong_is_refused(house, others, word):
    """An hour of life is the most, and 60 seconds between clocks: `exp` itself is not stretched."""
    assert (
        house.refuse(
            ec_signer().token(
                {**good(), **others} if None not in others.values() else good(**others)
            )
        )
        == word
    )


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpzZWNyZXQ=",
        "Bearer a.b",
        "Bearer a.b.c",
        "Bearer a.b.c.d",
        "Bearer ..",
        "Bearer é.b.c",
        "Bearer " + "a" * 9000,
    ],
)
def test_what_is_no_token_is_refused(house, authorization):
    house.told.clear()
    with pytest.raises(UntrustedError):
        house.gate.admit(authorization, URL, NOW)
    assert set(house.told) <= {"no-token", "garbage"}
    assert house.keys.asked == 0


def raw(header, payload, signature=b"x" * 96) -> str:
    """A token of bytes or JSON values, signed by nobody."""
    parts = (
        part if isinstance(part, bytes) else json.dumps(part).encode()
        for part in (header, payload, signature)
    )
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


HEADER = {"alg": "ES384", "typ": "JWT", "kid": KID}


@pytest.mark.parametrize(
    ("header", "payload", "word"),
    [
        ({**HEADER, "alg": "none"}, good(), "algorithm"),
        ({**HEADER, "alg": "None"}, good(), "algorithm"),
        ({**HEADER, "alg": "RS256"}, good(), "algorithm"),
        ({**HEADER, "alg": "ES256"}, good(), "algorithm"),
        ({**HEADER, "alg": ["ES384"]}, good(), "garbage"),
        ({**HEADER, "typ": "at+jwt"}, good(), "garbage"),
        ({**HEADER, "crit": ["exp"]}, good(), "garbage"),
        ({**HEADER, "kid": 5}, good(), "garbage"),
        ({"alg": "ES384", "typ": "JWT"}, good(), "garbage"),
        ({"alg": "ES384", "kid": KID}, good(), "garbage"),
        ([1], good(), "garbage"),
        (HEADER, b"\xff\xfe", "garbage"),
        (HEADER, b'{"iss": "\xff"}', "garbage"),
        (HEADER, b'{"x":' + b"[" * 2500, "garbage"),
        (HEADER, b'{"x":' + b"[" * 1200 + b"]" * 1200 + b"}", "garbage"),
        (HEADER, {**good(), "exp": 10**400}, "lifetime"),
        (HEADER, [], "garbage"),
        (HEADER, good(), "signature"),
        ({**HEADER, "kid": "unknown"}, good(), "key"),
    ],
)
def test_a_made_up_token_is_refused(house, header, payload, word):
    assert house.refuse(raw(header, payload)) == word


@pytest.mark.parametrize("name", ["HS256", "HS384", "HS512"])
def test_a_public_key_is_no_secret_to_sign_with(house, name):
    """Everybody has it. The library would not even make such a token: it is made by hand."""
    secret = (
        rsa_signer().key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    unsigned = raw({**HEADER, "alg": name}, good()).rpartition(".")[0]
    digest = hmac.digest(secret, unsigned.encode(), f"sha{name[2:]}")
    signature = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert house.refuse(f"{unsigned}.{signature}") == "algorithm"
    assert house.keys.asked == 0


def test_a_token_without_signature_is_refused(house):
    token = ec_signer().token(good())
    assert house.refuse(token.rpartition(".")[0] + ".") == "garbage"


@pytest.mark.parametrize("signer", [rsa_signer(), ec_signer()])
def test_a_changed_payload_or_another_key_is_refused(house, signer):
    head, _, signature = signer.token(good()).split(".")
    _, payload, _ = signer.token(good(tenant="")).split(".")
    assert house.refuse(f"{head}.{payload}.{signature}") == "signature"
    other = {"RS384": rsa_signer("other"), "ES384": ec_signer("other")}[signer.algorithm]
    assert house.refuse(Signer(signer.algorithm, other.key).token(good())) == "signature"


def test_a_signature_spelt_in_another_way_is_refused(house):
    """The last letter of a part has bits that no byte holds: two spellings of one signature."""
    token = rsa_signer().token(good())  # 256 bytes: 342 letters, the last with four idle bits
    spelt = token[:-1] + {"A": "B", "Q": "R", "g": "h", "w": "x"}[token[-1]]
    assert house.refuse(spelt) == "garbage"
    assert house.admit(token).issuer == ISSUER


def test_a_header_that_names_the_other_algorithm_finds_no_wrong_key(house):
    """Both keys bear the same id; the type of the key decides, not the header alone."""
    assert house.refuse(raw({**HEADER, "alg": "RS384"}, good())) == "signature"
    house.keys.body = jwks(ec_signer())
    assert House(house.keys).refuse(raw({**HEADER, "alg": "RS384"}, good())) == "key"


def test_a_token_counts_once(house):
    token = ec_signer().token(good())
    house.admit(token)
    assert house.refuse(token) == "replay"
    assert house.refuse(ec_signer().token(good(exp=T + 600))) == "replay"
    assert house.admit(ec_signer().token(good("j2"))).issuer == ISSUER


def test_a_refused_token_does_not_use_up_its_id(house):
    """Else anybody who guesses an id could keep its owner out."""
    head, payload, _ = ec_signer().token(good()).split(".")
    house.refuse(f"{head}.{payload}.{'A' * 128}")
    assert house.admit(ec_signer().token(good())).issuer == ISSUER


def test_an_id_is_counted_by_its_issuer(house):
    two = Client("two", "https://two.example.org", house.keys.url)
    pairs = [(house.client, house.ring), (two, house.ring)]
    gate = TokenGate(pairs, SERVERS, house.replays, house.tell)
    for issuer in (ISSUER, two.issuer):
        caller = gate.admit(f"Bearer {ec_signer().token(good(iss=issuer))}", URL, NOW)
        assert caller.issuer == issuer


def test_an_address_of_keys_off_the_list_is_never_fetched(house):
    with serving(jwks(rsa_signer("evil"))) as evil:
        token = rsa_signer("evil").token(good(), jku=evil.url)
        assert house.refuse(token) == "jku"
        assert evil.asked == house.keys.asked == 0


def test_the_address_of_keys_is_that_of_this_client(house):
    """One that another client registered does not do, nor one for a client with a file."""
    one = House(house.keys, jku="")
    assert one.refuse(ec_signer().token(good(), jku=house.keys.url)) == "jku"
    assert house.refuse(ec_signer().token(good(), jku=house.keys.url + "?")) == "jku"
    assert house.refuse(ec_signer().token(good(), jku="")) == "jku"


def test_checks_come_in_the_order_of_the_specification(house):
    """iss, aud, exp, tenant, then key and signature, and the token id last."""
    house.admit(ec_signer().token(good()))
    wrong = {"iss": "x", "aud": "x", "exp": T - 1, "tenant": "x"}
    stranger = Signer("ES384", ec_signer("other").key)
    for name in ("iss", "aud", "exp", "tenant"):
        token = stranger.token({**good(), **wrong})
        assert (
            house.refuse(token)
            == {"iss": "issuer", "aud": "audience", "exp": "expired", "tenant": "tenant"}[name]
        )
        del wrong[name]
    assert house.refuse(stranger.token(good())) == "signature"
    assert house.refuse(ec_signer().token(good())) == "replay"


def test_keys_that_cannot_be_had_are_told_and_refuse(house):
    house.keys.status = 500
    assert house.refuse(ec_signer().token(good())) == "key"
    assert house.told[Refusal.KEYS_DOWN.value] == 0  # taken out by `refuse`, so it was told
    house.told.clear()
    with pytest.raises(UntrustedError):
        house.admit(ec_signer().token(good("j2")), now=NOW + timedelta(seconds=11))
    assert house.told == {"keys-down": 1, "key": 1}


def test_an_open_gate_admits_everybody():
    assert OpenGate(SERVERS).admit("", URL, NOW) == Caller("", "", SERVERS)


def test_memory_forgets_what_is_over():
    clock = [NOW]
    replays = MemoryReplays(lambda: clock[0])
    for number in range(1023):
        assert replays.first(ISSUER, str(number), NOW + timedelta(minutes=number % 2))
    clock[0] = NOW + timedelta(seconds=30)
    assert replays.first(ISSUER, "new", NOW + timedelta(minutes=5))
    assert len(replays) == 511 + 1  # of 0..1022 the odd ones are still valid
    assert not replays.first(ISSUER, "1", NOW)
    assert replays.first(ISSUER, "0", NOW)
