"""Builders of FHIR R4 resources for synthetic patients: one call, one record entry.

A part is `(slug, resource)` without id and subject; `person` adds both, so a story stays one
readable list. A value of None passed as an element takes that element away.
"""

from dataclasses import dataclass
from itertools import starmap
from typing import Any

from cohort_codes import (
    BASE,
    DRUGS,
    IF_ANTIBODY,
    LABS,
    LOINC,
    OPERATIONS,
    PANEL,
    PREGNANCY_STATUS,
    PROBLEMS,
    ROUTES,
    SNOMED,
    TERMINOLOGY,
    UCUM,
)

Resource = dict[str, Any]
Part = tuple[str, Resource]

SAMPLED = "sampled"  # stands for the patient's usual day of sampling until `person` fills it in
NOBODY: Resource = {}  # the subject of an Observation that names no patient


@dataclass(frozen=True)
class About:
    """Sex, date of birth (may be partial), and the day most samples were taken."""

    sex: str
    born: str
    sampled: str


def about(sex: str, *, born: str, sampled: str) -> About:
    return About(sex, born, sampled)


@dataclass(frozen=True)
class Person:
    """One invented patient: id, the story in one line, every resource."""

    id: str
    story: str
    resources: list[Resource]


def concept(system: str, code: str, display: str, text: str | None = None) -> Resource:
    coding = {"system": system, "code": code, "display": display}
    return {"coding": [coding], "text": text or display}


def term(name: str, code: str) -> Resource:
    return {"coding": [{"system": f"{TERMINOLOGY}/{name}", "code": code}]}


def moment(day: str) -> str:
    """A sampling time on a day, in a zone that is not UTC."""
    return day if day == SAMPLED else f"{day}T08:15:00-05:00"


def quantity(value: object, unit: str, sign: str | None = None) -> Resource:
    compared = {"comparator": sign} if sign else {}
    return {"value": value, **compared, "unit": unit, "system": UCUM, "code": unit}


def without_none(resource: Resource) -> Resource:
    return {key: value for key, value in resource.items() if value is not None}


def observation(code: Resource, at: str, status: str, elements: Resource) -> Resource:
    return without_none(
        {
            "resourceType": "Observation",
            "status": status,
            "category": [
                {
                    "coding": [
                        {
                            "system": f"{TERMINOLOGY}/observation-category",
                            "code": "laboratory",
                            "display": "Laboratory",
                        }
                    ]
                }
            ],
            "code": code,
            "effectiveDateTime": moment(at),
            **elements,
        }
    )


def lab(
    name: str,
    value: object = None,
    *,
    unit: str | None = None,
    sign: str | None = None,
    at: str = SAMPLED,
    status: str = "final",
    limits: tuple[float, float] | None = None,
    slug: str | None = None,
    **elements: Any,
) -> Part:
    """A laboratory result; `elements` replace, add or (None) remove elements."""
    code, display, usual = LABS[name]
    measured: Resource = {}
    if value is not None:
        measured = {"valueQuantity": quantity(value, unit or usual, sign)}
    if limits:
        low, high = limits
        bounds = {"low": quantity(low, unit or usual), "high": quantity(high, unit or usual)}
        measured["referenceRange"] = [bounds]
    made = observation(concept(LOINC, code, display), at, status, {**measured, **elements})
    return slug or name, made


def cbc(hb: float, mcv: float, **others: float) -> list[Part]:
    """The counts of one blood draw, each as its own Observation (Hb in g/dL)."""
    return [lab("hb", hb), lab("mcv", mcv), *starmap(lab, others.items())]


def cbc_components(**values: float) -> list[Part]:
    """The same as one panel Observation that carries the values in its components."""
    components = []
    for name, value in values.items():
        code, display, unit = LABS[name]
        components.append(
            {"code": concept(LOINC, code, display), "valueQuantity": quantity(value, unit)}
        )
    made = observation(concept(LOINC, *PANEL), SAMPLED, "final", {"component": components})
    return [("cbc", made)]


def cbc_members(patient: str, **values: float) -> list[Part]:
    """The same as a panel without values that points at its members."""
    members = [{"reference": f"Observation/{patient}-{name}"} for name in values]
    made = observation(concept(LOINC, *PANEL), SAMPLED, "final", {"hasMember": members})
    return [*starmap(lab, values.items()), ("cbc", made)]


def if_antibody_positive() -> Part:
    found = concept(SNOMED, "10828004", "Positive")
    elements = {"valueCodeableConcept": found}
    return "if-ab", observation(concept(LOINC, *IF_ANTIBODY), SAMPLED, "final", elements)


def pregnant(weeks: int, at: str, since: str) -> list[Part]:
    """A pregnancy: the condition, the status as asked, the week of gestation."""
    found = concept(*PROBLEMS["pregnancy"])
    exam = [term("observation-category", "exam")]
    status = observation(
        concept(LOINC, *PREGNANCY_STATUS),
        at,
        "final",
        {"category": exam, "valueCodeableConcept": found},
    )
    return [
        problem("pregnancy", since=since),
        ("pregnancy-status", status),
        lab("gestation", weeks, at=at, category=exam),
    ]


def problem(
    name: str,
    *,
    since: str,
    text: str | None = None,
    clinical: str = "active",
    until: str | None = None,
) -> Part:
    """A Condition of the problem list, first seen and recorded on `since`."""
    made = without_none(
        {
            "resourceType": "Condition",
            "clinicalStatus": term("condition-clinical", clinical),
            "verificationStatus": term("condition-ver-status", "confirmed"),
            "category": [term("condition-category", "problem-list-item")],
            "code": concept(*PROBLEMS[name], text=text),
            "onsetDateTime": since,
            "abatementDateTime": until,
            "recordedDate": since,
        }
    )
    return name.replace(" ", "-"), made


