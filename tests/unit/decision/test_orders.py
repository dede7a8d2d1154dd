"""Open orders of vitamin B12: what would hurt somebody is flagged by the order's reference."""

from dataclasses import replace
from decimal import Decimal

import pytest

from b12fhir.decision.decide import decide
from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.medicines import B12Dose, Route
from b12fhir.kernel.dates import on
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.load import load_protocol
from b12fhir.protocol.model import PhaseTemplate, Product, Protocol
from tests.support.decided import decided, ids, rules
from tests.support.facts import TODAY, allergy, concept, days_ago, injection, lab, record

LOW = lab(A.B12_TOTAL, "150")
NORMAL = lab(A.B12_TOTAL, "400")
PERNICIOUS = concept("pernicious_anemia")


def order(
    route: Route = Route.IM,
    dose: str | None = "1000",
    *,
    status: str = "active",
    drug: str = "cyanocobalamin",
    held: str | None = "1000",
    **more: object,
) -> B12Dose:
    """An order as it stands in a record; a plain injection of the pack unless told otherwise."""
    return B12Dose(
        "MedicationRequest/o1",
        route,
        Truth.NO,
        "B12",
        drug=drug,
        dose_ug=Decimal(dose) if dose is not None else None,
        when=on(days_ago(1)),
        ordered=status != "draft",
        active=status == "active",
        order=status,
        concentration=Decimal(held) if held is not None and route.is_injection else None,
        **more,
    )


def flagged(answer: object) -> set[str]:
    remarks = (*answer.cautions, *answer.contraindications, *answer.gaps)
    return {remark.id for remark in remarks if remark.id.startswith("order-")}


def text(answer: object, key: str) -> str:
    remarks = (*answer.cautions, *answer.contraindications, *answer.gaps)
    return next(remark.text for remark in remarks if remark.id == key)


FLAGS = [
    # order, what is flagged, its rule
    (order(), set(), ""),
    (order(Route.SC), set(), ""),
    (order(Route.IV), {"order-iv"}, "R-93"),
    (order(Route.INJECTION), {"order-route"}, "R-92"),
    (order(Route.NASAL, "500"), {"order-nasal", "order-ratio"}, "R-93"),
    (order(Route.SC, drug="hydroxocobalamin"), {"order-sc"}, "R-91"),
    (order(Route.SC, drug="mecobalamin"), set(), ""),
    (order(dose="5000"), {"order-ratio"}, "R-102"),
    (order(dose="5000.1"), {"order-dose"}, "R-103"),
    (order(dose="1000000"), {"order-dose"}, "R-103"),
    (order(dose="2000"), {"order-ratio"}, "R-102"),
    (order(dose="1999"), set(), "R-102"),
    (order(dose="501"), set(), "R-102"),
    (order(dose="500"), {"order-ratio"}, "R-102"),
    (order(dose="100"), {"order-ratio"}, "R-102"),
    (order(Route.ORAL, "1500"), set(), ""),
    (order(Route.ORAL, "2000"), set(), ""),
    (order(Route.ORAL, "4000"), {"order-ratio"}, "R-102"),
    (order(Route.ORAL, "50"), {"order-ratio"}, "R-102"),
    (order(Route.ORAL, None), set(), ""),
    (order(held="5000"), {"order-strength"}, "R-101"),
    (order(held="500"), {"order-strength"}, "R-100"),
    (order(dose=None, held="5000"), {"order-strength", "order-incomplete"}, "R-101"),
    (order(held=None), {"order-incomplete"}, "R-99"),
    (order(drug=""), {"order-incomplete"}, "R-99"),
    (order(Route.IV, "2500000", drug="hydroxocobalamin"), set(), ""),
    (
        order(Route.IV, "2499999", drug="hydroxocobalamin"),
        {"order-iv", "order-dose"},
        "R-103",
    ),
    (order(Route.IV, None, drug="hydroxocobalamin"), {"order-iv", "order-incomplete"}, "R-93"),
    # an antidote is hydroxocobalamin and intravenous, or it is a slip
    (order(Route.IM, "2500000", drug="hydroxocobalamin"), {"order-dose"}, "R-103"),
    (order(Route.IV, "2500000"), {"order-iv", "order-dose"}, "R-103"),
    (order(Route.IV, "5", combined=True), set(), ""),
]


