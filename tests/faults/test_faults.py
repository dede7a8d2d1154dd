"""Each fault of a network or a gateway, before a real server: the end is that of a quiet run.

A run that could not do all of it says so by its exit code, and the next one does the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from b12fhir.adapters.server import RestServer
from b12fhir.wiring import house
from tests.faults import acts
from tests.faults.proxy import Act, Asked, between
from tests.faults.ward import End, Ward

pytestmark = [pytest.mark.hapi, pytest.mark.slow]

# Treatment with three phases; tests only; a stop with a caution.
PATIENTS = ("01", "06", "55")
# A client obeys a server's wish to wait, up to a minute.
MOST_S = 60
OK, PARTLY = 0, 30


@dataclass
class Fault:
    """``kind`` says which requests it befalls, ``act`` how; ``codes`` how the run may end.

    ``at``: the one request of its kind, counted from 1; 0: all of them.
    """

    name: str
    kind: str
    act: Act
    at: int = 0
    codes: tuple[int, ...] = (OK,)
    page: int = 0


# What a run gets over by itself, a few in one run: each at another of the requests it is made of.
READING = (
    ("lost", acts.lost),
    ("unheard", acts.unheard),
    ("half a body", acts.half),
    ("half a JSON", acts.half_json),
    ("drip", acts.slowly(0.3)),
    ("busy, seconds", acts.status(429, Retry_After="1")),
    ("busy, date", acts.busy_for(2)),
    ("busy, nonsense", acts.status(429, Retry_After="soon")),
    ("busy, absurd", acts.status(429, Retry_After="99999999999")),
    ("busy, in the past", acts.busy_for(-9999)),
    ("502", acts.status(502)),
    ("503", acts.status(503)),
    ("504", acts.status(504)),
)
# How far a type has changed, the list of patients, one record and another.
PLACES = (("search", 3), ("search", 9), ("patients", 2), ("everything", 2), ("everything", 4))
# In pairs: the first transaction is that of our Device, then come the plans.
WRITING = (
    ("lost", acts.lost, "unheard", acts.unheard),
    ("half a body", acts.half, "half a JSON", acts.half_json),
    ("busy", acts.status(429, Retry_After="0"), "503 after", acts.status_after(503)),
    ("502 before", acts.status(502), "502 after", acts.status_after(502)),
    ("500 before", acts.status(500), "500 after", acts.status_after(500)),
    ("409", acts.status(409), "412", acts.status(412)),
)
ALONE = (
    Fault("the device is unheard of", "transaction", acts.unheard, 1),
    Fault("answers in another order", "transaction", acts.entries_shuffled(3)),
    Fault("too few answers", "transaction", acts.changed(acts.entries_dropped)),
    Fault("answers without places", "transaction", acts.changed(acts.without_locations)),
    Fault("too large", "transaction", acts.status(413), 2, (PARTLY,)),
    Fault("refused", "transaction", acts.status(422), 2, (PARTLY,)),
    Fault("a web page for a write", "transaction", acts.web_page, 2, (PARTLY,)),
    Fault("a web page for a record", "everything", acts.web_page, 2, (PARTLY,)),
    Fault("no list of patients", "patients", acts.web_page, 2, (20,)),
    Fault("500", "everything", acts.status(500), 2),
    Fault("shuffled", "reading", acts.entries_shuffled(7)),
    Fault("too high a total", "patients", acts.total_is(lambda n: n + 3), 2, (21,)),
    Fault("too low a total", "reading", acts.total_is(lambda _: 0)),
    Fault("stamps five hours ahead", "any", acts.skewed(timedelta(hours=5))),
    Fault("stamps five hours behind", "any", acts.skewed(timedelta(hours=-5))),
    Fault("a page is gone", "page", acts.status(410), 1, page=2),
    Fault("pages are always gone", "page", acts.status(410), 0, (20, 21, 23, PARTLY), page=2),
    Fault("a circle", "page", acts.endless, 1, (20, PARTLY), page=2),
    Fault("relative links", "reading", acts.next_is(lambda url, _: _below(url)), page=2),
    Fault("links that grow", "reading", acts.next_is(lambda url, _: f"{url}&x=1"), page=2),
)


def _below(url: str) -> str:
    """The address without the host."""
    return url[url.index("/fhir") :]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client would have waited, in seconds: it does not."""
    waited: list[float] = []
    monkeypatch.setattr(house, "RestServer", partial(RestServer, pause=waited.append))
    return waited


