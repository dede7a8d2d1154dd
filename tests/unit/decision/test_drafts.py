"""Orders that are being written: what is wrong is said, what is right stays silent.

Doses and intervals are those of the pack: 1000 microgram, every 2 days, then weekly, then monthly.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from b12fhir.decision.decide import decide
from b12fhir.facts.history import Concept
from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.medicines import B12Dose, Drafted, DraftedDrug, Route
from b12fhir.facts.patient import Pregnancy
from b12fhir.kernel.dates import on
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.load import load_protocol
from tests.support.decided import decided, rules
from tests.support.facts import (
    TODAY,
    allergy,
    concept,
    days_ago,
    injection,
    lab,
    record,
    tablets,
)

LOW = lab(A.B12_TOTAL, "150")
BETWEEN = lab(A.B12_TOTAL, "250")
NORMAL = lab(A.B12_TOTAL, "400")
PERNICIOUS = concept("pernicious_anemia")
TINGLING = concept("paresthesia")
COELIAC = concept("celiac_disease")
EVERY_2_DAYS = Drafted(Route.INJECTION, Decimal("0.5"), 7, timed=True)
DAILY = Drafted(Route.ORAL, Decimal(1), timed=True)


def draft(
    route: Route = Route.IM,
    held: Drafted = EVERY_2_DAYS,
    *,
    name: str = "d1",
    drug: str = "cyanocobalamin",
    dose: str | None = "1000",
    start: date | None = TODAY,
    **more: object,
) -> B12Dose:
    """The pack's load as a draft order; a test names what differs."""
    injected = route.is_injection or held.form.is_injection
    return B12Dose(
        f"MedicationRequest/{name}",
        route,
        Truth.NO,
        "B12",
        drug=drug,
        dose_ug=Decimal(dose) if dose is not None else None,
        when=on(start) if start is not None else None,
        order="draft",
        concentration=Decimal(1000) if injected else None,
        drafted=held,
        **more,
    )


def by_mouth(**more: object) -> B12Dose:
    return draft(Route.ORAL, DAILY, **more)


def running(route: Route = Route.IM, **more: object) -> B12Dose:
    """An active order of somebody else: 1000 microgram, or so many a day by mouth."""
    return B12Dose(
        "MedicationRequest/old",
        route,
        Truth.NO,
        "B12",
        **{
            "drug": "cyanocobalamin",
            "dose_ug": Decimal(1000),
            "daily_ug": Decimal(1000) if route is Route.ORAL else None,
            "when": on(days_ago(30)),
            "ordered": True,
            "active": True,
            "order": "active",
            "concentration": Decimal(1000) if route.is_injection else None,
        }
        | more,
    )


def told(answer: object, about: str = "MedicationRequest/d1") -> set[str]:
    """Ids of what is said about one order."""
    remarks = (*answer.cautions, *answer.contraindications, *answer.gaps)
    return {one.id for one in remarks if one.about == about}


def sentence(answer: object, key: str) -> str:
    return next(one.text for one in answer.cautions if one.id == key)


RIGHT = [
    (LOW, draft()),
    (LOW, draft(Route.SC)),
    (LOW, by_mouth()),
    (LOW, PERNICIOUS, draft()),
    # three a week is the pack's own load of hydroxocobalamin
    (
        LOW,
        concept("leber_optic_atrophy"),
        draft(drug="hydroxocobalamin", held=replace(EVERY_2_DAYS, often=Decimal(3) / 7)),
    ),
    (NORMAL, draft()),
    (BETWEEN, by_mouth()),
]


@pytest.mark.parametrize("facts", RIGHT)
def test_what_is_right_stays_silent(facts: tuple[object, ...]) -> None:
    assert told(decided(*facts)) == set()


def test_a_draft_is_no_treatment_and_changes_no_class() -> None:
    without, beside = decided(LOW, PERNICIOUS), decided(LOW, PERNICIOUS, draft(), by_mouth())
    assert beside.classification is without.classification
    assert beside.intent == without.intent
    assert beside.urgency is without.urgency
    assert "R-21" not in rules(beside)


PILL = Drafted(Route.INJECTION, Decimal(1), in_pieces=True, timed=True)


