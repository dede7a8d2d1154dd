"""Operations and the resected length, which is never assumed (R-72, R-73)."""

from decimal import Decimal

import pytest

from b12fhir.facts.medicines import Route
from b12fhir.fhir.extract.length import lengths_in, resected_cm
from b12fhir.kernel.codes import SNOMED
from tests.unit.fhir.extract.given import codes, concept, procedure, quantity, read


@pytest.mark.parametrize(
    ("status", "standing", "issues"),
    [
        ("completed", "active", []),
        ("in-progress", "active", []),
        ("stopped", "unconfirmed", ["unconfirmed"]),
        ("on-hold", "unconfirmed", ["unconfirmed"]),
        ("unknown", "unconfirmed", ["unconfirmed"]),
        ("not-done", "", ["excluded"]),
        ("preparation", "", ["excluded"]),
        ("entered-in-error", "", ["excluded"]),
    ],
)
def test_only_done_operations_count(status, standing, issues) -> None:
    facts = read(procedure("26452005", status=status))
    assert [fact.standing.value for fact in facts.concepts] == [standing] * bool(standing)
    assert codes(facts) == issues


def test_an_operation_and_its_date() -> None:
    (fact,) = read(procedure("26452005")).concepts
    assert (fact.concept, fact.source) == ("gastrectomy_total", "procedure")
    assert fact.as_input().date == "2020-02-03"
    period = {"start": "2019-01-01", "end": "2019-01-02"}
    (fact,) = read(procedure("26452005", performedDateTime=None, performedPeriod=period)).concepts
    assert fact.as_input().date == "2019-01-01"


@pytest.mark.parametrize("changes", [{"modifierExtension": [{}]}, {"implicitRules": "x"}])
def test_operations_that_are_not_understood(changes) -> None:
    assert codes(read(procedure(**changes))) == ["not-understood"]


def test_operations_known_by_their_name() -> None:
    facts = read(procedure({"text": "Laparoscopic gastric band"}))
    assert [(fact.concept, fact.weak) for fact in facts.concepts] == [("gastric_band", True)]
    assert codes(facts) == ["text-only"]
    facts = read(procedure({"text": "Planned: gastric band?"}))
    assert [fact.standing.value for fact in facts.concepts] == ["unconfirmed"]
    assert codes(read(procedure({"text": "Total gastrectomy"}))) == ["name-only"]
    assert read(procedure({"text": "Appendectomy"})).ignored == 1


def test_a_code_without_extent_asks() -> None:
    assert "code-asks" in codes(read(procedure("53442002")))


def noted(*notes, **changes):
    return procedure(note=[{"text": note} for note in notes], **changes)


@pytest.mark.parametrize(
    ("note", "length"),
    [
        ("25 cm", "25"),
        ("25cm of distal ileum", "25"),
        ("Resected 20 cm of terminal ileum; margins 3 cm", "20"),
        ("resected 200 mm", "20"),
        ("20,5 cm removed", "20.5"),
        ("20.1 centimetres resected", "20.1"),
        ("30 cm of ileum, 30 cm in all", "30"),
        ("25 cm (250 mm) ileum", "25"),
        ("ileum 25 CM", "25"),
        ("Resection 10 cm from the valve", None),
        ("anastomosis 15 cm proximal to the colon", None),
        ("incision 12 cm", None),
        ("25 cm distal to the ligament", None),
        ("tumour 4 cm", None),
        ("4 cm tumour", None),
        ("200 cm of small bowel left", None),
        ("a long segment", None),
        ("125cm2", None),
    ],
)
def test_lengths_in_a_note(note, length) -> None:
    """A distance, a margin or a scar read as bowel would mean injections for life."""
    (fact,) = read(noted(note)).concepts
    assert fact.length_cm == (None if length is None else Decimal(length))


@pytest.mark.parametrize(
    "note",
    [
        "20-25 cm of ileum",
        "20 \u2013 25 cm",
        "20 to 25 cm",
        "> 20 cm",
        "more than 20 cm",
        "less than 20 cm",
        "up to 25 cm",
        "about 25 cm",
        "approx. 25 cm",
        "at least 30cm",
        "~25 cm",
        "1,200 mm",
        "25 cm or 30 cm",
    ],
)
def test_lengths_that_are_not_certain_are_asked_for(note) -> None:
    facts = read(noted(note))
    assert facts.concepts[0].length_cm is None
    assert "length-unclear" in codes(facts)


