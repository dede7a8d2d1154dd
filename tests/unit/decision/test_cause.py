"""Why B12 is lacking: what counts as a cause, which one governs, and what is asked."""

from dataclasses import replace
from decimal import Decimal

import pytest

from b12fhir.facts.history import Standing
from b12fhir.facts.labs import Analyte as A
from b12fhir.kernel.dates import on
from b12fhir.kernel.truth import Truth
from tests.support.decided import decided, ids, rules
from tests.support.facts import antibody, concept, days_ago, drug, lab

LOW = lab(A.B12_TOTAL, "150")
INTRINSIC = "intrinsic-factor-antibody"
PARIETAL = "parietal-cell-antibody"


def _resected(length: str | None) -> object:
    return concept("ileal_resection", length_cm=Decimal(length) if length else None)


CAUSES = [
    # facts, governing cause, its bucket, its confidence
    ((), "unknown", "unknown", "confirmed"),
    ((concept("pernicious_anemia"),), "pernicious-anaemia", "permanent-malabsorption", "confirmed"),
    ((antibody(INTRINSIC),), "pernicious-anaemia", "permanent-malabsorption", "confirmed"),
    ((antibody(INTRINSIC, Truth.NO),), "unknown", "unknown", "confirmed"),
    ((antibody(PARIETAL),), "unknown", "unknown", "confirmed"),
    (
        (antibody(PARIETAL), concept("atrophic_gastritis")),
        "pernicious-anaemia",
        "permanent-malabsorption",
        "probable",
    ),
    (
        (antibody(PARIETAL), antibody("gastrin-raised")),
        "pernicious-anaemia",
        "permanent-malabsorption",
        "probable",
    ),
    (
        (concept("atrophic_gastritis"),),
        "atrophic-gastritis",
        "reversible-malabsorption",
        "confirmed",
    ),
    ((concept("pernicious_anemia", weak=True),), "unknown", "unknown", "confirmed"),
    ((concept("gastrectomy_total"),), "gastrectomy-total", "permanent-malabsorption", "confirmed"),
    (
        (concept("gastrectomy_total", standing=Standing.PAST),),
        "gastrectomy-total",
        "permanent-malabsorption",
        "confirmed",
    ),
    (
        (concept("gastrectomy_extent_unstated"),),
        "gastrectomy-partial",
        "permanent-malabsorption",
        "confirmed",
    ),
    ((_resected("20.1"),), "ileum-over-20cm", "permanent-malabsorption", "confirmed"),
    ((_resected("20"),), "ileal-disease", "reversible-malabsorption", "confirmed"),
    (
        (_resected(None),),
        "ileal-resection-length-unknown",
        "reversible-malabsorption",
        "confirmed",
    ),
    ((_resected(None), _resected("25")), "ileum-over-20cm", "permanent-malabsorption", "confirmed"),
    ((concept("crohn_ileum"),), "ileal-disease", "reversible-malabsorption", "confirmed"),
    ((concept("gastric_bypass"),), "bariatric", "bariatric", "confirmed"),
    ((concept("celiac_disease"),), "coeliac", "reversible-malabsorption", "confirmed"),
    ((concept("celiac_disease", standing=Standing.PAST),), "unknown", "unknown", "confirmed"),
    ((concept("nitrous_oxide_use", weak=True),), "nitrous-oxide", "nitrous-oxide", "probable"),
    ((concept("diet_vegan"),), "vegan", "diet", "confirmed"),
    ((concept("diet_vegetarian"),), "vegetarian", "diet", "confirmed"),
    ((concept("diet_vegan", weak=True),), "unknown", "unknown", "confirmed"),
    ((concept("congenital_if_deficiency"),), "congenital", "specialist", "confirmed"),
    ((drug("metformin"),), "metformin", "drug", "probable"),
    ((drug("colchicine"),), "unknown", "unknown", "confirmed"),
]


@pytest.mark.parametrize(("facts", "name", "bucket", "confidence"), CAUSES)
def test_the_cause_that_governs(
    facts: tuple[object, ...], name: str, bucket: str, confidence: str
) -> None:
    cause = decided(LOW, *facts).governing
    assert cause is not None
    assert (cause.cause, cause.bucket.value, cause.confidence.value) == (name, bucket, confidence)


def test_causes_govern_in_the_order_of_the_book_and_all_are_listed() -> None:
    everything = (
        drug("metformin"),
        concept("diet_vegan"),
        concept("nitrous_oxide_use"),
        concept("celiac_disease"),
        concept("gastric_bypass"),
        concept("pernicious_anemia"),
    )
    for taken in range(len(everything)):
        left = everything[: len(everything) - taken]
        causes = decided(LOW, *left).causes
        assert len(causes) == len(left)
        assert [c.governs for c in causes] == [True, *[False] * (len(left) - 1)]
    order = [c.cause for c in decided(LOW, *everything).causes]
    assert order == [
        "pernicious-anaemia",
        "bariatric",
        "coeliac",
        "nitrous-oxide",
        "metformin",
        "vegan",
    ]


def test_a_possible_cause_is_listed_and_never_governs() -> None:
    causes = decided(LOW, drug("colchicine")).causes
    assert [(c.cause, c.confidence.value, c.governs) for c in causes] == [
        ("other-drug", "possible", False),
        ("unknown", "confirmed", True),
    ]


