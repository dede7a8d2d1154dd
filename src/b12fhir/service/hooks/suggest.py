"""What a reader may accept: one recommended suggestion, and at most one other.

Only the first phase is drafted, with the tests that belong before dose 1. Nothing is offered to
whom it is no use, and nothing twice: a draft of an earlier card is changed, not doubled.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from b12fhir.decision.model import GIVEN, Urgency
from b12fhir.fhir.extract.tree import items, obj, text
from b12fhir.fhir.identity import CARD_ORDER, MEDICATION_REQUEST, SERVICE_REQUEST
from b12fhir.kernel.dates import add_days, add_months
from b12fhir.plan.model import Monitor, Phase
from b12fhir.ports import Resource
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Action, Suggestion
from b12fhir.service.hooks.picture import phase_text
from b12fhir.service.hooks.text import day_text
from b12fhir.service.wording import test

_PROPOSALS = {"MedicationRequest": MEDICATION_REQUEST, "ServiceRequest": SERVICE_REQUEST}
# Potassium is watched over two days after dose 1; later tests are told, not drafted.
_EARLY_DAYS = 2
_MMA = "mma"
_KINDS_WITH_TESTS = frozenset({"confirm", "none"})


def suggestions(matter: Matter) -> tuple[Suggestion, ...]:
    """What can be drafted for this reader; nothing where an order would double one."""
    if not matter.may_order or matter.is_signed or matter.is_rejected or _is_closed(matter):
        return ()
    kind = matter.decision.intent.kind
    if kind in GIVEN and matter.plan.phases:
        return _treatment(matter, matter.plan.phases[0])
    return _tests_only(matter) if kind in _KINDS_WITH_TESTS else ()


def is_waiting(matter: Matter) -> bool:
    """Does a draft that an earlier card made of the first phase wait for a signature?"""
    if matter.decision.intent.kind not in GIVEN or not matter.plan.phases:
        return False
    if not matter.drafts:
        return False
    system, wanted = matter.proposal.site.system(CARD_ORDER), matter.plan.phases[0].id
    return any(
        one.get("resourceType") == "MedicationRequest"
        and _whose(_key(one, system)) == (matter.context.key.pkey, wanted)
        for one in matter.drafts
    )


def _is_closed(matter: Matter) -> bool:
    patient = matter.facts.patient
    return patient.replaced or not patient.active


def _treatment(matter: Matter, phase: Phase) -> tuple[Suggestion, ...]:
    """The first phase with the tests before dose 1; where nothing presses, the tests alone."""
    order = order_action(matter, phase)
    tests = tuple(_test_actions(matter))
    if order is None:
        return ()
    label = f"Draft {phase_text(phase)}"
    also = f", and {_count(tests)} before dose 1" if tests else ""
    first = Suggestion(f"{label}{also}", (order, *tests), recommended=True)
    if not tests or matter.decision.urgency is Urgency.URGENT:
        return (first,)
    return (first, Suggestion(f"Draft {_count(tests)} first, without treatment", tests))


def _count(tests: tuple[Action, ...]) -> str:
    return "1 test" if len(tests) == 1 else f"{len(tests)} tests"


def order_action(matter: Matter, phase: Phase) -> Action | None:
    """Create a phase's order, or change the draft of an earlier card; nothing if it says so."""
    return _action(matter, phase_order(matter, phase), f"Draft order: {phase_text(phase)}")


def phase_order(matter: Matter, phase: Phase) -> dict[str, Any]:
    """The unsigned order of a phase, without an id."""
    based_on = _stored_proposal(matter, "MedicationRequest", phase.id)
    return matter.drafting.order(phase, based_on)


def tests_before_dose(matter: Matter) -> tuple[Suggestion, ...]:
    """The tests before dose 1 by themselves, for whom the treatment is ordered already."""
    tests = tuple(_test_actions(matter)) if matter.may_order else ()
    label = f"Draft {_count(tests)} before dose 1"
    return (Suggestion(label, tests, recommended=True),) if tests else ()


def _test_actions(matter: Matter) -> Iterator[Action]:
    for monitor in matter.plan.monitoring:
        if matter.plan.start in monitor.due and matter.protocol.tests[monitor.test].laboratory:
            action = _test_action(matter, monitor)
            if action is not None:
                yield action


