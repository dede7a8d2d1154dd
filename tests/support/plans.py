"""A plan that the real engine proposes for a vignette, on a server in memory, to be acted on.

V01 is treated by injection in three phases, V03 by tablets in two, V18 prevented in one. V04 holds
tests only; V26 and V28 are stops, with and without tests.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from b12fhir.adapters.memory import MemoryServer
from b12fhir.fhir.bundle import entries
from b12fhir.fhir.json import decode, encode
from b12fhir.fhir.lifecycle import Act, Clock, PlanState, Signer, plan_states
from b12fhir.fhir.lifecycle.valid import validate
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import KINDS
from b12fhir.protocol.load import load_protocol
from b12fhir.service import propose
from tests.spec.case import case_params

ZONE = ZoneInfo("Europe/Berlin")
SITE = Site(server_id="plans", site_key="plans", zone=ZONE)
DOCTOR = "Practitioner/1"
# The day of every vignette, and so d0 of its plan.
D0 = "2026-11-21"
NOTICE_DAYS = 14


def at(day: str) -> datetime:
    """Ten o'clock at the site."""
    return datetime.fromisoformat(f"{day}T10:00:00").replace(tzinfo=ZONE)


def clock(day: str = D0) -> Clock:
    return Clock(at(day), SITE, NOTICE_DAYS)


def doctor(day: str = D0) -> Signer:
    return Signer(DOCTOR, clock(day))


@cache
def _bundle(case: str, start: str) -> bytes:
    (found,) = (param.values[0] for param in case_params() if param.id == case)
    resources = [entry.resource for entry in entries(decode(found.bundle))]
    (patient,) = (r["id"] for r in resources if r["resourceType"] == "Patient")
    protocol = load_protocol(found.pack)
    done = propose(resources, protocol, at(start), SITE, f"Patient/{patient}")
    bundle = done.bundle()
    assert bundle is not None, case
    return encode(bundle)


def bundle_of(case: str, start: str = D0) -> dict[str, Any]:
    """The transaction that proposes the plan of a vignette from a day on."""
    bundle: dict[str, Any] = decode(_bundle(case, start))
    return bundle


class Shelf:
    """One server with one proposed plan."""

    def __init__(self, case: str = "V01") -> None:
        self.server = MemoryServer()
        self.server.transaction(bundle_of(case))
        (self.key,) = (plan.key for plan in self.plans())

    def stored(self) -> list[dict[str, Any]]:
        return [resource for kind in KINDS for resource in self.server.all(kind)]

    def plans(self, day: str = D0) -> tuple[PlanState, ...]:
        return plan_states(self.stored(), clock(day))

    def plan(self, day: str = D0, key: str = "") -> PlanState:
        (found,) = (plan for plan in self.plans(day) if plan.key == (key or self.key))
        return found

    def do(self, step: Callable[..., Act], by: Signer, *args: Any, key: str = "") -> Act:
        """Take one step, check it as it would be before it is sent, and send it."""
        act = step(self.stored(), key or self.key, by, *args)
        assert validate(act.bundle) == []
        self.server.transaction(act.bundle)
        return act

    def get(self, kind: str, ending: str, *, signed: bool = False) -> dict[str, Any]:
        """One resource of the plan: ``:r1`` is the plan itself, ``:induction`` a phase."""
        (found,) = (
            one
            for one in self.server.all(kind)
            if one["identifier"][0]["value"].endswith(ending)
            and one["identifier"][0]["system"].endswith(("/order", "/approved-plan")) is signed
        )
        return found

    def edit(self, kind: str, ending: str, *, signed: bool = False, **changes: Any) -> None:
        """What somebody else does on the server."""
        self.server.put(self.get(kind, ending, signed=signed) | changes)

    def statuses(self, kind: str) -> dict[str, str]:
        """Status by name, of orders where there is one, else of proposals."""
        resources = sorted(self.server.all(kind), key=lambda one: "basedOn" in one)
        return {
            one["identifier"][0]["value"].rpartition(":")[2]: one.get(
                "status", one.get("lifecycleStatus")
            )
            for one in resources
        }
