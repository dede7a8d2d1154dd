"""The examples under profiles/examples: good ones made by the program, bad ones wrong in one way.

`tests/tools/regenerate.py` writes them; the validator's tests read them.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import as_file
from typing import Any

from b12fhir.adapters import files
from b12fhir.demo import cohort_dir
from b12fhir.fhir.profiles.structures import PROFILES, WRITTEN
from b12fhir.fhir.site import CANONICAL, Site
from b12fhir.protocol.load import load_protocol
from b12fhir.service import propose
from tests.profiles.life import DOCTOR, lived

# Injections beside a low folate: a plan with phases, tests, a goal and a caution.
PATIENT = "Patient/demo-58"
AS_OF = datetime(2026, 11, 21, 9, tzinfo=UTC)
SITE = Site()
GONE = object()


def profile_url(name: str) -> str:
    """Canonical address of one of our profiles."""
    return f"{CANONICAL}/StructureDefinition/{name}"


@lru_cache(maxsize=1)
def good() -> dict[str, dict[str, Any]]:
    """One example of each profile, by the profile's name."""
    with as_file(cohort_dir()) as folder:
        records = list(files.read([folder]).of(PATIENT))
    proposal = propose(records, load_protocol(), AS_OF, SITE, patient=PATIENT)
    bundle = proposal.bundle()
    assert bundle is not None
    made = dict(_written(bundle["entry"]))
    phase = made["b12-medicationrequest"]
    signed = dict(lived(proposal, bundle))["signed"]
    made["b12-order"] = _order(signed["entry"])
    made["b12-test-order"] = _test_order(signed["entry"])
    made["b12-plan"] = _plan(signed["entry"])
    made["b12-dose"] = _dose(phase)
    made["b12-lab"] = _lab(records)
    return {one.name: _named(made[one.name], one.name) for one in PROFILES if one.name in made}


