"""Subscriptions on a server: made once, mended, removed; what a server refuses is named."""

from collections.abc import Callable

import pytest

from b12fhir.adapters.subscriptions.registration import Registrar
from b12fhir.errors import ServerError
from b12fhir.fhir.capabilities import Capabilities, read_capabilities
from b12fhir.fhir.subscription import subscription
from tests.support.hub import CODES, Hub, statement

HERE = "https://b12.example.org/subscriptions/notify"
SECRET = "0123456789abcdef"  # noqa: S105 - invented


class Pauses:
    """Counts the seconds that would have been waited."""

    def __init__(self) -> None:
        self.waited = 0.0

    def __call__(self, seconds: float) -> None:
        self.waited += seconds


@pytest.fixture
def registrar() -> Callable[..., Registrar]:
    def make(hub: Hub, can: Capabilities | None = None, pause=lambda _: None) -> Registrar:
        return Registrar(hub, can or read_capabilities(statement(*CODES)), HERE, pause=pause)

    return make


def test_one_for_each_type_is_made_and_waited_for(registrar):
    hub, pause = Hub(after=4), Pauses()
    done = registrar(hub, pause=pause).install(SECRET)
    assert done.is_good
    assert done.lines == (
        "Changed 2 of 2.",
        "Patient? active (Subscription/1)",
        "Observation? active (Subscription/2)",
        f"2 of 2 Subscriptions to {HERE} are active.",
    )
    # Seen as requested at the first four looks, a second apart; the fifth found them active.
    assert pause.waited == 4
    assert [one["channel"]["header"] for one in hub.held.values()] == [
        [f"Authorization: Bearer {SECRET}"]
    ] * 2


def test_a_second_time_nothing_is_sent(registrar):
    hub = Hub()
    registrar(hub).install(SECRET)
    sent = len(hub.sent)
    done = registrar(hub).install(SECRET)
    assert done.is_good
    assert done.lines[0] == "Changed 0 of 2."
    assert len(hub.sent) == sent


def test_a_dry_run_says_what_it_would_do_and_sends_nothing(registrar):
    hub = Hub()
    hub.held = {
        "1": {**subscription("Patient", HERE, "another-secret-1"), "id": "1"},
        "2": {**subscription("Basic", HERE, SECRET), "id": "2"},
        "3": {**subscription("Patient", f"{HERE}/other", SECRET), "id": "3"},
    }
    done = registrar(hub).install(SECRET, dry_run=True)
    assert done.is_good
    assert done.lines == (
        "Patient? would be replaced",
        "Observation? would be created",
        "Basic? would be deleted (Subscription/2)",
        "Would change 3.",
    )
    assert SECRET not in str(done)
    assert registrar(hub).remove(dry_run=True).lines == (
        f"Would remove 2 Subscriptions to {HERE}.",
    )
    assert hub.sent == []


def test_what_does_not_become_active_is_told_after_a_minute(registrar):
    pause = Pauses()
    done = registrar(Hub(after=1000), pause=pause).install(SECRET)
    assert not done.is_good
    assert done.lines[-1] == f"0 of 2 Subscriptions to {HERE} are active."
    assert pause.waited == 60
    failed = registrar(Hub(becomes="error")).install(SECRET)
    assert not failed.is_good
    assert "Patient? error (Subscription/1)" in failed.lines


def test_what_a_server_refuses_is_named_and_the_rest_is_made(registrar):
    hub = Hub(refuses="Observation?")
    done = registrar(hub).install(SECRET)
    assert not done.is_good
    assert "Changed 1 of 2." in done.lines
    assert "Patient? active (Subscription/1)" in done.lines
    assert done.lines[-1] == "Observation?: refused by the server (HTTP 422)."
    assert [error.detail for error in done.refused] == ["their words"]
    assert "their words" not in str(done.lines)


def test_removal_takes_all_of_this_address_and_no_other(registrar):
    hub = Hub()
    other = {**subscription("Patient", f"{HERE}2", SECRET), "id": "9"}
    registrar(hub).install(SECRET)
    hub.held["9"] = other
    assert registrar(hub).remove().lines == (f"Removed 2 Subscriptions to {HERE}.",)
    assert list(hub.held) == ["9"]
    sent = len(hub.sent)
    assert registrar(hub).remove().is_good
    assert len(hub.sent) == sent


def test_showing_none_is_no_success(registrar):
    """Whoever asks whether changes are told must not read an empty list as yes."""
    done = registrar(Hub()).show()
    assert not done.is_good
    assert done.lines == (f"0 of 0 Subscriptions to {HERE} are active.",)


@pytest.mark.parametrize(
    ("codes", "act"),
    [
        (CODES[:2], lambda one: one.install(SECRET)),
        (CODES[:3], lambda one: one.install(SECRET)),
        (CODES[:1], lambda one: one.show()),
        (CODES[:4], lambda one: one.remove()),
    ],
)
def test_a_server_without_them_is_told_what_to_do_instead(registrar, codes, act):
    hub = Hub()
    with pytest.raises(ServerError, match="offers no Subscription") as caught:
        act(registrar(hub, read_capabilities(statement(*codes))))
    assert "run sync by a schedule" in str(caught.value)
    assert hub.sent == []


def test_a_server_that_doubts_its_answer_is_not_written_to(registrar, monkeypatch):
    hub = Hub()
    doubt = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "x"}]}
    monkeypatch.setattr(hub, "search", lambda *_: iter([doubt]))
    with pytest.raises(ServerError, match="may not be whole"):
        registrar(hub).install(SECRET)
    assert hub.sent == []
