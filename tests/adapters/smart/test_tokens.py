"""Tokens against a strict authorization server: proved, kept, renewed in time, and never shown."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest

from b12fhir.adapters.server import Patience, RestServer, Web
from b12fhir.adapters.smart import Registration, SigningKey, SmartTokens
from b12fhir.errors import AuthError, ServerError, TemporaryServerError
from tests.support.auth_server import (
    BUSY,
    CLIENT,
    FAULT,
    HTML,
    SCOPES,
    AuthServer,
    authorizing,
    slowly,
)
from tests.support.phi import assert_no_phi
from tests.support.tokens import Signer, ec_signer, rsa_signer
from tests.support.web import Asked, Reply, reply

pytestmark = pytest.mark.loopback
START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
STATEMENT = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}


@dataclass
class Time:
    """One clock for both sides, moved by hand: seconds since the start; ours may be off."""

    passed: float = 0.0
    off: float = 0.0
    waits: list[float] = field(default_factory=list)

    def ours(self) -> datetime:
        return START + timedelta(seconds=self.passed + self.off)

    def theirs(self) -> float:
        return START.timestamp() + self.passed

    def ticks(self) -> float:
        return 1000.0 + self.passed

    def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.passed += seconds


@dataclass
class Ward:
    """A FHIR server behind the authorization server, and our tokens for it."""

    auth: AuthServer
    time: Time
    who: Registration
    asked: list[Asked]

    def tokens(self, **changed: Any) -> SmartTokens:
        web = Web(
            patience=Patience(retries=2, first=1, jitter=lambda: 0),
            pause=self.time.pause,
            clock=self.time.ours,
        )
        who = replace(self.who, **changed)
        return SmartTokens(who, web, clock=self.time.ours, ticks=self.time.ticks)

    @property
    def base(self) -> str:
        return self.who.base


@contextmanager
def ward(signer: Signer, **known: Any) -> Iterator[Ward]:
    """Everything on this machine; the FHIR server says where tokens are issued."""
    time, asked = Time(), []
    key = SigningKey(signer.algorithm, signer.kid, signer.key)

    def fhir(request: Asked) -> Reply:
        asked.append(request)
        if request.path == "/fhir/.well-known/smart-configuration":
            return reply(200, json.dumps(auth.configuration()))
        if not auth.admits(request.headers.get("Authorization")):
            return reply(401)
        return reply(200, json.dumps(STATEMENT), "application/fhir+json")

    with authorizing([signer.public], fhir, now=time.theirs, **known) as auth:
        who = Registration(f"{auth.origin}/fhir", CLIENT, key, SCOPES)
        yield Ward(auth, time, who, asked)


@pytest.fixture
def there() -> Iterator[Ward]:
    with ward(ec_signer()) as made:
        yield made


def proofs(auth: AuthServer) -> list[dict[str, Any]]:
    """The claims of each assertion, in order."""
    forms = [parse_qs(asked.body.decode()) for asked in auth.asked]
    unchecked = {"verify_signature": False}
    return [jwt.decode(form["client_assertion"][0], options=unchecked) for form in forms]


# How we prove who we are


@pytest.mark.parametrize("signer", [ec_signer(), rsa_signer()], ids=["ES384", "RS384"])
def test_a_strict_server_gives_a_token_for_either_kind_of_key(signer):
    with ward(signer) as there:
        assert there.auth.valid(there.tokens()())
        assert there.auth.granted == [SCOPES]


def test_what_we_sign_says_what_the_specification_asks_for_and_no_more(there):
    there.tokens()()
    (said,) = proofs(there.auth)
    jti = said.pop("jti")
    now = START.timestamp()
    assert said == {"iss": CLIENT, "sub": CLIENT, "aud": there.auth.token_url, "exp": now + 120}
    assert len(jti) >= 32
    form = parse_qs(there.auth.asked[0].body.decode())
    header = jwt.get_unverified_header(form["client_assertion"][0])
    assert header == {"alg": "ES384", "typ": "JWT", "kid": there.who.key.kid}


def test_a_registered_address_of_our_keys_is_named():
    jku = "https://b12.example.org/.well-known/jwks.json"
    with ward(ec_signer(), jku=jku) as there:
        assert there.tokens(jku=jku)()
        form = parse_qs(there.auth.asked[0].body.decode())
        assert jwt.get_unverified_header(form["client_assertion"][0])["jku"] == jku


def test_each_try_is_signed_anew(there):
    """A server that remembers what it saw, and then failed, would refuse the same proof."""
    there.auth.troubles.extend([FAULT, FAULT])
    assert there.tokens()()
    said = [proof["jti"] for proof in proofs(there.auth)]
    assert len(set(said)) == 3
    assert there.time.waits == [1, 2]


def test_a_clock_that_is_two_minutes_off_does_no_harm(there):
    for off in (-110, 110):
        there.time.off = off
        assert there.tokens()()
    assert there.auth.refusals == []


@pytest.mark.parametrize(
    ("off", "why", "words"),
    [(-600, "expired", "10 min behind"), (600, "exp more than five minutes ahead", "10 min ahead")],
)
def test_a_clock_that_is_wrong_is_told_and_not_tried_again(there, off, why, words):
    there.time.off = off
    with pytest.raises(AuthError, match=words):
        there.tokens()()
    assert there.auth.refusals == [why]


# Where it is asked for


def test_where_tokens_are_issued_is_looked_up_once(there):
    tokens = there.tokens()
    assert tokens.endpoint().url == there.auth.token_url
    for _ in range(3):
        tokens()
        there.time.passed += 300
    assert [asked.path for asked in there.asked] == ["/fhir/.well-known/smart-configuration"]


def test_after_a_failure_it_is_looked_up_anew(there):
    """It may have moved."""
    tokens = there.tokens()
    there.auth.troubles.append(reply(404))
    with pytest.raises(AuthError, match="answered 404"):
        tokens()
    there.time.passed += 10
    assert tokens()
    assert len(there.asked) == 2


def test_a_key_that_the_server_does_not_take_is_told_before_anything_is_sent(there):
    there.auth.algorithms = ["RS384", "PS512"]
    with pytest.raises(AuthError, match=r"does not take ES384.* it takes RS384") as caught:
        there.tokens()()
    assert "keys new" in caught.value.hint
    assert there.auth.asked == []


def test_a_server_that_takes_none_of_ours_is_told():
    with (
        ward(rsa_signer(), algorithms=["RS256"]) as there,
        pytest.raises(AuthError, match="it takes none that we know"),
    ):
        there.tokens()()


def test_the_token_and_what_proves_us_go_where_they_belong(there):
    """The FHIR server sees no assertion, the token endpoint no token."""
    tokens = there.tokens()
    with RestServer(there.base, token=tokens, refused=tokens.refused) as server:
        server.capabilities()
    assert all(b"assertion" not in asked.body for asked in there.asked)
    assert "Authorization" not in there.asked[0].headers
    assert "Authorization" not in there.auth.asked[0].headers
    assert there.auth.admits(there.asked[1].headers["Authorization"])


# How long it is kept


def test_a_token_is_kept_until_half_a_minute_before_its_end(there):
    tokens = there.tokens()
    first = tokens()
    there.time.passed = 269
    assert tokens() == first
    there.time.passed = 270
    assert tokens() != first
    assert len(there.auth.granted) == 2


@pytest.mark.parametrize(
    ("lifetime", "kept"),
    [
        (60, 30),
        # Half its life, where that is less than the half minute.
        (20, 10),
        ("20", 10),
        # At least a second: else each request would ask for its own.
        (1, 1),
        (0, 1),
        (-7, 1),
        # 300 seconds where nothing is said, an hour where that is beyond belief.
        (None, 270),
        ("soon", 270),
        (10**12, 3570),
    ],
)
def test_whatever_a_server_says_of_its_time_there_is_no_storm(there, lifetime, kept):
    there.auth.lifetime, there.auth.lives = lifetime, 3600
    tokens = there.tokens()
    first = tokens()
    there.time.passed = kept - 0.01
    assert tokens() == first
    there.time.passed = kept
    assert tokens() != first
    assert len(there.auth.granted) == 2


def test_tokens_end_in_the_midst_of_a_run_and_nobody_notices(there):
    """Each lives for 40 seconds; a run of 400 reads, one a second, needs 20 and is refused once
    at no time."""
    there.auth.lifetime = 40
    tokens = there.tokens()
    with RestServer(there.base, token=tokens, refused=tokens.refused) as server:
        for _ in range(400):
            assert server.capabilities() == STATEMENT
            there.time.passed += 1
    assert len(there.auth.granted) == 20
    assert len(there.asked) == 401


def test_a_token_that_is_taken_back_is_renewed_within_the_request(there):
    tokens = there.tokens()
    with RestServer(there.base, token=tokens, refused=tokens.refused) as server:
        server.capabilities()
        there.time.passed = 5
        there.auth.revoke()
        assert server.capabilities() == STATEMENT
    assert len(there.auth.granted) == 2


def test_a_server_that_refuses_every_token_is_not_asked_for_more_and_more(there):
    """Ten requests within a second: one token, and each ends with its 401."""
    there.auth.lives = 0
    tokens = there.tokens()
    with RestServer(there.base, token=tokens, refused=tokens.refused) as server:
        for _ in range(10):
            with pytest.raises(AuthError, match="answered 401"):
                server.capabilities()
            there.time.passed += 0.05
    assert len(there.auth.granted) == 1


def test_a_token_that_somebody_else_has_renewed_is_not_renewed_again(there):
    tokens = there.tokens()
    first = tokens()
    there.time.passed = 5
    tokens.refused(first)
    second = tokens()
    there.time.passed = 10
    tokens.refused(first)
    assert tokens() == second


def together(ask_for: Callable[[], object], number: int = 8) -> list[object]:
    """What so many threads get that ask at the same moment."""
    got: list[object] = []
    start = threading.Barrier(number)

    def ask() -> None:
        start.wait()
        try:
            got.append(ask_for())
        except ServerError as error:
            got.append(error)

    threads = [threading.Thread(target=ask) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def test_many_threads_share_one_token(there):
    there.auth.troubles.append(slowly(0.2))
    got = together(there.tokens())
    assert len(got) == 8
    assert len(set(got)) == 1
    assert len(there.auth.asked) == 1


def test_many_threads_whose_token_was_refused_share_the_next(there):
    tokens = there.tokens()
    first = tokens()
    there.time.passed = 5
    there.auth.troubles.append(slowly(0.2))

    def renewed() -> str:
        tokens.refused(first)
        return tokens()

    got = together(renewed)
    assert set(got) == {tokens()} != {first}
    assert len(there.auth.asked) == 2


def test_threads_at_work_get_over_a_token_that_is_taken_back(there):
    """Eight readers are refused at once; all go on with one new token."""
    tokens = there.tokens()
    with RestServer(there.base, token=tokens, refused=tokens.refused) as server:
        server.capabilities()
        there.time.passed = 5
        there.auth.revoke()
        there.auth.troubles.append(slowly(0.2))
        assert together(server.capabilities) == [STATEMENT] * 8
    assert len(there.auth.granted) == 2


def test_nobody_waits_for_a_renewal_while_the_old_token_is_good(there):
    """It is asked for 30 seconds before the end; who comes meanwhile has the old one at once."""
    tokens = there.tokens()
    first = tokens()
    there.time.passed = 280
    under_way, go_on = threading.Event(), threading.Event()

    def held_up(_: Asked) -> None:
        under_way.set()
        go_on.wait(10)

    there.auth.troubles.append(held_up)
    renewal: list[str] = []
    thread = threading.Thread(target=lambda: renewal.append(tokens()))
    thread.start()
    assert under_way.wait(10)
    assert tokens() == first
    go_on.set()
    thread.join()
    assert renewal != [first]
    assert tokens() == renewal[0]


# What goes wrong


def test_a_busy_server_is_given_the_time_it_asks_for(there):
    there.auth.troubles.append(BUSY)
    assert there.tokens()()
    assert there.time.waits == [2]


@pytest.mark.parametrize("trouble", [FAULT, BUSY, reply(503), Reply(hang_up=True)])
def test_a_server_that_stays_down_is_a_passing_fault(there, trouble):
    there.auth.troubles.extend([trouble] * 3)
    with pytest.raises(TemporaryServerError) as caught:
        there.tokens()()
    assert "/token" in caught.value.message
    assert len(there.time.waits) == 2


def test_while_it_is_down_the_old_token_serves_on_to_its_end(there):
    tokens = there.tokens()
    first = tokens()
    there.auth.troubles.extend([FAULT] * 30)
    there.time.passed = 271
    # Two waits of 1 and 2 seconds; then nobody asks for ten.
    assert [tokens() for _ in range(5)] == [first] * 5
    assert len(there.auth.asked) == 1 + 3
    there.time.passed = 300
    with pytest.raises(TemporaryServerError):
        tokens()


@pytest.mark.parametrize(
    ("change", "why", "words"),
    [
        ({"client_id": "somebody"}, "iss, sub", "smart_client_id"),
        ({"scopes": "system/*.cruds"}, "a scope beyond ours", "smart_scopes"),
        ({"jku": "https://b12.example.org/jwks"}, "jku", "keys public"),
    ],
)
def test_a_refusal_is_final_and_says_what_to_do(there, change, why, words):
    with pytest.raises(AuthError) as caught:
        there.tokens(**change)()
    assert words in caught.value.hint
    assert there.auth.refusals == [why]
    assert there.time.waits == []


def test_a_refusal_is_told_to_all_and_asked_for_once(there):
    """A client that knocks a thousand times with the wrong key is locked out."""
    tokens = there.tokens(client_id="somebody")
    got = together(tokens)
    assert [type(one) for one in got] == [AuthError] * 8
    assert len({str(one) for one in got}) == 1
    assert len(there.auth.asked) == 1
    there.time.passed += 10
    with pytest.raises(AuthError):
        tokens()
    assert len(there.auth.asked) == 2


def test_once_it_is_put_right_it_goes_on(there):
    there.auth.troubles.append(reply(400, '{"error": "invalid_client"}'))
    tokens = there.tokens()
    with pytest.raises(AuthError):
        tokens()
    there.time.passed += 10
    assert there.auth.valid(tokens())
    there.time.passed += 300
    assert there.auth.valid(tokens())


def test_keys_can_be_changed_without_a_gap():
    """The next key is registered beside the present one; then we change; then the old one goes."""
    old, new = ec_signer("old"), rsa_signer("new")
    with ward(old) as there:
        assert there.tokens()()
        there.auth.keys = [old.public, new.public]
        changed = SigningKey(new.algorithm, new.kid, new.key)
        assert there.tokens()()
        assert there.tokens(key=changed)()
        there.auth.keys = [new.public]
        assert there.tokens(key=changed)()
        with pytest.raises(AuthError, match="invalid_client"):
            there.tokens()()


def test_a_page_in_place_of_a_token_is_told(there):
    there.auth.troubles.append(HTML)
    with pytest.raises(AuthError, match="with no token"):
        there.tokens()()


def test_a_redirect_of_the_token_endpoint_is_not_followed(there):
    elsewhere = f"{there.base}/elsewhere"
    there.auth.troubles.append(reply(307, "", Location=elsewhere))
    with pytest.raises(AuthError, match="redirect"):
        there.tokens()()
    assert [asked.path for asked in there.asked] == ["/fhir/.well-known/smart-configuration"]


def test_the_scopes_that_were_granted_are_known(there):
    tokens = there.tokens()
    assert tokens.scopes == ""
    tokens()
    assert tokens.scopes == SCOPES


def test_nothing_of_it_is_shown(there):
    tokens = there.tokens()
    tokens()
    assert_no_phi(repr(vars(tokens)))
