"""Facts answer simple questions about themselves; a wrong age or week picks a wrong limit."""

from datetime import date
from decimal import Decimal

import pytest

from b12fhir.facts.history import Concept, Standing
from b12fhir.facts.labs import Analyte, LabResult, PresenceResult
from b12fhir.facts.medicines import Allergy, B12Dose, Exposure, Route
from b12fhir.facts.patient import Patient, Pregnancy
from b12fhir.kernel.dates import When, on
from b12fhir.kernel.evidence import Input
from b12fhir.kernel.quantities import Measure
from b12fhir.kernel.truth import Truth

TODAY = date(2026, 11, 21)
YESTERDAY = on(date(2026, 11, 20))
NAMELESS = Patient("Patient/1")


def _lab(analyte: Analyte, value: int) -> LabResult:
    amount = Measure(Decimal(value), "ng/L")
    return LabResult(analyte, amount, YESTERDAY, "Observation/1", str(value), "pg/mL")


@pytest.mark.parametrize(
    ("birth", "ages"),
    [
        (None, None),
        (on(date(2010, 11, 21)), (16, 16)),
        (When(date(2010, 1, 1), date(2010, 12, 31)), (15, 16)),
    ],
)
def test_an_age_is_as_wide_as_the_birth_date(
    birth: When | None, ages: tuple[int, int] | None
) -> None:
    assert Patient("Patient/1", birth=birth).age_range(TODAY) == ages


@pytest.mark.parametrize(
    ("last_period", "weeks"),
    [
        (None, None),
        (on(date(2026, 8, 15)), (14, 14)),
        (When(date(2026, 8, 10), date(2026, 8, 20)), (13, 14)),
    ],
)
def test_a_week_of_pregnancy_is_as_wide_as_its_start(
    last_period: When | None, weeks: tuple[int, int] | None
) -> None:
    assert Pregnancy(Truth.YES, last_period=last_period).weeks_on(TODAY) == weeks


def test_a_result_is_shown_in_the_words_of_the_laboratory() -> None:
    shown = _lab(Analyte.B12_TOTAL, 150).as_input()
    assert shown == Input("Observation/1", "150", "pg/mL", "2026-11-20")


@pytest.mark.parametrize(
    ("onset", "recorded", "shown"),
    [
        (on(date(2025, 5, 1)), YESTERDAY, "2025-05-01"),
        (None, YESTERDAY, "2026-11-20"),
        (None, None, ""),
    ],
)
def test_a_concept_is_dated_by_its_onset_first(
    onset: When | None, recorded: When | None, shown: str
) -> None:
    fact = Concept("ataxia", Standing.PAST, "Condition/1", "Ataxia", onset=onset, recorded=recorded)
    assert fact.as_input() == Input("Condition/1", "Ataxia", "", shown)


@pytest.mark.parametrize(("when", "shown"), [(YESTERDAY, "2026-11-20"), (None, "")])
def test_what_has_no_date_shows_none(when: When | None, shown: str) -> None:
    facts = (
        PresenceResult("intrinsic-factor-antibody", Truth.YES, when, "Observation/1", "positive"),
        Exposure("metformin", "MedicationRequest/1", "Metformin", active=True, start=when),
        B12Dose("MedicationAdministration/1", Route.IM, Truth.YES, "B12", when=when),
    )
    assert {fact.as_input().date for fact in facts} == {shown}


def test_an_allergy_is_shown() -> None:
    allergy = Allergy("cobalt", Truth.YES, "AllergyIntolerance/1", "Cobalt")
    assert allergy.as_input() == Input("AllergyIntolerance/1", "Cobalt")


def test_an_unknown_route_is_no_injection() -> None:
    """Else a tablet of unknown route would keep a result out of use for a year."""
    injected = {route for route in Route if route.is_injection}
    assert injected == {Route.IM, Route.SC, Route.IV, Route.INJECTION}