def operation(name: str, *, on: str, note: str | None = None) -> Part:
    code, display = OPERATIONS[name]
    made: Resource = {
        "resourceType": "Procedure",
        "status": "completed",
        "code": concept(SNOMED, code, display),
        "performedDateTime": on,
    }
    if note:
        made["note"] = [{"text": note}]
    return name.replace(" ", "-"), made


def oral_daily(amount: float, unit: str, times: int = 1) -> Resource:
    """A daily oral dosage, structured and as text."""
    return {
        "text": f"{amount} {unit} by mouth, {times} time(s) a day",
        "timing": {"repeat": {"frequency": times, "period": 1, "periodUnit": "d"}},
        "route": concept(SNOMED, *ROUTES["oral"]),
        "doseAndRate": [{"doseQuantity": quantity(amount, unit)}],
    }


def order(
    drug: str,
    *,
    since: str,
    dosage: Resource,
    medication: str | None = None,
    text: str | None = None,
) -> Part:
    """A running MedicationRequest, by code or (medication) by reference."""
    what: Resource = {"medicationCodeableConcept": concept(*DRUGS[drug], text=text)}
    if medication:
        what = {"medicationReference": {"reference": f"Medication/{medication}"}}
    return f"order-{drug.replace(' ', '-')}", {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        **what,
        "authoredOn": since,
        "dosageInstruction": [dosage],
    }


def taking(slug: str, what: Resource, *, since: str, dosage: Resource) -> Part:
    """A MedicationStatement: what the patient says is being taken."""
    return slug, {
        "resourceType": "MedicationStatement",
        "status": "active",
        "medicationCodeableConcept": what,
        "effectivePeriod": {"start": since},
        "dateAsserted": "2026-11-12",
        "dosage": [dosage],
    }


def injection(day: str, *, under: str | None = None) -> Part:
    """One dose of cyanocobalamin 1000 ug (1 mg/mL, 1 mL) given into the muscle, by what order."""
    what = concept(*DRUGS["cyanocobalamin"], text="cyanocobalamin 1000 ug/mL, injection")
    given = {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "medicationCodeableConcept": what,
        "effectiveDateTime": f"{day}T10:00:00-05:00",
        "request": {"reference": f"MedicationRequest/{under}"} if under else None,
        "dosage": {
            "text": "1000 microgram (1 mL) into the muscle",
            "route": concept(SNOMED, *ROUTES["im"]),
            "dose": quantity(1000, "ug"),
        },
    }
    return f"dose-{day}", without_none(given)


def injections_ordered(since: str, period: int, unit: str) -> Part:
    """The order behind such doses: 1000 ug into the muscle every so often."""
    dosage = {
        "text": f"1000 microgram into the muscle, once every {period} {unit}",
        "timing": {"repeat": {"frequency": 1, "period": period, "periodUnit": unit}},
        "route": concept(SNOMED, *ROUTES["im"]),
        "doseAndRate": [{"doseQuantity": quantity(1000, "ug")}],
    }
    return order(
        "cyanocobalamin", since=since, dosage=dosage, text="cyanocobalamin 1000 ug/mL, injection"
    )


def allergy(text: str, verification: str, *, coded: bool) -> Part:
    """An allergy to a cobalamin, coded or in words only."""
    code = concept(*DRUGS["cyanocobalamin"], text=text) if coded else {"text": text}
    standing = "active" if verification == "confirmed" else "inactive"
    return "allergy", {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": term("allergyintolerance-clinical", standing),
        "verificationStatus": term("allergyintolerance-verification", verification),
        "type": "allergy",
        "category": ["medication"],
        "code": code,
        "recordedDate": "2024-03-05",
    }


def stub(slug: str, *, owned: bool) -> Part:
    """A retracted Observation as some servers send it: little more than id and status."""
    bare: Resource = {"resourceType": "Observation", "status": "entered-in-error"}
    return slug, bare if owned else {**bare, "subject": NOBODY}


def patient_resource(identity: str, who: About, elements: Resource) -> Resource:
    number = identity.removeprefix("demo-")
    return {
        "resourceType": "Patient",
        "id": identity,
        "meta": {"security": [{"system": f"{TERMINOLOGY}/v3-ActReason", "code": "HTEST"}]},
        "identifier": [{"system": f"{BASE}/sid/demo-patient", "value": identity.upper()}],
        "active": True,
        "name": [{"use": "official", "family": f"Demo{number}", "given": ["Synthetic"]}],
        "gender": {"f": "female", "m": "male"}[who.sex],
        "birthDate": who.born,
        **elements,
    }


def owned_by(identity: str, sampled: str, part: Part) -> Resource:
    """Give a part its id, its subject and, where it has none of its own, the day of sampling."""
    slug, made = part
    kind = made["resourceType"]
    role = "patient" if kind == "AllergyIntolerance" else "subject"
    whose = made.get(role, {"reference": f"Patient/{identity}"})
    body = {key: value for key, value in made.items() if key not in {"resourceType", role}}
    if body.get("effectiveDateTime") == SAMPLED:
        body["effectiveDateTime"] = moment(sampled)
    subject = {role: whose} if whose != NOBODY else {}
    return {"resourceType": kind, "id": f"{identity}-{slug}", **subject, **body}


def person(
    number: int,
    story: str,
    who: About,
    *parts: Part | list[Part],
    **elements: Any,
) -> Person:
    """Assemble one patient; parts may be single entries or lists of them."""
    identity = f"demo-{number:02d}"
    flat = [one for part in parts for one in (part if isinstance(part, list) else [part])]
    owned = [owned_by(identity, who.sampled, part) for part in flat]
    return Person(identity, story, [patient_resource(identity, who, elements), *owned])