@pytest.mark.parametrize(("given", "expected", "rule"), FLAGS)
def test_what_an_order_is_flagged_for(given: B12Dose, expected: set[str], rule: str) -> None:
    answer = decided(LOW, given)
    assert flagged(answer) == expected
    assert not rule or rule in rules(answer)
    assert all("MedicationRequest/o1" in text(answer, key) for key in expected)


@pytest.mark.parametrize("status", ["active", "on-hold", "draft", "unknown"])
def test_every_order_that_may_still_be_given_is_checked(status: str) -> None:
    assert flagged(decided(LOW, order(Route.IV, status=status))) == {"order-iv"}


@pytest.mark.parametrize("status", ["", "completed", "stopped", "cancelled", "entered-in-error"])
def test_what_is_over_or_no_order_is_not_checked(status: str) -> None:
    assert flagged(decided(LOW, order(Route.IV, status=status))) == set()


def test_a_draft_alone_neither_hides_a_result_nor_holds_a_plan_back() -> None:
    answer = decided(LOW, order(status="draft"))
    assert answer.intent.kind == "treat"
    assert "possibly-on-treatment" not in answer.flags


def test_an_order_that_names_no_route_at_all_is_asked_about() -> None:
    answer = decided(LOW, order(Route.UNKNOWN, "1000"))
    assert "order-route" in ids(answer.gaps)
    assert "R-92" in rules(answer, "unknown")
    (finding,) = [one for one in answer.findings if one.rule == "R-92"]
    assert [one.reference for one in finding.inputs] == ["MedicationRequest/o1"]


# What is written about an order: id, its rule, and whether it forbids the order or warns.
KINDS = {
    "order-iv": ("R-93", "contraindications"),
    "order-route": ("R-92", "contraindications"),
    "order-dose": ("R-103", "contraindications"),
    "order-leber": ("R-165", "contraindications"),
    "order-allergy": ("R-163", "contraindications"),
    "order-nasal": ("R-93", "cautions"),
    "order-sc": ("R-91", "cautions"),
    "order-ratio": ("R-102", "cautions"),
    "order-strength": ("R-101", "cautions"),
    "order-incomplete": ("R-99", "cautions"),
    "order-oral": ("R-95", "cautions"),
}
LEBER_DISEASE = concept("leber_optic_atrophy")

SAID = [
    # facts with the order, what is flagged, what the sentence must hold
    ((order(Route.IV),), "order-iv", ("lost in the urine", "intramuscular", "subcutaneous")),
    ((order(Route.INJECTION),), "order-route", ("cannot be signed", "ask which route")),
    ((order(Route.NASAL, None),), "order-nasal", ("nasal", "not part of this pack")),
    (
        (order(Route.SC, drug="hydroxocobalamin"),),
        "order-sc",
        ("label of hydroxocobalamin", "not allow the subcutaneous"),
    ),
    ((order(dose="6000"),), "order-dose", ("6000 microgram", "above 5000", "ask the prescriber")),
    ((order(dose="5000"),), "order-ratio", ("5 times", "dose of 1000 microgram", "acknowledged")),
    ((order(dose="100"),), "order-ratio", ("0.1 times", "dose of 1000 microgram")),
    ((order(held="250"),), "order-strength", ("250 microgram/mL", "= 4 mL", "never assumed")),
    (
        (order(drug="", dose=None, held=None),),
        "order-incomplete",
        ("form of B12, concentration, dose",),
    ),
    ((order(held=None),), "order-incomplete", ("does not say: concentration.",)),
    ((NORMAL, PERNICIOUS, order(Route.ORAL)), "order-oral", ("pernicious-anaemia", "sole route")),
    ((allergy(Truth.YES), order()), "order-allergy", ("every B12 product", "allergy")),
    ((LEBER_DISEASE, order()), "order-leber", ("cyanocobalamin is on order", "ask the prescriber")),
    ((LEBER_DISEASE, order(drug="")), "order-leber", ("not named is on order",)),
]


