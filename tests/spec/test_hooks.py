"""Every case through the CDS Hooks door: the decision of `assess`, and the card that fits."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from b12fhir.fhir.digest import decision_digest
from b12fhir.fhir.json import decode
from b12fhir.protocol.load import load_protocol
from b12fhir.service import propose
from b12fhir.service.hooks.model import Hook
from tests.spec.case import Case, case_params
from tests.support.hook_service import OWN, SITE, door

# Hooks that show the assessment itself; the others speak of what their context holds as well.
HOOKS = (Hook.PATIENT_VIEW, Hook.ENCOUNTER_DISCHARGE)


def resources(case: Case) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in decode(case.bundle)["entry"]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One book for all cases: nobody answers a card, so none is silent."""
    return tmp_path_factory.mktemp("hooks")


def told(place: Path, case: Case, hook: Hook) -> Any:
    def now() -> datetime:
        return case.as_of

    with door(place, now=now) as service:
        return service.told(hook, resources(case))


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.value)
@pytest.mark.parametrize("case", case_params())
def test_decision(place: Path, case: Case, hook: Hook) -> None:
    """A patient who comes in by this door must not get another class, urgency or route."""
    own, unsure = told(place, case, hook)["extension"][OWN], case.expected.get("unsure", ())
    for key in ("classification", "severity", "neuro", "urgency"):
        if key not in unsure:
            assert own[key] == case.expected[key], key
    if "route" not in unsure:
        assert own.get("route", "") == case.expected["route"]
    protocol = load_protocol(case.pack)
    one = propose([decode(case.bundle)], protocol, case.as_of, SITE)
    assert own["decision"] == decision_digest(one.decision, one.plan, protocol.pack)
    assert "unchecked" not in own


DEFICIENT = {"confirmed", "indeterminate-confirmed", "functional"}


def expected_indicator(case: Mapping[str, Any]) -> str | None:
    """The indeterminate band informs, deficiency warns, nerves alarm; ``None``: `SAID` tells."""
    if case["classification"] in DEFICIENT:
        return "critical" if case["neuro"] and case["urgency"] == "urgent" else "warning"
    return "info" if case["classification"] == "indeterminate" else None


# Cases whose card does not follow from the class, each with the reason; "": no card.
SAID = {
    "FH1": "",  # routine, no result: a family history alone is no event to speak at
    "V09": "info",  # B12 is not low, but numb feet want another cause looked for, soon
    "V18": "info",  # normal B12 after a resection: prevention, nothing is wrong yet
    "V19": "",  # normal B12, nothing to do now
    "V20": "info",  # prevention after a bypass
    "V31": "info",  # moles under a mass code: cannot be decided, never silent
    "V33": "",  # the low result was entered in error: normal
    "V34": "",  # no result of use, no complaint
    "V34-neuro": "warning",  # nerve signs and no result of use
    "V37": "critical",  # the order on record is intravenous: forbidden
    "V38": "critical",  # the order on record says 1000 mg: a thousandfold dose
}


@pytest.mark.parametrize("case", case_params())
def test_card(place: Path, case: Case) -> None:
    """At most one card, as loud as the case is; none after a normal result."""
    cards = told(place, case, Hook.PATIENT_VIEW)["cards"]
    indicator = SAID.get(case.id, expected_indicator(case.expected))
    assert [card["indicator"] for card in cards] == ([indicator] if indicator else [])


@pytest.mark.parametrize("case", case_params())
def test_drafts_are_the_patients_own_and_of_the_first_phase(place: Path, case: Case) -> None:
    """What a click would order is what the plan says, for this patient and nobody else."""
    phases = case.expected.get("phase", [])
    patient = next(one["id"] for one in resources(case) if one["resourceType"] == "Patient")
    for card in told(place, case, Hook.PATIENT_VIEW)["cards"]:
        for suggestion in card.get("suggestions", ()):
            orders = [action["resource"] for action in suggestion["actions"]]
            assert {one["subject"]["reference"] for one in orders} == {f"Patient/{patient}"}
            medicines = [one for one in orders if one["resourceType"] == "MedicationRequest"]
            assert len(medicines) <= 1
            for one in medicines:
                recommended = suggestion.get("isRecommended", False)
                assert phases
                if recommended:
                    drug = one["medicationCodeableConcept"]["text"]
                    assert phases[0]["drug"] in drug
