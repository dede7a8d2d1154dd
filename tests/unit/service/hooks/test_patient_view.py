"""patient-view: who is spoken of, how loudly, and when nothing is said."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from b12fhir.decision.model import Intent
from b12fhir.facts.history import Standing
from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.labs import RefusedLab
from b12fhir.facts.medicines import B12Dose, Route
from b12fhir.facts.patient import Patient, Sex
from b12fhir.kernel.dates import on
from b12fhir.kernel.truth import Truth
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Hook, Indicator, Role
from b12fhir.service.hooks.picture import summary
from tests.support.cards import call, card, cards, rows
from tests.support.facts import (
    WOMAN,
    allergy,
    concept,
    days_ago,
    injection,
    lab,
    tablets,
)
from tests.support.proposals import proposed

LOW = lab(A.B12_TOTAL, 95)
NUMB = concept("paresthesia")
BOY = Patient("Patient/p1", Sex.MALE, on(date(2018, 5, 1)))


def order(route: Route = Route.IM, **more) -> B12Dose:
    """An active order of an EHR: 1000 microgram of cyanocobalamin, all of it stated."""
    plain = B12Dose(
        "MedicationRequest/o1",
        route,
        Truth.NO,
        "Cyanocobalamin 1000 microgram/mL injection",
        drug="cyanocobalamin",
        dose_ug=1000,
        daily_ug=None,
        when=on(days_ago(90)),
        ordered=True,
        active=True,
        order="active",
        concentration=1000,
    )
    return replace(plain, **more)


def test_an_untreated_deficiency_is_a_warning_with_number_and_action() -> None:
    found = card(proposed(LOW))
    assert found.indicator is Indicator.WARNING
    assert found.summary == (
        "B12 95 ng/L (18 Nov 2026), deficiency: consider cyanocobalamin 1000 microgram oral once a"
        " day"
    )
    assert (found.key, found.rule, found.topic) == ("finding", "R-28", "deficiency")


def test_nerves_make_it_critical_and_today() -> None:
    found = card(proposed(LOW, NUMB))
    assert found.indicator is Indicator.CRITICAL
    assert found.summary.endswith("IM every 2 days, from today")
    assert "nerve signs" in found.summary


def test_severe_anaemia_alone_is_urgent_and_not_critical() -> None:
    """Critical is kept for nerves and forbidden orders: else nobody reads it any more."""
    found = card(proposed(LOW, lab(A.HEMOGLOBIN, 70)))
    assert found.indicator is Indicator.WARNING
    assert "Hb 70 g/L" in found.summary
    assert found.summary.endswith("from today")


def test_the_detail_says_why_with_value_day_limit_and_rule() -> None:
    told = rows(card(proposed(LOW)))
    assert "Total vitamin B12 95 ng/L, 18 Nov 2026: 95 ng/L, limits 180 and 350" in told["Why"]
    assert "(R-28)" in told["Why"]
    assert list(told) == ["Why", "Plan", "Checked", "Missing", "Basis"]
    assert "B12 given or ordered: none on record" in told["Checked"]
    assert "Only the first phase is drafted here." in told["Plan"]


def test_a_middle_band_is_information_and_names_the_test() -> None:
    found = card(proposed(lab(A.B12_TOTAL, 250)))
    assert found.indicator is Indicator.INFO
    assert found.overrides == ()
    assert found.summary == (
        "B12 250 ng/L (18 Nov 2026) is indeterminate: consider methylmalonic acid in serum (MMA)"
    )


def test_between_the_two_cut_offs_of_mma_the_day_of_the_recheck_is_named() -> None:
    """R-39: 65 or older, MMA above 400 and not above 460: both again after 3 months."""
    old = Patient("Patient/p1", Sex.FEMALE, on(date(1950, 1, 1)))
    found = card(proposed(lab(A.B12_TOTAL, 250), lab(A.MMA, 430), lab(A.EGFR, 90), patient=old))
    assert found.rule == "R-39"
    assert "again on 21 Feb 2027" in found.summary
    assert [one.description for one in found.suggestions[0].actions] == [
        "Draft order: Total vitamin B12",
        "Draft order: Methylmalonic acid in serum (MMA)",
    ]


def test_a_normal_result_silences_it() -> None:
    assert cards(proposed(lab(A.B12_TOTAL, 500))) == ()
    assert cards(proposed(lab(A.B12_TOTAL, 95, ago=40), lab(A.B12_TOTAL, 500, ago=3))) == ()


def test_a_comparator_across_a_limit_is_told_as_it_is() -> None:
    """R-27: "< 220" lies in two bands; nobody may read 220 ng/L."""
    found = card(proposed(lab(A.B12_TOTAL, "< 220")))
    assert found.summary.startswith("B12 < 220 ng/L (18 Nov 2026) is indeterminate")
    assert "&lt; 220 ng/L" in found.detail


def fault(code: str = "unit-missing", *, faulty: bool = True) -> RefusedLab:
    return RefusedLab(A.B12_TOTAL, "Observation/f1", code, faulty, on(days_ago(2)))


def test_a_result_that_cannot_be_used_is_never_passed_over() -> None:
    found = card(proposed(refused=(fault(),)))
    assert (found.key, found.rule, found.indicator) == ("data", "R-23", Indicator.INFO)
    assert found.summary.startswith("B12 cannot be decided")
    assert card(proposed(NUMB, refused=(fault(),))).indicator is Indicator.WARNING


def test_a_newer_faulty_result_beside_a_normal_one_is_told() -> None:
    found = card(proposed(lab(A.B12_TOTAL, 500, ago=30), refused=(fault(),)))
    assert found.key == "data"


@pytest.mark.parametrize(
    ("code", "said"),
    [("no-result", True), ("status-not-final", True), ("withdrawn", False), ("superseded", False)],
)
def test_a_result_without_value_is_told_and_a_withdrawn_one_is_no_news(code, said) -> None:
    told = cards(proposed(refused=(fault(code, faulty=False),)))
    assert bool(told) is said
    if said:
        assert "the result has no value; consider total vitamin B12" in told[0].summary


def test_a_preliminary_result_is_waited_for() -> None:
    found = card(proposed(lab(A.B12_TOTAL, 95, pending=True)))
    assert found.summary.startswith("B12 cannot be decided: the result is preliminary")


def test_no_result_speaks_only_with_nerves() -> None:
    assert cards(proposed()) == ()
    found = card(proposed(NUMB))
    assert found.indicator is Indicator.WARNING
    assert found.summary == (
        "Nerve signs and no usable B12 result: consider total vitamin B12 and complete blood count"
        " (CBC), today"
    )


def test_old_nerve_signs_without_a_result_can_wait_for_the_week() -> None:
    """Ruling 28: long known, so soon and not today."""
    found = card(proposed(concept("paresthesia", ago=800)))
    assert not found.summary.endswith("today")


def test_nerves_with_a_normal_b12_ask_for_the_missing_tests() -> None:
    found = card(proposed(lab(A.B12_TOTAL, 500), NUMB))
    assert (found.rule, found.indicator) == ("R-49", Indicator.INFO)
    assert "is not low, nerve signs: consider methylmalonic acid in serum (MMA)" in found.summary


def test_the_dead_are_left_in_peace() -> None:
    dead = replace(WOMAN, deceased=True)
    assert cards(proposed(LOW, NUMB, patient=dead), unchecked=("Conditions",)) == ()


@pytest.mark.parametrize("hook", Hook)
def test_no_hook_speaks_of_the_dead(hook) -> None:
    dead = replace(WOMAN, deceased=True)
    assert cards(proposed(LOW, NUMB, patient=dead), call(hook), unchecked=("Conditions",)) == ()


def test_a_product_that_leber_disease_forbids_is_stopped_after_it_was_given() -> None:
    """R-165: nothing is on order any more, and what was given may still harm."""
    leber = concept("leber_optic_atrophy", ago=400)
    found = card(proposed(LOW, leber, injection(5, drug="cyanocobalamin")))
    assert (found.rule, found.suggestions) == ("R-165", ())
    assert "specialist advice today; Leber disease forbids cyanocobalamin" in found.summary


def test_the_shortest_summary_keeps_number_and_action() -> None:
    matter = Matter(proposed(LOW), call())
    long = f", {'very ' * 30}low"
    assert summary(matter, long, "a test", lead="Lead: ") == "B12 95 ng/L: consider a test"
    assert summary(Matter(proposed(), call()), "", "a test") == "Vitamin B12: consider a test"


def test_a_decision_without_test_or_regimen_is_still_told() -> None:
    """A pack may have no row for a cause (section 27), and everything may be measured."""
    plain = proposed(LOW)
    intent = Intent("treat", "oral")
    bare = replace(
        plain,
        decision=plain.decision._replace(intent=intent),
        plan=replace(plain.plan, phases=(), monitoring=()),
    )
    found = card(bare)
    assert found.summary.endswith("deficiency: consider a clinical decision")
    assert found.suggestions == ()


@pytest.mark.parametrize("change", [{"active": False}, {"replaced": True}])
def test_a_closed_record_gets_no_order(change) -> None:
    found = card(proposed(LOW, patient=replace(WOMAN, **change)))
    assert found.suggestions == ()
    assert "inactive or merged: consider assessing the record that replaced it" in found.summary
    assert cards(proposed(lab(A.B12_TOTAL, 500), patient=replace(WOMAN, **change))) == ()


def test_under_16_is_referred_and_not_treated() -> None:
    found = card(proposed(LOW, patient=BOY))
    assert found.suggestions == ()
    assert found.rule == "R-175"
    assert "specialist referral today; under 16" in found.summary
    assert cards(proposed(lab(A.B12_TOTAL, 500), patient=BOY)) == ()


def test_without_a_date_of_birth_no_regimen_is_named() -> None:
    found = card(proposed(LOW, patient=replace(WOMAN, birth=None)))
    assert "consider recording the date of birth" in found.summary
    assert not any(
        action.resource["resourceType"] == "MedicationRequest"
        for one in found.suggestions
        for action in one.actions
    )


def test_an_allergy_stops_every_product() -> None:
    found = card(proposed(LOW, NUMB, allergy(Truth.YES)))
    assert (found.rule, found.suggestions) == ("R-163", ())
    assert found.indicator is Indicator.CRITICAL
    assert "every B12 product is forbidden" in found.summary
    assert "hydroxocobalamin" in rows(found)["Checked"]


def test_severe_anaemia_with_low_potassium_goes_to_hospital() -> None:
    found = card(proposed(LOW, lab(A.HEMOGLOBIN, 60), lab(A.POTASSIUM, "2.9", ago=0)))
    assert (found.rule, found.suggestions) == ("R-167", ())
    assert "hospital today" in found.summary


def test_an_inborn_defect_is_a_specialists() -> None:
    found = card(proposed(LOW, concept("congenital_if_deficiency")))
    assert found.rule == "R-76"
    assert "a specialist" in found.summary


def test_what_is_treated_in_order_is_silent() -> None:
    """No card that says "start B12" beside an order or a dose within its interval."""
    assert cards(proposed(LOW, order(when=on(days_ago(2))))) == ()
    assert cards(proposed(LOW, injection(20))) == ()
    assert cards(proposed(LOW, tablets("1000"))) == ()


def test_nerves_and_an_order_without_any_dose_ask_for_the_first_one() -> None:
    found = card(proposed(LOW, NUMB, order()))
    assert (found.rule, found.indicator) == ("R-61", Indicator.WARNING)
    assert "no dose on record: consider giving the first dose today" in found.summary
    assert found.suggestions == ()


def test_signs_from_before_the_first_dose_do_not_alarm_anew() -> None:
    """Nerves recover over months: the same sign on record is no news under treatment."""
    numb = concept("paresthesia", ago=60)
    before = lab(A.B12_TOTAL, 95, ago=50)
    assert cards(proposed(before, numb, injection(40), injection(20))) == ()


@pytest.mark.parametrize(
    "sign", [concept("paresthesia", ago=5), concept("paresthesia", ago=60, worse=True)]
)
def test_new_or_worse_nerves_under_treatment_are_critical(sign) -> None:
    before = lab(A.B12_TOTAL, 95, ago=50)
    found = card(proposed(before, sign, injection(40), injection(20)))
    assert found.indicator is Indicator.CRITICAL
    assert "under B12 treatment: consider reviewing it today" in found.summary


def test_potassium_that_falls_after_the_first_dose_is_told() -> None:
    """R-61, R-166: the first 48 hours."""
    found = card(proposed(lab(A.B12_TOTAL, 95, ago=5), injection(1), lab(A.POTASSIUM, 3, ago=0)))
    assert found.indicator is Indicator.WARNING
    assert "under B12 treatment" in found.summary


def test_a_count_from_before_the_first_dose_is_no_news_and_one_after_it_is() -> None:
    before = lab(A.B12_TOTAL, 95, ago=50)
    old, new = lab(A.HEMOGLOBIN, 70, ago=50), lab(A.HEMOGLOBIN, 70, ago=2)
    assert cards(proposed(before, old, injection(40), injection(20))) == ()
    assert card(proposed(before, new, injection(40), injection(20))).rule == "R-61"


def test_a_forbidden_order_on_record_goes_before_everything() -> None:
    found = card(proposed(LOW, order(Route.IV)))
    assert (found.indicator, found.rule, found.topic) == (Indicator.CRITICAL, "R-93", "order")
    assert found.summary.startswith("B12 order on record: intravenous vitamin B12 is refused")


def test_an_order_that_an_allergy_forbids_is_critical() -> None:
    found = card(proposed(LOW, order(), allergy(Truth.YES)))
    assert (found.indicator, found.rule) == (Indicator.CRITICAL, "R-163")


def test_prevention_is_information() -> None:
    found = card(proposed(lab(A.B12_TOTAL, 500), concept("gastrectomy_total", ago=900)))
    assert (found.indicator, found.rule) == (Indicator.INFO, "R-114")
    assert "consider prevention, cyanocobalamin 1000 microgram IM once a month" in found.summary


def test_who_reads_decides_about_the_words() -> None:
    told = {role: card(proposed(LOW, NUMB), call(role=role)) for role in Role}
    assert "consider cyanocobalamin" in told[Role.PRESCRIBER].summary
    # Whoever may not sign cannot make anything of a draft; that a Practitioner may is most likely.
    labels = [one.label for one in told[Role.PRESCRIBER].suggestions]
    assert labels == [one.label for one in told[Role.UNKNOWN].suggestions] != []
    for role in (Role.NURSE, Role.PHARMACIST):
        assert "ask the prescriber about cyanocobalamin" in told[role].summary
        assert told[role].suggestions == ()
        assert "drafted here" not in rows(told[role])["Plan"]


def test_a_patient_reads_plain_words_and_gets_no_order() -> None:
    found = card(proposed(LOW, NUMB), call(role=Role.PATIENT, user="Patient/p1"))
    assert found.summary == (
        "Your vitamin B12 result (95 ng/L, 18 Nov 2026): please talk to your care team today"
    )
    assert found.indicator is Indicator.WARNING
    assert "call an emergency service" in rows(found)["Get help at once"]
    assert "Paresthesia" not in found.detail


def test_a_patient_with_a_fault_is_told_without_number() -> None:
    found = card(proposed(refused=(fault(),)), call(role=Role.PATIENT, user="Patient/p1"))
    assert (
        found.summary == "Your vitamin B12 result: please talk to your care team at your next visit"
    )
    assert found.indicator is Indicator.INFO


def test_what_could_not_be_read_is_said_where_nothing_else_is() -> None:
    found = card(proposed(lab(A.B12_TOTAL, 500)), unchecked=("Allergies: 403 Forbidden",))
    assert (found.key, found.indicator) == ("unchecked", Indicator.INFO)
    assert "one part of the data could not be read" in found.summary
    assert "NOT CHECKED: Allergies: 403 Forbidden." in rows(found)["Missing"]
    assert rows(found)["Checked"].startswith("As far as it could be read: ")


def test_what_could_not_be_read_is_said_on_every_other_card_too() -> None:
    found = card(proposed(LOW), unchecked=("Allergies", "Procedures"))
    assert found.key == "finding"
    assert rows(found)["Missing"].startswith("NOT CHECKED: Allergies. NOT CHECKED: Procedures.")


def test_a_long_conversion_is_shown_as_it_was_recorded() -> None:
    """Haemoglobin in mmol/L is converted exactly, and the amount in g/L may have no end."""
    judged = lab(A.HEMOGLOBIN, 76)
    endless = judged.amount._replace(value=Decimal(229) / 3)
    sent = judged._replace(amount=endless, recorded_value="4.74", recorded_unit="mmol/L")
    assert "Hb 4.74 mmol/L" in card(proposed(LOW, sent)).summary


def test_an_unconfirmed_sign_is_no_nerve_sign() -> None:
    doubtful = concept("paresthesia", standing=Standing.UNCONFIRMED)
    assert card(proposed(LOW, doubtful)).indicator is Indicator.WARNING


def test_a_low_result_after_an_order_without_a_dose_asks_whether_it_was_given() -> None:
    """Ruling 26: such an order explains nothing. The order of 90 days ago is before the sample."""
    found = card(proposed(LOW, order()))
    assert found.summary == (
        "B12 95 ng/L (18 Nov 2026), B12 is on order and no dose on record: "
        "consider asking whether it was given"
    )
    assert (found.indicator, found.rule, found.suggestions) == (Indicator.INFO, "R-21", ())


@pytest.mark.parametrize(
    "beside",
    [
        [LOW, order(when=on(days_ago(1)))],  # ordered after the sample: the answer to it
        [LOW, order(), injection(ago=30)],  # given: the number tells nothing
        [lab(A.B12_TOTAL, 400), order()],  # not low
    ],
)
def test_an_order_that_explains_itself_asks_nothing(beside) -> None:
    assert cards(proposed(*beside)) == ()