@pytest.mark.parametrize(("facts", "key", "parts"), SAID)
def test_what_is_written_about_an_order(
    facts: tuple[object, ...], key: str, parts: tuple[str, ...]
) -> None:
    """By which rule, on which order, whether it forbids or warns, and what to do."""
    answer = decided(*(facts if NORMAL in facts else (LOW, *facts)))
    rule, kind = KINDS[key]
    (remark,) = [one for one in getattr(answer, kind) if one.id == key]
    assert remark.rule == rule
    assert remark.text.startswith("MedicationRequest/o1: ")
    for part in parts:
        assert part in remark.text
    resting = [one for one in answer.findings if one.rule == rule and one.note]
    assert any("MedicationRequest/o1" in {i.reference for i in one.inputs} for one in resting)


def test_the_dose_of_the_pack_needs_no_word() -> None:
    answer = decided(LOW, order())
    assert "R-102" not in rules(answer)


def pack_with(**changes: object) -> Protocol:
    """The pack that ships with something else in it."""
    protocol = load_protocol()
    return replace(protocol, pack=replace(protocol.pack, **changes))


def flagged_by(protocol: Protocol, given: B12Dose) -> set[str]:
    return flagged(decide(record(LOW, given), protocol, TODAY))


def test_a_pack_that_gives_b12_by_the_nose_may_be_followed() -> None:
    """bariatric-us: 500 microgram weekly (R-93)."""
    spray = Product("spray", "cyanocobalamin", "spray", Decimal(500), "ug", ("nasal",))
    with_spray = pack_with(products={**load_protocol().pack.products, "spray": spray})
    assert flagged_by(with_spray, order(Route.NASAL, "1000")) == set()


def small_doses() -> Protocol:
    """As fda-hydroxo: 30 microgram of hydroxocobalamin; 1000 of cyanocobalamin as shipped."""
    pack = load_protocol().pack

    def smaller(phase: PhaseTemplate) -> PhaseTemplate:
        hydroxo = pack.products[phase.product].drug == "hydroxocobalamin"
        return replace(phase, dose=Decimal(30)) if hydroxo else phase

    courses = pack.courses.values()
    return pack_with(
        courses={one.id: replace(one, phases=tuple(map(smaller, one.phases))) for one in courses}
    )


@pytest.mark.parametrize(
    ("drug", "dose", "expected"),
    [
        ("hydroxocobalamin", "30", set()),
        ("hydroxocobalamin", "1000", {"order-ratio"}),
        ("cyanocobalamin", "1000", set()),
        ("cyanocobalamin", "30", {"order-ratio"}),
        # a form the pack does not have is compared with every injection
        ("mecobalamin", "30", set()),
        ("mecobalamin", "1000", set()),
    ],
)
def test_an_order_is_compared_with_the_dose_of_its_own_form(
    drug: str, dose: str, expected: set[str]
) -> None:
    assert flagged_by(small_doses(), order(drug=drug, dose=dose)) == expected


def test_a_pack_without_injections_has_no_dose_to_compare_one_with() -> None:
    """nhg-nl knows tablets only."""
    pack = load_protocol().pack
    tablets_only = {
        name: one
        for name, one in pack.courses.items()
        if not any(pack.products[phase.product].is_injection for phase in one.phases)
    }
    protocol = pack_with(courses=tablets_only, regimens=())
    assert flagged_by(protocol, order(dose="100")) == set()


VOLUMES = [
    # concentration, volume of 1000 microgram
    ("5000", "0.2 mL"),
    ("500", "2 mL"),
    ("250", "4 mL"),
    ("3000", "0.3333 mL"),
]


@pytest.mark.parametrize(("held", "volume"), VOLUMES)
def test_another_strength_comes_with_its_volume(held: str, volume: str) -> None:
    """R-101: one millilitre of 5 mg/mL would be five doses."""
    assert f"1000 microgram = {volume}" in text(decided(LOW, order(held=held)), "order-strength")


def test_the_volume_of_the_dose_ordered_stands_beside_that_of_the_pack() -> None:
    """800 / 5000 = 0.16; 1000 / 5000 = 0.2 (R-100), also in the finding."""
    answer = decided(LOW, order(dose="800", held="5000"))
    both = "800 microgram = 0.16 mL, 1000 microgram = 0.2 mL"
    assert f": {both}. " in text(answer, "order-strength")
    assert [one.note for one in answer.findings if one.rule == "R-100"] == [both]


def test_a_milligram_written_for_a_microgram_is_named() -> None:
    said = text(decided(LOW, order(dose="1000000")), "order-dose")
    assert "1000000 microgram" in said
    assert "mg was written" in said


