"""Reading for a signature: our own resources, whose plan it is, and who signs."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, tzinfo

from b12fhir.adapters.signoff.desk import Desk
from b12fhir.errors import PractitionerError, SignOffError
from b12fhir.fhir.extract.tree import obj, text
from b12fhir.fhir.identity import APPROVED_PLAN, PLAN, parse_plan_key
from b12fhir.fhir.lifecycle.held import SIGNED
from b12fhir.fhir.outcome import whole
from b12fhir.fhir.stored import KINDS, patient_of
from b12fhir.kernel.dates import parse_when
from b12fhir.ports import Resource

_PAGE = {"_count": "200"}
_SIGNERS = ("Practitioner", "PractitionerRole")
# One id: a comma would make a list of it, and the first of that list is not who was named.
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")


def ours(desk: Desk, patient: str = "") -> list[Resource]:
    """Every resource of a plan on the server, or of one patient (``Patient/<id>``)."""
    who = {"patient": patient.partition("/")[2]} if patient else {}
    found: list[Resource] = []
    for kind in KINDS:
        if desk.can.searches(kind):
            systems = [KINDS[kind], *([SIGNED[kind]] if kind in SIGNED else [])]
            tokens = ",".join(f"{desk.site.system(name)}|" for name in systems)
            found.extend(_search(desk, kind, {"identifier": tokens, **who}))
    # A server that does not know a parameter leaves it out, and answers for everybody.
    return [one for one in found if not patient or patient_of(one) == patient]


def of_plan(desk: Desk, key: str) -> list[Resource]:
    """Everything of ours that the plan's patient has; raises `SignOffError` for an unknown key."""
    if parse_plan_key(key) is None:
        raise SignOffError(
            "That is no key of a plan.", hint="It looks like a1b2c3d4e5f60718:e1:r1."
        )
    tokens = ",".join(f"{desk.site.system(name)}|{key}" for name in (PLAN, APPROVED_PLAN))
    plans = list(_search(desk, "CarePlan", {"identifier": tokens}))
    whom = {patient_of(plan) for plan in plans}
    if len(whom) != 1:
        raise SignOffError(
            "No plan with this key stands on the server, or more than one patient has it.",
            hint="See b12fhir plans for the keys; check the server and the site key.",
        )
    return ours(desk, whom.pop())


def check_practitioner(desk: Desk, reference: str) -> None:
    """Raise `PractitionerError` unless the reference is somebody the server knows as active."""
    kind, _, own = reference.partition("/")
    if kind not in _SIGNERS or not _ID.match(own):
        raise PractitionerError(
            "The signer is to be named as Practitioner/ID or PractitionerRole/ID.",
            hint="Look the id up on the server.",
        )
    found = one(desk, kind, own)
    if found is None:
        raise PractitionerError(
            f"{reference} is not known on this server.", hint="Check the id and the server."
        )
    if found.get("active") is False or not _is_current(found, desk.clock.day, desk.site.zone):
        raise PractitionerError(
            f"{reference} is not active, so nothing can be signed on their behalf.",
            hint="Name somebody who is.",
        )
    if kind == "PractitionerRole":
        _check_person(desk, found)


def _check_person(desk: Desk, role: Resource) -> None:
    """A role signs only for a person, and that person must be active as well."""
    person = text(obj(role.get("practitioner")).get("reference"))
    if not person.startswith("Practitioner/"):
        raise PractitionerError(
            "The PractitionerRole names no Practitioner.", hint="Name the person instead."
        )
    check_practitioner(desk, person)


def _is_current(role: Resource, day: date, zone: tzinfo) -> bool:
    """Has it begun, and not ended, as far as it says so?"""
    period = obj(role.get("period"))
    start, end = parse_when(period.get("start"), zone), parse_when(period.get("end"), zone)
    return (start is None or start.first <= day) and (end is None or end.last >= day)


def one(desk: Desk, kind: str, own: str) -> Resource | None:
    """The resource with that id, read afresh; ``None`` if there is none.

    Looked at again: a server that does not know a parameter answers with everybody.
    """
    found = _search(desk, kind, {"_id": own})
    return next((r for r in found if (r.get("resourceType"), r.get("id")) == (kind, own)), None)


def _search(desk: Desk, kind: str, params: Mapping[str, str]) -> Iterator[Resource]:
    """Matches of one type; an answer that the server itself doubts is none."""
    found = desk.server.search(kind, {**params, **_PAGE})
    return whole(found, kind, "Nothing was signed. See the server's log, then try again.")