def test_an_injection_ordered_as_a_daily_pill() -> None:
    """What the sandbox makes of an accepted injection: dose and route are lost."""
    answer = decided(LOW, draft(Route.INJECTION, PILL, dose=None))
    assert told(answer) == {"order-pill", "order-too-often", "order-route", "order-incomplete"}
    assert "R-99" in rules(answer)
    assert "no dose" in sentence(answer, "order-pill")


def test_a_pill_that_is_one_needs_no_word() -> None:
    assert told(decided(LOW, by_mouth())) == set()
    swallowed = replace(DAILY, in_pieces=True)
    assert told(decided(LOW, draft(Route.ORAL, swallowed))) == set()


@pytest.mark.parametrize(
    ("often", "drug", "expected"),
    [
        (Decimal(1), "cyanocobalamin", {"order-too-often"}),
        (Decimal("0.5001"), "cyanocobalamin", {"order-too-often"}),
        (Decimal("0.5"), "cyanocobalamin", set()),
        (Decimal(1) / 30, "cyanocobalamin", set()),
        (Decimal(1), "mecobalamin", {"order-too-often"}),
        (None, "cyanocobalamin", set()),
    ],
)
def test_injections_more_often_than_the_pack_gives_them(
    often: Decimal | None, drug: str, expected: set[str]
) -> None:
    answer = decided(LOW, draft(held=replace(EVERY_2_DAYS, often=often), drug=drug))
    assert told(answer) == expected
    assert ("R-117" in rules(answer)) is bool(expected)


def test_how_often_is_told_beside_what_the_pack_gives() -> None:
    for often, words in ((Decimal(1), "one a day"), (Decimal(3), "3 a day")):
        held = replace(EVERY_2_DAYS, often=often)
        text = sentence(decided(LOW, draft(held=held)), "order-too-often")
        assert f"injections are ordered {words}," in text
        assert "the pack gives one every 2 days at the most" in text


def test_a_pack_of_tablets_has_no_interval_to_compare_with() -> None:
    """As nhg-nl."""
    protocol = load_protocol()
    pack = protocol.pack
    by_tablet = {
        name: one
        for name, one in pack.courses.items()
        if not any(pack.products[phase.product].is_injection for phase in one.phases)
    }
    slim = replace(protocol, pack=replace(pack, courses=by_tablet, regimens=()))
    daily = replace(EVERY_2_DAYS, often=Decimal(1))
    assert "order-too-often" not in told(decide(record(LOW, draft(held=daily)), slim, TODAY))


@pytest.mark.parametrize(
    ("route", "form", "expected"),
    [
        (Route.IM, Route.ORAL, {"order-form"}),
        (Route.ORAL, Route.INJECTION, {"order-form"}),
        (Route.SUBLINGUAL, Route.ORAL, set()),
        (Route.IM, Route.UNKNOWN, set()),
        (Route.ORAL, Route.UNKNOWN, set()),
        (Route.SC, Route.IM, set()),
    ],
)
def test_a_form_that_does_not_go_with_the_route(
    route: Route, form: Route, expected: set[str]
) -> None:
    held = replace(EVERY_2_DAYS if route.is_injection else DAILY, form=form)
    answer = decided(LOW, draft(route, held))
    assert told(answer) - {"order-too-often"} == expected
    if expected:
        assert ("not to be injected" in sentence(answer, "order-form")) is form.is_oral


@pytest.mark.parametrize(
    ("held", "dose", "missing"),
    [
        (replace(EVERY_2_DAYS, timed=False), "1000", "interval"),
        (replace(EVERY_2_DAYS, timed=False, worded=True), "1000", ""),
        (EVERY_2_DAYS, None, "dose"),
        (replace(EVERY_2_DAYS, worded=True), None, ""),
        (replace(EVERY_2_DAYS, timed=False), None, "dose, interval"),
    ],
)
def test_an_injection_names_dose_and_interval(
    held: Drafted, dose: str | None, missing: str
) -> None:
    """What stands in words is there for whoever signs, and is not asked for."""
    answer = decided(LOW, draft(held=held, dose=dose))
    assert told(answer) == ({"order-incomplete"} if missing else set())
    if missing:
        assert f"does not say: {missing}." in sentence(answer, "order-incomplete")