BY_MOUTH = [
    # facts beside the order of tablets, flagged
    ((NORMAL, PERNICIOUS), True),
    ((NORMAL, concept("celiac_disease")), False),
    ((NORMAL, concept("paresthesia")), False),
    ((NORMAL, PERNICIOUS, injection(20)), False),
]


@pytest.mark.parametrize(("facts", "expected"), BY_MOUTH)
@pytest.mark.parametrize("route", [Route.ORAL, Route.SUBLINGUAL])
def test_tablets_alone_where_they_are_not_dependable(
    route: Route, facts: tuple[object, ...], *, expected: bool
) -> None:
    """R-95: with injections running beside them they are not the sole route."""
    assert ("order-oral" in flagged(decided(*facts, order(route)))) is expected


def test_tablets_that_injections_are_to_replace_are_told_by_their_plan() -> None:
    """The plan proposes injections and says why tablets are not enough: not said twice."""
    answer = decided(LOW, PERNICIOUS, order(Route.ORAL))
    assert (answer.intent.kind, answer.route) == ("treat", "im")
    assert "order-oral" not in flagged(answer)


def test_tablets_alone_with_nerves_under_treatment() -> None:
    taken = order(Route.ORAL, daily_ug=Decimal(1000))
    answer = decided(lab(A.B12_TOTAL, "400", ago=0), concept("paresthesia"), taken)
    assert answer.classification.value == "on-treatment"
    assert "order-oral" in flagged(answer)


def test_low_tablets_are_no_fault_where_nothing_is_to_be_treated() -> None:
    """A diet is kept supplied by 250 microgram a day (R-109)."""
    assert flagged(decided(NORMAL, order(Route.ORAL, "250"))) == set()


LEBER = [
    # form ordered, forbidden
    ("cyanocobalamin", True),
    ("", True),
    ("mecobalamin", True),
    ("hydroxocobalamin", False),
]


@pytest.mark.parametrize(("drug", "expected"), LEBER)
def test_leber_disease_forbids_every_form_but_one(drug: str, *, expected: bool) -> None:
    answer = decided(LOW, concept("leber_optic_atrophy"), order(drug=drug))
    assert ("order-leber" in ids(answer.contraindications)) is expected
    assert (answer.intent.kind == "stop") is expected
    assert answer.urgency.value == ("urgent" if expected else "soon")


def test_leber_disease_forbids_a_multivitamin_too() -> None:
    answer = decided(LOW, concept("leber_optic_atrophy"), order(Route.ORAL, "5", combined=True))
    assert flagged(answer) == {"order-leber"}


def test_an_allergy_forbids_what_is_on_order() -> None:
    answer = decided(LOW, allergy(Truth.YES), order())
    assert "order-allergy" in ids(answer.contraindications)
    assert answer.intent.kind == "stop"


def supply(drug: str = "hydroxocobalamin", route: Route = Route.IM, ago: int | None = 0) -> B12Dose:
    """What a pharmacy handed out; an ampoule was perhaps given."""
    return B12Dose(
        "MedicationDispense/s1",
        route,
        Truth.UNKNOWN,
        "B12",
        drug=drug,
        dose_ug=Decimal(1000),
        when=on(days_ago(ago)) if ago is not None else None,
        ordered=True,
        supplied=True,
    )


@pytest.mark.parametrize(
    ("handed", "ordered", "said"),
    [
        (supply(), order(), True),
        (supply(ago=None), order(), True),
        (supply(ago=1), order(), True),
        # handed out before the order: it was for another one
        (supply(ago=2), order(), False),
        (supply("cyanocobalamin"), order(), False),
        (supply(""), order(), False),
        (supply(), order(drug=""), False),
        (supply(route=Route.ORAL), order(), False),
        (supply(), order(Route.ORAL), False),
        (supply(), order(status="completed"), False),
        (supply(), injection(1, drug="cyanocobalamin"), False),
    ],
)
def test_another_form_than_the_one_on_order_was_supplied(
    handed: B12Dose, ordered: B12Dose, said: bool
) -> None:
    answer = decided(LOW, handed, ordered)
    assert ("supply-changed" in ids(answer.cautions)) is said
    assert ("R-104" in rules(answer)) is said
    if said:
        told = text(answer, "supply-changed")
        assert "hydroxocobalamin was supplied, and cyanocobalamin is on order" in told
