"""ActivityDefinitions: each phase of a course, and each test, as something to propose.

Every one has the intent proposal: an engine that applies them would otherwise make active orders.
"""

from collections.abc import Iterator
from typing import Any

from b12fhir.fhir.dosage import ROUTES, dose_text, micrograms, product_text, route_text
from b12fhir.fhir.profiles.header import Shelf
from b12fhir.fhir.profiles.medicines import PROPOSAL
from b12fhir.fhir.profiles.plans import MONITORING
from b12fhir.fhir.profiles.terms import display_of
from b12fhir.fhir.timing import every_text, phase_timing, span_text
from b12fhir.kernel.codes import SNOMED, UCUM
from b12fhir.plan.model import Phase
from b12fhir.plan.schedule import phases
from b12fhir.protocol.model import Course, PhaseTemplate, Span, Test

_WORDS = {"d": "day", "wk": "week", "mo": "month"}


def phase_activity_id(shelf: Shelf, course: str, phase: str) -> str:
    """Id of the ActivityDefinition of one phase of a course."""
    return f"b12-{shelf.protocol.pack.id}-{course}-{phase}"


def test_activity_id(test: str) -> str:
    """Id of the ActivityDefinition of one test; the same in every pack."""
    return f"b12-monitor-{test}"


def activity_definitions(shelf: Shelf) -> Iterator[dict[str, Any]]:
    """One for each phase of each course, then one for each test."""
    for course in shelf.protocol.pack.courses.values():
        for template in course.phases:
            yield _phase(shelf, course, template)
    for test in shelf.protocol.tests.values():
        yield _test(shelf, test)


def length(span: Span) -> dict[str, Any]:
    """A FHIR Duration."""
    return {"value": span.value, "unit": _WORDS[span.unit], "system": UCUM, "code": span.unit}


def _phase(shelf: Shelf, course: Course, template: PhaseTemplate) -> dict[str, Any]:
    name = phase_activity_id(shelf, course.id, template.id)
    product = shelf.protocol.pack.products[template.product]
    codes = [{"system": code.system, "code": code.code} for code in product.codes]
    return {
        **shelf.packed("ActivityDefinition", name, f"{course.label}: {template.id}"),
        "description": _described(template),
        "library": [_library(shelf)],
        "kind": "MedicationRequest",
        "profile": shelf.url("StructureDefinition", PROPOSAL.name),
        "intent": "proposal",
        "doNotPerform": False,
        "productCodeableConcept": {
            **({"coding": codes} if codes else {}),
            "text": product_text(product),
        },
        "dosage": [_dosage(shelf, template)],
    }


def _described(template: PhaseTemplate) -> str:
    lines = (
        f"Start only when: {template.gate}" if template.gate else "",
        template.stop_rule,
        template.alternative,
        f"Rule {template.rule}.",
        "" if template.verified else "The number of doses is a project choice, not yet verified.",
    )
    return " ".join(line for line in lines if line)


def _dosage(shelf: Shelf, template: PhaseTemplate) -> dict[str, Any]:
    """The dosage of the phase without its dates."""
    pack = shelf.protocol.pack
    # Any day will do: what hangs on it is left out below.
    (phase,) = phases((template,), dict(pack.products), pack.date)
    code, display, _ = ROUTES[template.route]
    return {
        "sequence": 1,
        "text": _text(phase),
        "timing": {"repeat": _repeat(phase)},
        "asNeededBoolean": False,
        "route": {"coding": [{"system": SNOMED, "code": code, "display": display}]},
        "doseAndRate": [{"doseQuantity": micrograms(template.dose)}],
        "maxDosePerPeriod": {
            "numerator": micrograms(template.dose_max or template.dose),
            "denominator": {"value": 1, "unit": "day", "system": UCUM, "code": "d"},
        },
    }


def _repeat(phase: Phase) -> dict[str, Any]:
    dated: dict[str, Any] = phase_timing(phase)["repeat"]
    repeat = {key: value for key, value in dated.items() if key != "boundsPeriod"}
    if phase.duration is not None and not phase.count:
        return {"boundsDuration": length(phase.duration), **repeat}
    return repeat


def _text(phase: Phase) -> str:
    limited = phase.duration is not None and not phase.count
    parts = (
        dose_text(phase),
        every_text(phase),
        route_text(phase.route),
        f"for {phase.count} doses" if phase.count > 1 else "",
        f"for {span_text(phase.duration)}" if limited and phase.duration is not None else "",
    )
    return " - ".join(part for part in parts if part)


def _test(shelf: Shelf, test: Test) -> dict[str, Any]:
    """A laboratory test is requested; what nobody sends to a laboratory is a task."""
    made = {
        **shelf.packed("ActivityDefinition", test_activity_id(test.id), test.label),
        "description": f"{test.label}.",
        "library": [_library(shelf)],
        "kind": "ServiceRequest" if test.laboratory else "Task",
        "intent": "proposal",
    }
    if test.laboratory:
        made["profile"] = shelf.url("StructureDefinition", MONITORING.name)
        made["code"] = {"coding": [_coding(shelf, test)], "text": test.label}
        return made
    return made | {"code": {"text": test.label}}


def _coding(shelf: Shelf, test: Test) -> dict[str, str]:
    (code,) = test.codes
    display = display_of(shelf, code)
    coding = {"system": code.system, "code": code.code}
    return coding | ({"display": display} if display else {})


def _library(shelf: Shelf) -> str:
    pack = shelf.protocol.pack
    return f"{shelf.url('Library', f'b12-{pack.id}')}|{pack.version}"