def test_an_allergy_that_nobody_confirmed_is_cleared_first() -> None:
    answer = decided(LOW, allergy(Truth.UNKNOWN), draft())
    assert told(answer) == {"order-allergy-unclear"}
    assert "before dose 1" in sentence(answer, "order-allergy-unclear")
    assert told(decided(LOW, allergy(Truth.NO), draft())) == set()


def test_a_confirmed_allergy_forbids_the_draft() -> None:
    answer = decided(LOW, allergy(Truth.YES), replace(allergy(Truth.UNKNOWN)), draft())
    assert told(answer) == {"order-allergy"}


def test_leber_disease_leaves_hydroxocobalamin() -> None:
    assert told(decided(LOW, concept("leber_optic_atrophy"), draft())) == {"order-leber"}


DOUBLED = [
    # what runs, the draft, is it doubled?
    (running(), draft(), True),
    (running(), by_mouth(), True),
    (tablets("1000"), by_mouth(), True),
    # tablets of the drugstore below the amount that counts are a multivitamin
    (tablets("5"), by_mouth(), False),
    (running(), draft(held=replace(EVERY_2_DAYS, replaces=("MedicationRequest/old",))), False),
    (running(until=on(days_ago(1))), draft(), False),
    (running(until=on(TODAY)), draft(), True),
    # the draft begins when the running one is over
    (running(until=on(date(2026, 12, 1))), draft(start=date(2026, 12, 2)), False),
    (running(until=on(date(2026, 12, 1))), draft(start=date(2026, 12, 1)), True),
    (running(until=on(date(2026, 12, 1))), draft(start=None), True),
]


@pytest.mark.parametrize(("other", "given", "doubled"), DOUBLED)
def test_b12_that_runs_already_is_not_ordered_again(
    other: B12Dose, given: B12Dose, doubled: bool
) -> None:
    answer = decided(other, given)
    assert told(answer) == ({"order-duplicate"} if doubled else set())
    if doubled:
        assert other.reference in sentence(answer, "order-duplicate")
        assert "R-197" in rules(answer)


def test_injections_in_the_place_of_tablets_double_nothing() -> None:
    """R-95: the plan itself proposes injections beside the tablets that run."""
    facts = (LOW, PERNICIOUS, running(Route.ORAL))
    before = replace(facts[2], when=on(days_ago(1)))
    answer = decided(LOW, PERNICIOUS, before, draft())
    assert answer.intent.kind == "treat"
    assert told(answer) == set()
    assert "order-duplicate" in told(
        decided(LOW, PERNICIOUS, before, draft(Route.SUBLINGUAL, DAILY))
    )


MONTHLY = Drafted(Route.INJECTION, Decimal(1) / 30, timed=True)
TWO = [
    # first draft, second draft, are they two of one?
    (draft(), draft(name="d2"), True),
    (draft(), by_mouth(name="d2"), True),
    (draft(start=None), draft(name="d2"), True),
    # seven doses every 2 days end on the 13th day, 3 December
    (draft(), draft(name="d2", held=MONTHLY, start=date(2026, 12, 4)), False),
    (draft(), draft(name="d2", held=MONTHLY, start=date(2026, 12, 3)), True),
    (draft(name="d1", held=MONTHLY, start=date(2026, 12, 4)), draft(name="d2"), False),
    (draft(until=on(date(2026, 12, 3))), draft(name="d2", start=date(2026, 12, 4)), False),
    # without a number of doses nobody knows when it ends
    (draft(held=replace(EVERY_2_DAYS, count=None)), draft(name="d2", start=date(2027, 1, 1)), True),
    (draft(held=replace(EVERY_2_DAYS, often=None)), draft(name="d2", start=date(2027, 1, 1)), True),
    (draft(), draft(name="d2", combined=True), False),
]


@pytest.mark.parametrize(("first", "second", "doubled"), TWO)
def test_two_drafts_at_once(first: B12Dose, second: B12Dose, doubled: bool) -> None:
    answer = decided(LOW, first, second)
    assert ("order-duplicate" in told(answer)) is doubled
    if doubled:
        assert "order-duplicate" in told(answer, second.reference)