def test_an_unknown_cause_of_a_deficiency_is_looked_for() -> None:
    assert "cause" in ids(decided(LOW).gaps)
    assert "cause" not in ids(decided(lab(A.B12_TOTAL, "400")).gaps)


def test_an_antibody_without_deficiency_is_only_possible() -> None:
    causes = decided(lab(A.B12_TOTAL, "400"), antibody(INTRINSIC)).causes
    assert causes[0].confidence.value == "possible"


@pytest.mark.parametrize("standing", [Standing.PAST, Standing.UNCONFIRMED])
def test_pernicious_anaemia_that_is_said_to_be_over_is_asked_about(standing: Standing) -> None:
    answer = decided(LOW, concept("pernicious_anemia", standing=standing))
    assert "pernicious-anaemia" in ids(answer.gaps)
    assert answer.governing is not None
    assert answer.governing.cause == "unknown"


def test_a_resection_of_unknown_length_is_asked_and_gets_no_prophylaxis() -> None:
    answer = decided(lab(A.B12_TOTAL, "400"), _resected(None))
    assert "resected-length" in ids(answer.gaps)
    assert answer.intent.kind == "none"
    assert answer.intent.yearly_b12


# Months are counted back from 2026-11-21: four months are 2026-07-21, twelve 2025-11-21.
EXPOSURE = [
    ("metformin", 123, False),
    ("metformin", 124, True),
    ("omeprazole", 365, False),
    ("omeprazole", 366, True),
    ("famotidine", 366, True),
]


@pytest.mark.parametrize(("name", "days", "counts"), EXPOSURE)
def test_a_drug_counts_only_past_its_limit(name: str, days: int, counts: bool) -> None:
    """Exactly four (twelve) months: not met (R-05)."""
    taken = replace(drug(name), start=on(days_ago(days)))
    answer = decided(LOW, taken)
    assert (answer.governing is not None and answer.governing.bucket.value == "drug") is counts
    assert ("R-06" in rules(answer, "no")) is not counts


def test_a_drug_without_a_start_is_asked_about() -> None:
    answer = decided(LOW, drug("metformin", months=None))
    assert "metformin-start" in ids(answer.gaps)
    assert answer.causes[0].confidence.value == "possible"


def _course(start: int, end: int | None, name: str = "1") -> object:
    return replace(
        drug("metformin", active=end is None),
        reference=f"MedicationRequest/{name}",
        start=on(days_ago(start)),
        end=on(days_ago(end)) if end is not None else None,
    )


MERGED = [
    # two requests, is the whole long enough?
    ((_course(200, 100, "1"), _course(10, None, "2")), True),
    ((_course(200, 101, "1"), _course(10, None, "2")), False),
    ((_course(400, 90, "1"),), True),
    ((_course(400, 91, "1"),), False),
    ((_course(300, None, "1"), _course(10, None, "2")), True),
]


@pytest.mark.parametrize(("taken", "counts"), MERGED)
def test_requests_merge_over_short_gaps(taken: tuple[object, ...], counts: bool) -> None:
    """A gap of 90 days joins, 91 does not; ended 90 days ago still counts (ruling 27)."""
    answer = decided(LOW, *taken)
    assert (answer.governing is not None and answer.governing.cause == "metformin") is counts


def test_two_requests_of_one_day_are_one_course() -> None:
    """Two packages written on the same day, in whatever order they come."""
    pair = (_course(400, None, "2"), _course(400, None, "1"))
    for taken in (pair, pair[::-1]):
        answer = decided(LOW, *taken)
        assert answer.governing is not None
        assert answer.governing.cause == "metformin"
        assert [one.reference for one in answer.governing.inputs] == [
            "MedicationRequest/1",
            "MedicationRequest/2",
        ]


@pytest.mark.parametrize("newer", ["esomeprazole", "pantoprazole"])
def test_a_second_acid_blocker_does_not_hide_the_first(newer: str) -> None:
    """Each is its own course (ruling 27): omeprazole for two years stays long enough."""
    answer = decided(LOW, drug("omeprazole"), drug(newer, months=2))
    assert answer.governing is not None
    assert answer.governing.cause == "acid-blocker"


def test_an_undated_request_beside_a_dated_run_asks_nothing() -> None:
    answer = decided(LOW, _course(400, None), drug("metformin", months=None))
    assert "metformin-start" not in ids(answer.gaps)
    over = decided(LOW, drug("metformin", months=None, active=False))
    assert "metformin-start" not in ids(over.gaps)


def test_parietal_cell_antibodies_alone_are_a_possible_cause_and_no_more() -> None:
    """R-70: shown with its evidence, and it never governs."""
    answer = decided(LOW, antibody(PARIETAL))
    (maybe,) = [one for one in answer.causes if one.cause == "pernicious-anaemia"]
    assert (maybe.confidence.value, maybe.governs) == ("possible", False)
    assert [one.reference for one in maybe.inputs] == [f"Observation/{PARIETAL}"]


def test_every_positive_antibody_is_evidence() -> None:
    first = antibody("intrinsic-factor-antibody")
    second = replace(first, reference="Observation/second")
    answer = decided(LOW, first, second)
    assert answer.governing is not None
    assert {one.reference for one in answer.governing.inputs} == {
        first.reference,
        "Observation/second",
    }