@pytest.fixture(scope="module")
def quiet() -> list[End]:
    """The end of a run that nothing disturbed; filled by the first who needs it."""
    return []


@pytest.fixture
def undisturbed(quiet: list[End], make_ward: Callable[..., Ward]) -> End:
    if not quiet:
        ward = make_ward(*PATIENTS)
        assert ward.sync().code == OK
        state, accounts = ward.end()
        # Three plans, each with its parts: otherwise equal states would prove little.
        assert sum(name.startswith("CarePlan ") for name in state) == len(PATIENTS)
        assert sum(accounts.values()) == len(PATIENTS)
        quiet.append((state, accounts))
    return quiet[0]


def finished(ward: Ward, disturbed: Any, codes: tuple[int, ...]) -> None:
    """Where the disturbed run says that it is not done, the next one does the rest."""
    assert disturbed.code in codes, disturbed.err
    if disturbed.code != OK:
        again = ward.sync()
        assert again.code == OK, again.err


@pytest.mark.parametrize("start", range(0, len(READING), len(PLACES)))
def test_a_run_gets_over_what_goes_wrong_while_it_reads(
    make_ward, undisturbed, waits, start
) -> None:
    faults = READING[start : start + len(PLACES)]
    ward = make_ward(*PATIENTS)
    with between(ward.base) as proxy:
        for (name, act), (kind, number) in zip(faults, PLACES, strict=False):
            proxy.on(name, kind, act, fits=_the(number, kind))
        disturbed = ward.sync(at=proxy.base)
        assert [proxy.did(name) for name, _ in faults] == [1] * len(faults)
    assert disturbed.code == OK, disturbed.err
    assert max(waits, default=0) <= MOST_S
    ward.check_end(undisturbed)


@pytest.mark.parametrize(("one", "first", "other", "second"), WRITING)
def test_a_run_gets_over_what_goes_wrong_while_it_writes(
    make_ward, undisturbed, waits, one, first, other, second
) -> None:
    ward = make_ward(*PATIENTS)
    with between(ward.base) as proxy:
        proxy.on(one, "transaction", first, fits=_the(2, "transaction"))
        proxy.on(other, "transaction", second, fits=_the(4, "transaction"))
        disturbed = ward.sync(at=proxy.base)
        assert (proxy.did(one), proxy.did(other)) == (1, 1)
    finished(ward, disturbed, (OK,))
    ward.check_end(undisturbed)


@pytest.mark.parametrize("fault", ALONE, ids=lambda fault: fault.name)
def test_a_fault_loses_nothing_and_doubles_nothing(make_ward, undisturbed, waits, fault) -> None:
    ward = make_ward(*PATIENTS)
    with between(ward.base) as proxy:
        proxy.page = fault.page
        proxy.on(fault.name, fault.kind, fault.act, fits=_the(fault.at, fault.kind))
        disturbed = ward.sync(at=proxy.base)
        assert proxy.did(fault.name) >= 1
    finished(ward, disturbed, fault.codes)
    assert max(waits, default=0) <= MOST_S
    ward.check_end(undisturbed)


# A record that cannot be had at once is asked for type by type.
@pytest.mark.parametrize(("kind", "code"), [("patients", 20), ("everything", OK)])
def test_a_link_to_another_host_is_not_followed(make_ward, undisturbed, waits, kind, code) -> None:
    """Whoever is there would be shown a token and a patient's id."""
    ward = make_ward(*PATIENTS)
    with between(ward.base) as stranger, between(ward.base) as proxy:
        abroad = acts.next_is(lambda url, own: url.replace(own.proxy.base, stranger.base))
        proxy.page = 2
        proxy.on("abroad", kind, abroad)
        disturbed = ward.sync(at=proxy.base)
        assert proxy.did("abroad") >= 1
        assert stranger.log == []
    finished(ward, disturbed, (code,))
    ward.check_end(undisturbed)


def _the(number: int, kind: str) -> Callable[[Asked], bool]:
    """Picks one request of its kind; with 0 each of them."""
    return lambda asked: not number or number == (asked.read if kind == "reading" else asked.number)