def _test_action(matter: Matter, monitor: Monitor) -> Action | None:
    last = add_days(matter.plan.start, _EARLY_DAYS)
    days = [day for day in monitor.due if day <= last]
    return _test(matter, monitor.test, days, monitor.rule)


def _test(matter: Matter, name: str, days: list[date], rule: str) -> Action | None:
    based_on = _stored_proposal(matter, "ServiceRequest", name)
    order = matter.drafting.test(name, days, rule, based_on)
    return _action(matter, order, f"Draft order: {test(name, matter.protocol)}")


def _tests_only(matter: Matter) -> tuple[Suggestion, ...]:
    """The confirming tests; where MMA cannot be had, B12 again later (R-35)."""
    now = tuple(_test_actions(matter)) or tuple(_rechecks(matter))
    if not now:
        return ()
    named = ", ".join(action.description.partition(": ")[2] for action in now)
    first = Suggestion(f"Draft {named}", now, recommended=True)
    if _MMA not in matter.decision.intent.orders or matter.decision.intent.kind != "confirm":
        return (first,)
    later = add_months(matter.day, matter.protocol.limits.recheck_months)
    again = _test(matter, "b12", [later], "R-35")
    if again is None:
        return (first,)
    label = f"If MMA cannot be had: draft B12 again on {day_text(later)}"
    return (first, Suggestion(label, (again,)))


def _rechecks(matter: Matter) -> Iterator[Action]:
    """Tests to repeat later (R-39), on their days."""
    for monitor in matter.plan.monitoring:
        if monitor.test in matter.decision.intent.rechecks:
            action = _test(matter, monitor.test, list(monitor.due), monitor.rule)
            if action is not None:
                yield action


def _stored_proposal(matter: Matter, kind: str, name: str) -> str:
    """The proposal of ours that the record holds for this order, while it stands."""
    if not matter.drafts:
        return ""
    system = matter.proposal.site.system(_PROPOSALS[kind])
    key = matter.context.key.child(name)
    for one in matter.drafts:
        is_proposal = (one.get("resourceType"), one.get("intent")) == (kind, "proposal")
        if is_proposal and _key(one, system) == key:
            return f"{kind}/{text(one.get('id'))}"
    return ""


def _key(one: Resource, system: str) -> str:
    """The identifier in one of our systems; it names the patient by itself."""
    found = (one for one in items(one.get("identifier")) if one.get("system") == system)
    return next((text(one.get("value")) for one in found), "")


def _action(matter: Matter, order: dict[str, object], what: str) -> Action | None:
    """Create it; where an earlier card's draft waits, change that, or leave it if it says so."""
    known = earlier_draft(matter, order)
    if known is None:
        return Action("create", what, order)
    if _same(known, order):
        return None
    held = {"id": text(known.get("id"))}
    version = text(obj(known.get("meta")).get("versionId"))
    meta = {"meta": {**obj(order["meta"]), "versionId": version}} if version else {}
    return Action("update", f"Change the waiting draft. {what}", {**order, **held, **meta})


def earlier_draft(matter: Matter, order: Resource) -> Resource | None:
    """The draft that an earlier card made of this order, as the record holds it.

    It may stand under an earlier episode or revision of the plan: patient and phase are the same.
    """
    if not matter.drafts:
        return None
    system = matter.proposal.site.system(CARD_ORDER)
    wanted = _whose(str(order["identifier"][0]["value"]))
    kind = str(order["resourceType"])
    for one in matter.drafts:
        if one.get("resourceType") == kind and _whose(_key(one, system)) == wanted:
            return one
    return None


def _whose(key: str) -> tuple[str, str]:
    """Patient and phase (or test) of a key."""
    return key.partition(":")[0], key.rpartition(":")[2]


def _same(held: Resource, order: Resource) -> bool:
    """Does the waiting draft order the same? Servers add to both, so only what counts is asked."""
    if "dosageInstruction" not in order:
        return True
    return _dosing(held) == _dosing(order)


def _dosing(order: Resource) -> list[object]:
    told = [text(obj(order.get("medicationCodeableConcept")).get("text"))]
    return [*told, *(text(one.get("text")) for one in items(order.get("dosageInstruction")))]
