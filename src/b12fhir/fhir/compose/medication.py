"""One MedicationRequest for each phase: each is signed or stopped on its own."""

from collections.abc import Iterable
from typing import Any

from b12fhir.fhir.compose.dispense import dispense_request
from b12fhir.fhir.compose.entry import (
    Context,
    author,
    compact,
    group,
    identifier,
    meta,
    provenance,
    references,
)
from b12fhir.fhir.dosage import dosage, dosage_text, product_text
from b12fhir.fhir.formulary import LocalCoding
from b12fhir.fhir.identity import MEDICATION_REQUEST
from b12fhir.fhir.narrative import PROPOSAL_NOTICE, pack_notice, short
from b12fhir.fhir.site import Site
from b12fhir.kernel.quantities import plain
from b12fhir.plan.model import Phase
from b12fhir.protocol.model import Product

_HL7 = "http://terminology.hl7.org/CodeSystem"
_COURSE = {
    "acute": "Short course (acute) therapy",
    "continuous": "Continuous long term therapy",
}


def medication_request(ctx: Context, phase: Phase, issues: Iterable[str] = ()) -> dict[str, Any]:
    """The proposal of one phase; ``issues`` are the addresses of the plan's DetectedIssues."""
    first = phase is ctx.plan.phases[0]
    key = ctx.key.child(phase.id)
    return compact(
        {
            "resourceType": "MedicationRequest",
            "meta": meta(ctx.site, "b12-medicationrequest"),
            "text": short(product_text(phase.product), dosage_text(phase)),
            "identifier": [identifier(ctx.site, MEDICATION_REQUEST, key)],
            "status": "draft",
            "intent": "proposal",
            "category": [outpatient()],
            "priority": "urgent" if ctx.urgent and first else "routine",
            "medicationCodeableConcept": medicine(phase.product, ctx.site),
            "subject": ctx.patient,
            "supportingInformation": references(ctx.evidence),
            "authoredOn": ctx.start,
            "requester": author(ctx),
            "reasonReference": references(ctx.conditions),
            **provenance(ctx),
            "groupIdentifier": group(ctx),
            "courseOfTherapyType": course_type(phase),
            "note": [{"text": text} for text in (PROPOSAL_NOTICE, *conditions(ctx, phase))],
            "dosageInstruction": [dosage(phase)],
            "dispenseRequest": dispense_request(phase),
            "substitution": {"allowedBoolean": False},
            "detectedIssue": references(issues),
        }
    )


def outpatient() -> dict[str, Any]:
    """Category: for use at home or in a practice."""
    return {"coding": [{"system": f"{_HL7}/medicationrequest-category", "code": "outpatient"}]}


def medicine(product: Product, site: Site) -> dict[str, Any]:
    """A product: text always; then the site's own and verified codings, where there are any."""
    own = site.drugs.codings.get(product.id, ())
    written = {one.code for one in own}
    codings = (*own, *(LocalCoding(code) for code in product.codes if code not in written))
    coding = [compact({**one.code._asdict(), "display": one.display}) for one in codings]
    return compact({"coding": coding, "text": product_text(product)})


def course_type(phase: Phase) -> dict[str, Any]:
    """Does the course end, or go on?"""
    code = "acute" if phase.count or phase.end is not None else "continuous"
    system = f"{_HL7}/medicationrequest-course-of-therapy"
    return {"coding": [{"system": system, "code": code}], "text": _COURSE[code]}


def conditions(ctx: Context, phase: Phase) -> list[str]:
    """What a prescriber must read beside the dosage line."""
    reviews = ", ".join(day.isoformat() for day in phase.reviews)
    ranged = phase.dose_max is not None and phase.dose_max != phase.dose
    lines = (
        f"Start only when: {phase.gate}" if phase.gate else "",
        f"Stop rule: {phase.stop_rule}" if phase.stop_rule else "",
        f"Alternative: {phase.alternative}" if phase.alternative else "",
        f"Permitted range {plain(phase.dose)} to {plain(phase.dose_max)} microgram a dose"
        if ranged and phase.dose_max is not None
        else "",
        f"Review on {reviews}" if reviews else "",
        f"{pack_notice(ctx.protocol.pack)} Rule {phase.rule}.",
    )
    return [line for line in lines if line]