def _written(entries: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The first resource of each kind, with links to the examples in the place of urn:uuid."""
    kinds = {profile.kind: profile.name for profile in WRITTEN}
    homes = {
        entry["fullUrl"]: f"{kind}/example-{kinds[kind]}"
        for entry in entries
        if (kind := entry["resource"]["resourceType"]) in kinds
    }
    for entry in reversed(entries):
        kind = entry["resource"]["resourceType"]
        if kind in kinds:
            yield kinds[kind], _linked(entry["resource"], homes)


def _linked(value: Any, homes: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _linked(part, homes) for key, part in value.items()}
    if isinstance(value, list):
        return [_linked(part, homes) for part in value]
    return homes.get(value, value) if isinstance(value, str) else value


def _named(resource: dict[str, Any], name: str) -> dict[str, Any]:
    """Under an id of its own, and saying which profile it follows."""
    meta = {**resource.get("meta", {}), "profile": [profile_url(name)]}
    rest = {k: v for k, v in resource.items() if k not in ("resourceType", "id", "meta")}
    return {
        "resourceType": resource["resourceType"],
        "id": f"example-{name}",
        "meta": meta,
        **rest,
    }


def _order(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The order that the signature made of the proposed phase."""
    return {
        **_new(entries, "MedicationRequest", "order"),
        "basedOn": [{"reference": "MedicationRequest/example-b12-medicationrequest"}],
        "detectedIssue": [{"reference": "DetectedIssue/example-b12-detectedissue"}],
    }


def _new(entries: list[dict[str, Any]], kind: str, intent: str) -> dict[str, Any]:
    """The first resource of a kind that the signature made."""
    return next(
        one
        for entry in entries
        if (one := entry["resource"])["resourceType"] == kind and one.get("intent") == intent
    )


def _test_order(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The order that the signature made of the first proposed test."""
    order = _new(entries, "ServiceRequest", "order")
    return {**order, "basedOn": [{"reference": "ServiceRequest/example-b12-monitoring"}]}


def _plan(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The plan in force, with the parts that are examples themselves."""
    parts = {
        "basedOn": ["CarePlan/example-b12-careplan"],
        "goal": ["Goal/example-b12-goal"],
        "supportingInfo": ["RiskAssessment/example-b12-assessment"],
    }
    orders = ("MedicationRequest/example-b12-order", "ServiceRequest/example-b12-test-order")
    return {
        **_new(entries, "CarePlan", "plan"),
        **{name: [{"reference": one} for one in links] for name, links in parts.items()},
        "activity": [{"reference": {"reference": one}} for one in orders],
    }


def _dose(phase: Mapping[str, Any]) -> dict[str, Any]:
    """The first dose of the order, as an electronic record would hold it."""
    dosage = phase["dosageInstruction"][0]
    start = dosage["timing"]["repeat"]["boundsPeriod"]["start"]
    return {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "medicationCodeableConcept": phase["medicationCodeableConcept"],
        "subject": phase["subject"],
        "effectiveDateTime": f"{start}T10:30:00Z",
        "performer": [{"actor": {"reference": DOCTOR}}],
        "request": {"reference": "MedicationRequest/example-b12-order"},
        "dosage": {
            "site": {"text": "Left upper arm (deltoid)"},
            "route": dosage["route"],
            "dose": dosage["doseAndRate"][0]["doseQuantity"],
        },
    }


def _lab(records: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The patient's total B12 as the cohort has it."""
    return next(
        copy.deepcopy(dict(one))
        for one in records
        if one["resourceType"] == "Observation"
        and any(coding.get("code") == "2132-9" for coding in one["code"]["coding"])
    )


@dataclass(frozen=True)
class Bad:
    """A good example with one thing wrong, and the words of the one error it gives.

    ``path`` leads to what is changed; ``GONE`` takes it out.
    """

    name: str
    profile: str
    path: tuple[str | int, ...]
    value: Any
    error: str
    why: str

    def resource(self) -> dict[str, Any]:
        """The example."""
        made = copy.deepcopy(good()[self.profile])
        *way, last = self.path
        place: Any = made
        for step in way:
            place = place[step]
        if self.value is GONE:
            del place[last]
        else:
            place[last] = self.value
        return {**made, "id": f"bad-{self.name}"}


_DOSAGE = ("dosageInstruction", 0)
_REPEAT = (*_DOSAGE, "timing", "repeat")
# Intravenous: a true code that is in none of our sets.
_IV = {"coding": [{"system": "http://snomed.info/sct", "code": "47625008"}]}
_ELSEWHERE = {"coding": [{"system": "https://example.org/codes", "code": "x"}]}
_UCUM = "http://unitsofmeasure.org"
_MR, _ORDER, _CP, _SR = "b12-medicationrequest", "b12-order", "b12-careplan", "b12-monitoring"

_PLAN, _TEST, _ENGINE = "b12-plan", "b12-test-order", "Device/example-b12-engine"
_GOAL, _RA, _DI, _TASK = "b12-goal", "b12-assessment", "b12-detectedissue", "b12-approval-task"
_MEASURE = ("target", 0, "measure")

BAD = (
    Bad("proposal-as-order", _MR, ("intent",), "order", "intent", "an order nobody signed"),
    Bad("proposal-active", _MR, ("status",), "active", "b12-mr-1", "a draft is never active"),
    Bad("no-route", _MR, (*_DOSAGE, "route"), GONE, "dosageInstruction.route", "how is it given?"),
    Bad("intravenous", _MR, (*_DOSAGE, "route"), _IV, "route", "lost in the urine"),
    Bad(
        "route-in-words",
        _MR,
        (*_DOSAGE, "route"),
        {"text": "into the muscle"},
        "No code provided",
        "no program can check words",
    ),
    Bad(
        "milligram",
        _MR,
        (*_DOSAGE, "doseAndRate", 0, "doseQuantity"),
        {"value": 1, "unit": "mg", "system": _UCUM, "code": "mg"},
        "b12-mr-2",
        "a thousandfold dose is one letter away",
    ),
    Bad("no-dose", _MR, (*_DOSAGE, "doseAndRate"), GONE, "doseAndRate", "how much?"),
    Bad("no-text", _MR, (*_DOSAGE, "text"), GONE, "text", "many readers show nothing else"),
    Bad(
        "weekday-and-period",
        _MR,
        (*_REPEAT, "dayOfWeek"),
        ["mon"],
        "b12-mr-3",
        "two schedules in one",
    ),
    Bad(
        "most-a-day-too-high",
        _MR,
        (*_DOSAGE, "maxDosePerPeriod", "denominator", "code"),
        "wk",
        "b12-mr-4",
        "the guard against a doubled dose is a day's",
    ),
    Bad("substitution", _MR, ("substitution", "allowedBoolean"), True, "allowed", "another form"),
    Bad(
        "no-notice", _MR, ("note", 0, "text"), "Sign here.", "b12-mr-notice", "looks like an order"
    ),
    Bad("no-origin", _MR, ("meta", "tag"), GONE, "b12-mr-origin", "who wrote it?"),
    Bad("no-key", _MR, ("identifier", 0, "system"), "urn:x", "b12-mr-key", "written twice"),
    Bad("no-plan", _MR, ("groupIdentifier",), GONE, "groupIdentifier", "belongs to no plan"),
    Bad(
        "ordered-by-a-device",
        _ORDER,
        ("requester", "reference"),
        "Device/example-b12-engine",
        "b12-order-5",
        "only a practitioner orders",
    ),
    Bad("order-of-nothing", _ORDER, ("basedOn",), GONE, "basedOn", "which proposal was signed?"),
    Bad(
        "order-says-proposal",
        _ORDER,
        ("note",),
        [{"text": "Proposal by decision support: not an order until a clinician signs it."}],
        "b12-order-notice",
        "an order that says it is none",
    ),
    Bad("order-draft", _ORDER, ("status",), "draft", "b12-order-1", "signed, so no draft"),
    Bad("plan-as-plan", _CP, ("intent",), "plan", "intent", "a plan nobody signed"),
    Bad("plan-active", _CP, ("status",), "active", "b12-cp-1", "a draft is never active"),
    Bad("plan-untold", _CP, ("text",), GONE, "text", "no reasons to read"),
    Bad("plan-of-all", _CP, ("category", 1), _ELSEWHERE, "b12-cp-2", "not found among ours"),
    Bad("plan-digest", _CP, ("identifier", 1, "system"), "urn:x", "b12-cp-digest", "never at rest"),
    Bad("signed-by-a-device", _PLAN, ("author", "reference"), _ENGINE, "b12-plan-2", "who signed?"),
    Bad("signed-of-nothing", _PLAN, ("basedOn",), GONE, "basedOn", "which proposal was signed?"),
    Bad("signed-as-proposal", _PLAN, ("intent",), "proposal", "intent", "in force, or not?"),
    Bad("signed-draft", _PLAN, ("status",), "draft", "b12-plan-1", "signed, so no draft"),
    Bad(
        "signed-under-two-keys",
        _PLAN,
        ("identifier", 1, "system"),
        f"{CANONICAL}/sid/plan",
        "b12-plan-3",
        "taken for the proposal by the next run",
    ),
    Bad(
        "signed-says-proposal",
        _PLAN,
        ("note", 0, "text"),
        "Proposal by decision support: not an order until a clinician signs it.",
        "b12-plan-notice",
        "a plan in force that says it is none",
    ),
    Bad("test-of-nothing", _TEST, ("basedOn",), GONE, "basedOn", "which proposal was signed?"),
    Bad("test-draft", _TEST, ("status",), "draft", "b12-test-order-1", "signed, so no draft"),
    Bad(
        "test-by-a-device",
        _TEST,
        ("requester", "reference"),
        _ENGINE,
        "b12-test-order-3",
        "only a practitioner orders",
    ),
    Bad("test-as-order", _SR, ("intent",), "order", "intent", "an order nobody signed"),
    Bad("test-unknown", _SR, ("code", "coding", 0, "code"), "718-7", "code", "none of our tests"),
    Bad(
        "test-no-day",
        _SR,
        ("occurrenceTiming",),
        {"repeat": {"frequency": 1, "period": 3, "periodUnit": "mo"}},
        "b12-sr-2",
        "from when on?",
    ),
    Bad("engine-unversioned", "b12-engine", ("version",), GONE, "version", "which rules decided?"),
    Bad(
        "dose-no-time",
        "b12-dose",
        ("effectiveDateTime",),
        "2026-11-21",
        "b12-dose-1",
        "which dose?",
    ),
    Bad(
        "dose-milligram",
        "b12-dose",
        ("dosage", "dose"),
        {"value": 1, "unit": "mg", "system": _UCUM, "code": "mg"},
        "b12-dose-2",
        "counted as a thousandth",
    ),
    Bad("dose-no-site", "b12-dose", ("dosage", "site"), GONE, "b12-dose-3", "where was it given?"),
    Bad(
        "dose-not-given", "b12-dose", ("status",), "not-done", "b12-dose-4", "why was it not given?"
    ),
    Bad(
        "dose-of-nothing", "b12-dose", ("request",), GONE, "request", "which order was carried out?"
    ),
    Bad("lab-no-patient", "b12-lab", ("subject",), GONE, "subject", "whose result?"),
    Bad(
        "lab-year-only", "b12-lab", ("effectiveDateTime",), "2026", "b12-lab-2", "too vague a date"
    ),
    Bad("lab-other-test", "b12-lab", ("code", "coding", 0, "code"), "1-8", "code", "is not read"),
    Bad(
        "goal-in-words",
        _GOAL,
        _MEASURE,
        {"text": "Haemoglobin"},
        "b12-goal-2",
        "no program can check words",
    ),
    Bad("goal-some-day", _GOAL, ("target", 0, "dueDate"), GONE, "due", "never missed"),
    Bad(
        "class-unknown",
        _RA,
        ("prediction", 0, "outcome", "coding"),
        _IV["coding"],
        "outcome",
        "which class?",
    ),
    Bad("no-reason", _RA, ("prediction", 0, "rationale"), GONE, "rationale", "to be believed?"),
    Bad("assessment-by-whom", _RA, ("performer",), GONE, "performer", "which rules?"),
    Bad("caution-unknown", _DI, ("code", "coding"), _IV["coding"], "code", "none of ours"),
    Bad("caution-how-grave", _DI, ("severity",), GONE, "severity", "shown, or only listed?"),
    Bad("task-as-order", _TASK, ("intent",), "order", "intent", "it orders nothing"),
    Bad("task-without-plan", _TASK, ("focus",), GONE, "focus", "sign what?"),
    Bad("task-without-day", _TASK, ("restriction",), GONE, "restriction", "waits for ever"),
    Bad("task-rejected", _TASK, ("status",), "rejected", "b12-task-1", "proposed again tomorrow"),
)


def example_files() -> dict[str, dict[str, Any]]:
    """Every example by its path under profiles/examples."""
    made = {f"good/{name}.json": resource for name, resource in good().items()}
    return made | {f"bad/{bad.name}.json": bad.resource() for bad in BAD}


def table() -> str:
    """The page that says what is wrong with each bad example."""
    lines = (
        "# Examples",
        "",
        "Generated; do not edit (a test compares). `good/` holds one resource for each profile, as",
        "the program writes or reads it; the patient is invented. Each of `bad/` is a good one",
        "with one thing wrong, and the validator finds exactly that.",
        "",
        "| bad example | profile | what the validator names | why it matters |",
        "|---|---|---|---|",
        *(f"| {one.name} | {one.profile} | {one.error} | {one.why} |" for one in BAD),
    )
    return "\n".join(lines) + "\n"
