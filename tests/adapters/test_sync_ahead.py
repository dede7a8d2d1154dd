"""What time alone changes for a patient without a plan is seen on its day, by the real decision."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from b12fhir.adapters.memory import MemoryServer
from b12fhir.adapters.sync import SyncReport, SyncSettings, sync
from b12fhir.adapters.sync.finding import Wish
from b12fhir.adapters.sync.place import PlaceInMemory
from b12fhir.fhir.site import Site
from b12fhir.protocol.load import load_protocol

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SITE = Site(server_id="sync", site_key="k")
LOINC = "http://loinc.org"


def day(number: int) -> datetime:
    return NOON + timedelta(days=number)


def person(born: str = "1980-01-01") -> dict:
    return {"resourceType": "Patient", "id": "a", "birthDate": born, "gender": "female"}


def b12(when: str, value: int = 90) -> dict:
    """Under 180 ng/L is deficient (R-23)."""
    return {
        "resourceType": "Observation",
        "id": "b12",
        "status": "final",
        "subject": {"reference": "Patient/a"},
        "code": {"coding": [{"system": LOINC, "code": "2132-9"}]},
        "effectiveDateTime": when,
        "valueQuantity": {"value": value, "unit": "pg/mL", "code": "pg/mL"}
        | {"system": "http://unitsofmeasure.org"},
    }


@pytest.fixture
def place() -> Iterator[PlaceInMemory]:
    return PlaceInMemory()


def run(server: MemoryServer, place: PlaceInMemory, at: datetime, **wish: Any) -> SyncReport:
    chosen = SyncSettings(workers=1, pause=lambda _: None)
    protocol = load_protocol("seed-default", at.date())
    try:
        return sync(
            server, protocol, SITE, at, chosen, place=place, wish=Wish(**({"now": at} | wish))
        )
    finally:
        place.close()


def test_a_result_dated_in_the_future_counts_on_its_day(place):
    """Nothing changes on the server: only the day comes."""
    server = MemoryServer([person(), b12("2026-11-24")])
    assert run(server, place, day(0)).counts == {"nothing": 1}
    assert [run(server, place, day(number)).patients for number in (1, 2)] == [0, 0]
    assert run(server, place, day(3)).counts == {"create": 1}


def test_an_age_that_is_reached_counts_on_its_day(place):
    """Under 16 no regimen is proposed (R-175); on 2026-11-25 she is 16."""
    server = MemoryServer([person("2010-11-25"), b12("2026-11-20")])
    first = run(server, place, day(0))
    assert "CarePlan" not in {r["resourceType"] for r in server.all("CarePlan")}
    assert first.counts["create"] == 0
    assert [run(server, place, day(number)).patients for number in (1, 2, 3)] == [0, 0, 0]
    assert run(server, place, day(4)).counts == {"create": 1}


def test_who_will_not_change_is_not_looked_at_before_the_full_read(place):
    """A healthy result of the year: nothing about it turns within a week."""
    server = MemoryServer([person(), b12("2026-11-01", 600)])
    run(server, place, day(0))
    assert [run(server, place, day(number)).patients for number in range(1, 7)] == [0] * 6


def test_where_full_reads_are_rare_everybody_is_looked_at_once_a_month(place):
    """To look ahead further would cost more than to look again."""
    rarely = {"full_every": timedelta(days=365)}
    server = MemoryServer([person(), b12("2026-11-01", 600)])
    run(server, place, day(0), **rarely)
    assert run(server, place, day(30), **rarely).patients == 0
    assert run(server, place, day(31), **rarely).patients == 1


def test_days_are_counted_in_the_zone_of_the_site(place):
    """At 23:30 in Auckland it is another day in Greenwich, and clocks that change skip no day."""
    late = datetime.fromisoformat("2026-11-21T23:30:00+13:00")
    server = MemoryServer([person(), b12("2026-11-22")])
    site = Site(server_id="sync", site_key="k", zone=late.tzinfo)
    chosen = SyncSettings(workers=1)
    protocol = load_protocol("seed-default", date(2026, 11, 21))
    sync(server, protocol, site, late, chosen, place=place, wish=Wish(now=late))
    place.close()
    assert list(place.peek(date(2026, 11, 21))) == []
    assert list(place.peek(date(2026, 11, 22))) == ["Patient/a"]