def test_two_different_lengths_are_never_chosen_from() -> None:
    facts = read(noted("15 cm resected", "resected 25 cm"))
    assert (facts.concepts[0].length_cm, codes(facts).count("length-unclear")) == (None, 1)


URL = "http://example.org/resected-length"


@pytest.mark.parametrize(
    ("extension", "length"),
    [
        ({"url": URL, "valueQuantity": quantity("25", "cm")}, "25"),
        ({"url": URL, "valueQuantity": quantity("250", "mm")}, "25"),
        ({"url": URL, "valueQuantity": quantity(25, None, unit="cm")}, "25"),
        ({"url": URL, "valueString": "25 cm"}, "25"),
        ({"url": f"{URL}-cm", "valueDecimal": Decimal("25.5")}, "25.5"),
        ({"url": f"{URL}-cm", "valueInteger": 25}, "25"),
        ({"url": URL, "valueBoolean": True}, None),
        ({"url": "http://example.org/weight", "valueQuantity": quantity("25", "cm")}, None),
    ],
)
def test_lengths_in_an_extension(extension, length) -> None:
    found, why = resected_cm({"extension": [extension]})
    assert (found, why) == (None if length is None else Decimal(length), "")


@pytest.mark.parametrize(
    "extension",
    [
        {"url": URL, "valueDecimal": Decimal(25)},
        {"url": URL, "valueQuantity": quantity("25")},
        {"url": URL, "valueQuantity": quantity("25", "[in_i]")},
        {"url": URL, "valueQuantity": quantity("25", "cm", comparator=">")},
        {"url": URL, "valueQuantity": {"value": "25", "unit": "cm"}},
        {"url": f"{URL}-cm", "valueInteger": True},
    ],
)
def test_lengths_in_an_extension_that_are_not_certain(extension) -> None:
    assert resected_cm({"extension": [extension]})[0] is None
    assert resected_cm({"extension": [extension]})[1]


def test_note_and_extension_must_agree() -> None:
    same = {"extension": [{"url": URL, "valueQuantity": quantity("25", "cm")}]}
    assert resected_cm(same | {"note": [{"text": "25 cm"}]}) == (Decimal(25), "")
    assert resected_cm(same | {"note": [{"text": "15 cm"}]})[1]


def test_a_text_without_length() -> None:
    assert lengths_in("") == (set(), False)


@pytest.mark.parametrize(
    ("said", "route", "drug", "dose"),
    [
        ("Intramuscular injection of cyanocobalamin 1000 mcg", Route.IM, "cyanocobalamin", "1000"),
        ("Hydroxocobalamin 1 mg injection IM", Route.IM, "hydroxocobalamin", "1000"),
        ("Injection of vitamin B-12, subcutaneous", Route.SC, "", None),
        ("B12 shot", Route.INJECTION, "", None),
        ("Injection, vitamin B-12 cyanocobalamin, up to 1000 mcg", Route.INJECTION,
         "cyanocobalamin", None),
        ("Vitamin B12 injection 500-1000 mcg", Route.INJECTION, "", None),
        ("Vitamin B12 injection 500 mcg or 1000 mcg", Route.INJECTION, "", None),
    ],
)  # fmt: skip
def test_b12_injected_as_a_procedure(said, route, drug, dose) -> None:
    facts = read(procedure({"text": said}))
    (given,) = facts.doses
    assert (given.route, given.drug, given.given.value) == (route, drug, "yes")
    assert given.dose_ug == (None if dose is None else Decimal(dose))
    assert given.when is not None
    assert facts.concepts == ()


@pytest.mark.parametrize(
    ("status", "given", "issue"),
    [
        ("in-progress", "unknown", "dose-given-unknown"),
        ("unknown", "unknown", "dose-given-unknown"),
        ("not-done", None, "excluded"),
    ],
)
def test_injections_that_are_not_surely_given(status, given, issue) -> None:
    facts = read(procedure({"text": "Vitamin B12 injection"}, status=status))
    assert [dose.given.value for dose in facts.doses] == ([given] if given else [])
    assert codes(facts) == [issue]


def test_a_b12_test_is_no_injection() -> None:
    assert read(procedure(concept(SNOMED, "1", said="Vitamin B12 measurement"))).doses == ()