SOON = [
    # days since the last injection, the draft, does it come too soon?
    (0, draft(), True),
    (1, draft(), False),
    (20, draft(held=MONTHLY), True),
    (21, draft(held=MONTHLY), False),
    (3, draft(held=replace(MONTHLY, often=Decimal(1) / 7)), True),
    (4, draft(held=replace(MONTHLY, often=Decimal(1) / 7)), False),
    # without an interval the narrowest gap holds
    (0, draft(held=replace(MONTHLY, often=None)), True),
    (1, draft(held=replace(MONTHLY, often=None)), False),
    (10, draft(held=MONTHLY, start=None), True),
    # a start in the past is today; one in the future counts from there
    (10, draft(held=MONTHLY, start=days_ago(30)), True),
    (10, draft(held=MONTHLY, start=date(2026, 12, 2)), False),
    (0, by_mouth(), False),
]


@pytest.mark.parametrize(("ago", "given", "soon"), SOON)
def test_a_dose_within_the_interval_of_the_last_one(ago: int, given: B12Dose, soon: bool) -> None:
    """Least gaps of section 12: 1 day, 4 days, 21 days."""
    answer = decided(LOW, injection(ago), injection(300), given)
    assert ("order-too-soon" in told(answer)) is soon
    if soon:
        text = sentence(answer, "order-too-soon")
        assert days_ago(ago).isoformat() in text
        assert "R-130" in rules(answer)


def test_what_was_perhaps_given_is_no_last_dose() -> None:
    answer = decided(LOW, injection(0, given=Truth.UNKNOWN), draft())
    assert "order-too-soon" not in told(answer)


TABLET_REFUSED = [
    # the record, the rule against tablets alone
    ((LOW, PERNICIOUS), "R-95"),
    ((NORMAL, PERNICIOUS), "R-95"),
    ((LOW, TINGLING), "R-95"),
    ((BETWEEN, TINGLING), "R-95"),
    ((LOW, COELIAC), "R-84"),
    ((LOW, concept("oral_b12_failed")), "R-85"),
    ((injection(60), PERNICIOUS), "R-95"),
]


@pytest.mark.parametrize(("facts", "rule"), TABLET_REFUSED)
@pytest.mark.parametrize("route", [Route.ORAL, Route.SUBLINGUAL])
def test_tablets_alone_where_injections_are_needed(
    facts: tuple[object, ...], rule: str, route: Route
) -> None:
    """Said also while the plan proposes injections: the draft is what will be signed."""
    answer = decided(*facts, draft(route, DAILY))
    assert told(answer) - {"order-duplicate"} == {"order-oral"}
    (remark,) = [one for one in answer.cautions if one.id == "order-oral"]
    assert remark.rule == rule
    assert "consider injections" in remark.text


@pytest.mark.parametrize(
    "facts", [(LOW,), (BETWEEN,), (NORMAL,), (NORMAL, TINGLING), (NORMAL, COELIAC)]
)
def test_tablets_where_nothing_speaks_against_them(facts: tuple[Concept, ...]) -> None:
    assert told(decided(*facts, by_mouth())) == set()


def test_tablets_beside_an_injection_are_not_the_sole_route() -> None:
    answer = decided(LOW, PERNICIOUS, by_mouth(), draft(name="d2"))
    assert told(answer) == {"order-duplicate"}


FOLIC = DraftedDrug("folic_acid", "MedicationRequest/f1", "folic acid 5 mg", Decimal(5))
ALONE = [
    # the record, is folic acid alone warned of, by which rule?
    ((LOW,), "R-169"),
    ((BETWEEN,), "R-169"),
    ((), "R-169"),
    ((LOW, lab(A.FOLATE, "4")), "R-178"),
    ((NORMAL,), ""),
    ((LOW, draft()), ""),
    ((LOW, by_mouth()), ""),
    ((LOW, draft(combined=True)), "R-169"),
    ((running(),), ""),
    ((injection(10),), ""),
]


@pytest.mark.parametrize(("facts", "rule"), ALONE)
def test_folic_acid_without_b12(facts: tuple[object, ...], rule: str) -> None:
    answer = decided(*facts, FOLIC)
    remarks = [one for one in answer.cautions if one.id == "order-folic-acid"]
    assert [one.rule for one in remarks] == ([rule] if rule else [])
    assert all(one.about == "MedicationRequest/f1" for one in remarks)


@pytest.mark.parametrize(
    ("daily", "warned"), [(None, True), ("5", True), ("0.11", True), ("0.1", False)]
)
def test_how_much_folic_acid_hides_a_deficiency(daily: str | None, warned: bool) -> None:
    """R-169: above 0.1 mg a day; 0.1 itself does not."""
    drug = replace(FOLIC, daily_mg=Decimal(daily) if daily else None)
    assert ("order-folic-acid" in told(decided(LOW, drug), "MedicationRequest/f1")) is warned


def test_other_drafts_are_nobodys_business() -> None:
    metformin = DraftedDrug("metformin", "MedicationRequest/m1", "metformin", Decimal(1000))
    assert told(decided(LOW, metformin), "MedicationRequest/m1") == set()


@pytest.mark.parametrize(("labs", "warned"), [((), False), ((LOW,), True), ((BETWEEN,), True)])
def test_the_folic_acid_of_pregnancy_goes_on(labs: tuple[object, ...], warned: bool) -> None:
    """R-182: only a B12 that is known to be low, or may be, speaks against it alone."""
    answer = decided(*labs, FOLIC, pregnancy=Pregnancy(Truth.YES))
    assert ("order-folic-acid" in told(answer, "MedicationRequest/f1")) is warned


def test_each_draft_is_judged_by_itself() -> None:
    answer = decided(LOW, draft(Route.IV), draft(name="d2", start=date(2027, 1, 1)), FOLIC)
    assert told(answer) == {"order-iv"}
    assert told(answer, "MedicationRequest/d2") == set()
    assert told(answer, "MedicationRequest/f1") == set()


HYDROXO = replace(EVERY_2_DAYS, replaces=("MedicationRequest/old",))
CHANGED = [
    # what the draft replaces, the draft, is it another product?
    (running(), draft(drug="hydroxocobalamin", held=HYDROXO), True),
    (running(), draft(held=HYDROXO), False),
    (running(), draft(drug="", held=HYDROXO), False),
    (running(drug=""), draft(drug="hydroxocobalamin", held=HYDROXO), False),
    (running(Route.ORAL), draft(drug="hydroxocobalamin", held=HYDROXO), False),
]


@pytest.mark.parametrize(("before", "given", "changed"), CHANGED)
def test_another_form_of_b12_in_the_place_of_the_one_on_order(
    before: B12Dose, given: B12Dose, changed: bool
) -> None:
    answer = decided(before, given)
    assert told(answer) - {"order-incomplete"} == ({"order-changed"} if changed else set())
    if changed:
        text = sentence(answer, "order-changed")
        assert "hydroxocobalamin comes in the place of cyanocobalamin" in text
        assert "MedicationRequest/old" in text
        assert "R-104" in rules(answer)


def test_leber_disease_asks_for_the_change() -> None:
    given = draft(drug="hydroxocobalamin", held=HYDROXO)
    assert told(decided(concept("leber_optic_atrophy"), running(), given)) == set()


@pytest.mark.parametrize(("labs", "warned"), [((LOW,), True), ((BETWEEN,), True), ((), False)])
def test_a_multivitamin_is_too_little_only_for_who_is_known_to_lack_b12(
    labs: tuple[object, ...], warned: bool
) -> None:
    both = draft(Route.ORAL, DAILY, name="f1", dose="5", combined=True)
    answer = decided(*labs, both, FOLIC)
    assert ("order-folic-acid" in told(answer, "MedicationRequest/f1")) is warned


def test_a_weekly_tablet_against_an_untreated_deficiency_is_told_by_its_id() -> None:
    """Once a week by mouth only maintains (R-109, R-117); the id is what cards and profiles use."""
    weekly = replace(DAILY, often=Decimal(1) / 7)
    answer = decided(LOW, draft(Route.ORAL, weekly))
    assert "order-too-rarely" in {one.id for one in answer.cautions}
    daily = decided(LOW, by_mouth())
    assert "order-too-rarely" not in {one.id for one in daily.cautions}
