"""What speaks for a plan: the assessment, its cautions, its goals, its supply, and its sign-off.

Goals are composed with the pack that ships: their limits and days are those of the protocol.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from b12fhir.decision.model import Classification, Intent, Urgency
from b12fhir.facts.labs import Analyte
from b12fhir.facts.patient import Patient, Pregnancy, Sex
from b12fhir.fhir.compose import compose
from b12fhir.fhir.compose.dispense import dispense_request
from b12fhir.fhir.validate import structure, validate
from b12fhir.kernel.dates import on
from b12fhir.kernel.evidence import Finding, Input, Remark
from b12fhir.kernel.truth import Truth
from b12fhir.plan.model import Monitor
from b12fhir.protocol.model import Span
from b12fhir.protocol.model import Test as LabTest
from tests.support.builders import (
    D0,
    MONITORING,
    SITE,
    TABLET,
    build_decision,
    build_facts,
    build_maintenance,
    build_oral,
    build_phase,
    build_plan,
    build_protocol,
)
from tests.support.facts import MAN, WOMAN, concept, lab
from tests.support.proposals import proposed

BASE = "https://b12fhir.example/fhir"


def parts(kind, *, site=SITE, plan=None, protocol=None, **changes):
    bundle = compose(
        build_facts(),
        build_decision(**changes),
        plan or build_plan(),
        protocol or build_protocol(),
        site,
    )
    assert bundle is not None
    assert validate(bundle) == []
    return [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind]


def one(kind, **args):
    (found,) = parts(kind, **args)
    return found


# --- RiskAssessment ---------------------------------------------------------------------------


def test_the_assessment_says_what_was_decided_how_and_on_what():
    found = one("RiskAssessment")
    assert found["status"] == "preliminary"
    assert found["occurrenceDateTime"] == "2026-11-21"
    assert found["method"] == {
        "coding": [
            {"system": f"{BASE}/CodeSystem/method", "code": "b12-rules", "version": "1.0.0"}
        ],
        "text": "Rules of protocol pack seed-default version 1.0.0",
    }
    assert found["code"]["coding"][0]["code"] == "b12-deficiency"
    # Every record the decision looked at, also those that speak against it.
    assert [link["reference"] for link in found["basis"]] == [
        "Condition/pa",
        "Condition/refuted",
        "Condition/tingling",
        "Observation/b12-1",
    ]
    (prediction,) = found["prediction"]
    assert prediction["outcome"]["coding"] == [
        {"system": f"{BASE}/CodeSystem/classification", "code": "confirmed"}
    ]
    assert prediction["outcome"]["text"].startswith("Vitamin B12 deficiency: confirmed; severity")
    assert prediction["rationale"] == (
        "Total B12 below the limit (R-28): 120 ng/L on 2026-11-10. "
        "Neurological sign (R-50): Paresthesia on 2026-11-01; new since 2026-11-01."
    )


@pytest.mark.parametrize(
    ("name", "likely"),
    [
        ("CONFIRMED", "certain"),
        ("INDETERMINATE_CONFIRMED", "certain"),
        ("FUNCTIONAL", "certain"),
        ("INDETERMINATE", "moderate"),
        ("UNLIKELY", "low"),
        # The record cannot tell: no likelihood is better than a made-up one.
        ("NO_DATA", None),
        ("DATA_QUALITY", None),
        ("ON_TREATMENT", None),
    ],
)
def test_the_likelihood_follows_the_class(name, likely):
    found = one("RiskAssessment", classification=Classification[name])
    risk = found["prediction"][0].get("qualitativeRisk")
    assert risk == (likely and {"coding": [{"system": RISK, "code": likely}]})


RISK = "http://terminology.hl7.org/CodeSystem/risk-probability"


def test_an_assessment_without_reasons_says_so():
    found = one("RiskAssessment", findings=(), causes=())
    assert found["prediction"][0]["rationale"] == "No rule spoke."
    assert "basis" not in found


def test_what_xml_and_fhir_cannot_carry_is_replaced_in_the_reasons():
    odd = Finding("R-28", Truth.YES, (Input("Observation/1", "12\x000\ud800"),))
    found = one("RiskAssessment", findings=(odd,))
    assert "12\ufffd0\ufffd" in found["prediction"][0]["rationale"]


# --- DetectedIssue ----------------------------------------------------------------------------


def issue(remark, *, plan=None, protocol=None, **changes):
    given = {"cautions": (remark,), "contraindications": ()} | changes
    return one("DetectedIssue", plan=plan, protocol=protocol, **given)


def test_a_caution_names_its_rule_its_records_and_the_drugs_it_is_about():
    pill, folate, stroke = (
        Input("MedicationStatement/folic", "folic acid"),
        Input("Observation/folate-1", "5", "nmol/L"),
        Input("Condition/refuted", "Stroke"),
    )
    found = issue(
        Remark("folic-acid", "Folic acid is taken.", "R-169"),
        findings=(
            Finding("R-169", Truth.YES, (pill,)),
            Finding("R-169", Truth.UNKNOWN, (folate, Input("#contained", "x"))),
            # A rule found not to hold rests on nothing of this patient.
            Finding("R-169", Truth.NO, (stroke,)),
            Finding("R-28", Truth.YES, (Input("Observation/b12-1", "120"),)),
        ),
    )
    assert found["implicated"] == [{"reference": "MedicationStatement/folic"}]
    assert found["evidence"] == [{"detail": [{"reference": "Observation/folate-1"}]}]
    assert found["code"] == {
        "coding": [{"system": f"{BASE}/CodeSystem/issue", "code": "folic-acid"}],
        "text": "Folic acid",
    }
    assert found["detail"] == "Folic acid is taken. (R-169)"
    assert found["identifiedDateTime"] == "2026-11-21"
    assert found["patient"] == {"reference": "Patient/p1"}
    assert found["identifier"][0]["value"].endswith(":e1:r1:folic-acid")
    assert (found["status"], found["severity"]) == ("preliminary", "high")
    assert "mitigation" not in found


def test_a_rule_that_found_a_cause_lends_its_records():
    found = issue(Remark("specialist", "A specialist's task.", "R-70"), findings=())
    assert found["evidence"] == [{"detail": [{"reference": "Condition/pa"}]}]


def test_a_caution_without_records_has_no_evidence_and_the_title_of_its_rule():
    found = issue(Remark("iron-low", "Iron is low.", "R-50"), findings=())
    assert not {"evidence", "implicated", "mitigation"} & found.keys()
    assert (found["code"]["text"], found["severity"]) == ("Neurological sign", "moderate")


@pytest.mark.parametrize(
    ("phases", "action"),
    [
        ((), "This plan proposes no vitamin B12 product."),
        (
            (build_phase(), build_maintenance(), build_oral()),
            (
                "This plan proposes no product but hydroxocobalamin 1000 microgram/mL solution for"
                " injection and cyanocobalamin 1000 microgram tablet."
            ),
        ),
    ],
)
def test_a_contraindication_says_what_the_plan_does_instead(phases, action):
    remark = Remark("leber", "Leber optic atrophy.", "R-165")
    found = issue(
        remark,
        contraindications=(remark,),
        cautions=(),
        plan=build_plan(kind="treat" if phases else "stop", phases=phases),
    )
    assert found["severity"] == "high"
    assert found["mitigation"] == [{"action": {"text": action}}]
    assert action in found["text"]["div"]


@pytest.mark.parametrize("name", ["potassium-low", "potassium-before-dose-1"])
def test_a_caution_names_the_days_of_the_test_that_watches_for_it(name):
    found = issue(Remark(name, "Potassium may fall.", "R-166"))
    assert found["mitigation"][0]["action"]["text"] == (
        "Potassium is proposed on 2026-11-21, 2026-11-22, 2026-11-23."
    )


def test_a_test_the_plan_does_not_hold_watches_for_nothing():
    plan = build_plan(monitoring=MONITORING[1:])
    found = issue(Remark("potassium-low", "Potassium may fall.", "R-166"), plan=plan)
    assert "mitigation" not in found


def test_two_remarks_of_one_id_are_one_issue():
    """They would have one identity; what forbids weighs more than what warns."""
    remark = Remark("leber", "Blocked.", "R-165")
    again = Remark("leber", "Ask the specialist.", "R-165")
    found = issue(again, contraindications=(remark,))
    assert (found["detail"], found["severity"]) == ("Blocked. (R-165)", "high")


def test_every_medicine_links_every_issue_and_the_plan_links_all_findings():
    bundle = compose(build_facts(), build_decision(), build_plan(), build_protocol(), SITE)
    at = {}
    for entry in bundle["entry"]:
        at.setdefault(entry["resource"]["resourceType"], []).append(entry)
    issues = [{"reference": entry["fullUrl"]} for entry in at["DetectedIssue"]]
    assert [e["resource"]["detectedIssue"] for e in at["MedicationRequest"]] == [issues] * 2
    plan = at["CarePlan"][0]["resource"]
    assert plan["supportingInfo"][:3] == [
        {"reference": at["RiskAssessment"][0]["fullUrl"]},
        *issues,
    ]


# --- Goal -------------------------------------------------------------------------------------

LOW = lab(Analyte.B12_TOTAL, 100)
# Pernicious anaemia: loaded with injections, blood counts on day 28 and 56.
PERNICIOUS = replace(concept("pernicious_anemia"), reference="Condition/pa")


def goals(*facts, patient=WOMAN, **more):
    bundle = proposed(LOW, *facts, patient=patient, **more).bundle()
    assert bundle is not None
    assert validate(bundle) == []
    return [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Goal"]


def aims(found):
    """(LOINC code, side, limit, unit, day) of each goal."""
    for goal in found:
        (target,) = goal["target"]
        ((side, quantity),) = target["detailRange"].items()
        code = target["measure"]["coding"][0]["code"]
        assert quantity["system"] == "http://unitsofmeasure.org"
        yield code, side, quantity["value"], quantity["code"], target["dueDate"]


# WHO 2024: no anaemia from 120 g/L in women, from 130 g/L in men. Day 56 after 2026-11-21 is
# 2027-01-16.
@pytest.mark.parametrize(("patient", "limit"), [(WOMAN, 120), (MAN, 130)])
def test_anaemia_should_be_gone_by_the_last_blood_count(patient, limit):
    found = goals(lab(Analyte.HEMOGLOBIN, 95), PERNICIOUS, patient=patient)
    assert list(aims(found)) == [("718-7", "low", limit, "g/L", "2027-01-16")]
    (goal,) = found
    assert goal["description"]["text"] == f"Haemoglobin at least {limit} g/L by 2027-01-16"
    assert goal["identifier"][0]["value"].endswith(":e1:r1:hemoglobin")
    assert (goal["lifecycleStatus"], goal["startDate"]) == ("proposed", "2026-11-21")
    assert goal["addresses"] == [{"reference": "Condition/pa"}]


def test_the_plan_links_its_goals_and_tells_them():
    bundle = proposed(LOW, lab(Analyte.HEMOGLOBIN, 95), PERNICIOUS).bundle()
    plan = bundle["entry"][1]["resource"]
    (url,) = [e["fullUrl"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Goal"]
    assert plan["goal"] == [{"reference": url}]
    assert "<li>Haemoglobin at least 120 g/L by 2027-01-16</li>" in plan["text"]["div"]


def test_in_pregnancy_the_limit_is_that_of_the_trimester():
    """Week 20 on d0: second trimester, 105 g/L."""
    weeks = {"pregnancy": Pregnancy(Truth.YES, last_period=on(date(2026, 7, 4)))}
    found = goals(lab(Analyte.HEMOGLOBIN, 90), PERNICIOUS, **weeks)
    assert [aim[2] for aim in aims(found)] == [105]


def test_where_the_groups_differ_no_number_is_promised():
    """Sex unknown: 90 g/L is moderate anaemia for both, but normal begins at 120 or at 130."""
    person = Patient("Patient/p1", Sex.UNKNOWN, on(date(1980, 1, 1)))
    assert goals(lab(Analyte.HEMOGLOBIN, 90), PERNICIOUS, patient=person) == []


@pytest.mark.parametrize(("own", "limit"), [("", 100), ("98", 98)])
def test_large_cells_should_shrink_below_the_limit_that_called_them_large(own, limit):
    found = goals(lab(Analyte.MCV, 112, high=own), PERNICIOUS)
    assert list(aims(found)) == [("787-2", "high", limit, "fL", "2027-01-16")]


# cut-off 400 nmol/L from 18 to 64 years, unless the laboratory gives its own.
@pytest.mark.parametrize(("own", "limit"), [("", 400), ("370", 370)])
def test_methylmalonic_acid_should_be_normal_in_week_8(own, limit):
    found = goals(lab(Analyte.MMA, 900, high=own), lab(Analyte.EGFR, 90), PERNICIOUS)
    assert list(aims(found)) == [("13964-2", "high", limit, "nmol/L", "2027-01-16")]


# raised above 14 umol/L.
@pytest.mark.parametrize(("own", "limit"), [("", 14), ("12.5", Decimal("12.5"))])
def test_homocysteine_stands_in_where_methylmalonic_acid_is_not_known(own, limit):
    found = goals(lab(Analyte.HOMOCYSTEINE, 40, high=own), lab(Analyte.EGFR, 90), PERNICIOUS)
    assert list(aims(found)) == [("13965-9", "high", limit, "umol/L", "2027-01-16")]


def test_of_two_raised_metabolites_one_is_the_goal():
    found = goals(
        lab(Analyte.MMA, 900), lab(Analyte.HOMOCYSTEINE, 40), lab(Analyte.EGFR, 90), PERNICIOUS
    )
    assert [aim[0] for aim in aims(found)] == ["13964-2"]


def test_where_the_age_leaves_two_cut_offs_none_is_promised():
    """Born in 1961 or 1962, 64 or 65 on d0: 400 or 460 nmol/L. 900 is raised for both."""
    birth = on(date(1961, 1, 1))._replace(last=date(1962, 12, 31))
    person = Patient("Patient/p1", Sex.FEMALE, birth)
    found = goals(lab(Analyte.MMA, 900), lab(Analyte.EGFR, 90), PERNICIOUS, patient=person)
    assert found == []


def test_what_was_normal_or_not_measured_is_no_goal():
    assert goals(lab(Analyte.HEMOGLOBIN, 140), lab(Analyte.MCV, 90), PERNICIOUS) == []
    assert goals(PERNICIOUS) == []


def test_all_three_together():
    found = goals(
        lab(Analyte.HEMOGLOBIN, 95),
        lab(Analyte.MCV, 112),
        lab(Analyte.MMA, 900),
        lab(Analyte.EGFR, 90),
        PERNICIOUS,
    )
    assert [aim[0] for aim in aims(found)] == ["718-7", "787-2", "13964-2"]
    assert found[0]["target"][0]["measure"]["coding"][0]["display"]


def test_a_plan_that_measures_no_more_promises_nothing():
    """A blood count on d0 alone is a baseline, and shows no success."""
    full = proposed(LOW, lab(Analyte.HEMOGLOBIN, 95), PERNICIOUS)
    for days in ((), (full.plan.start,)):
        monitoring = (Monitor("cbc", days, "R-10"),)
        bundle = replace(full, plan=replace(full.plan, monitoring=monitoring)).bundle()
        assert "Goal" not in {e["resource"]["resourceType"] for e in bundle["entry"]}


def test_prevention_and_tests_have_no_goals():
    full = proposed(LOW, lab(Analyte.HEMOGLOBIN, 95), PERNICIOUS)
    for kind in ("prophylaxis", "confirm", "stop"):
        bundle = replace(full, plan=replace(full.plan, kind=kind)).bundle()
        assert "Goal" not in {e["resource"]["resourceType"] for e in bundle["entry"]}


# --- Task -------------------------------------------------------------------------------------


def test_the_task_asks_for_a_signature_on_the_plan():
    bundle = compose(build_facts(), build_decision(), build_plan(), build_protocol(), SITE)
    task = bundle["entry"][-1]["resource"]
    assert task["focus"] == {"reference": bundle["entry"][1]["fullUrl"]}
    assert task["code"]["coding"][0]["code"] == "approve"
    assert (task["status"], task["intent"]) == ("requested", "proposal")
    assert task["for"] == {"reference": "Patient/p1"}
    assert task["requester"] == {"reference": bundle["entry"][0]["fullUrl"]}
    key = bundle["entry"][1]["resource"]["identifier"][0]["value"]
    assert (task["identifier"][0]["value"], task["groupIdentifier"]["value"]) == (key, key)
    assert task["description"].startswith("Check and sign, or reject with the reason: Vitamin B12")


# same day; R-62: within 7 days; nerves never wait. A routine proposal has the site's time.
@pytest.mark.parametrize(
    ("urgency", "neuro", "due", "priority"),
    [
        (Urgency.URGENT, False, "2026-11-22", "urgent"),
        (Urgency.SOON, True, "2026-11-22", "routine"),
        (Urgency.ROUTINE, True, "2026-11-22", "routine"),
        (Urgency.SOON, False, "2026-11-28", "routine"),
        (Urgency.ROUTINE, False, "2026-12-05", "routine"),
    ],
)
def test_the_signature_is_due_as_soon_as_the_patient_needs_it(urgency, neuro, due, priority):
    task = one("Task", urgency=urgency, neuro=neuro)
    assert task["restriction"]["period"] == {"end": due}
    assert task["priority"] == priority
    plan = one("CarePlan", urgency=urgency, neuro=neuro)
    asked = f"Signature asked of: Responsible clinician, by {due}."
    assert asked in plan["text"]["div"]


def test_a_site_says_how_long_routine_may_wait():
    site = replace(SITE, approve_days=3)
    task = one("Task", site=site, urgency=Urgency.ROUTINE, neuro=False)
    assert task["restriction"]["period"] == {"end": "2026-11-24"}


@pytest.mark.parametrize("name", ["Practitioner/7", "PractitionerRole/7", "CareTeam/haematology"])
def test_a_site_names_an_owner(name):
    task = one("Task", site=replace(SITE, approver=name))
    assert task["owner"] == {"reference": name}
    assert "performerType" not in task
    assert "Signature asked of: the owner of the task" in task["text"]["div"]


# Patients and devices sign nothing; words are words.
@pytest.mark.parametrize("name", ["Haematology, ward 3", "Patient/7", "Device/7", "Practitioner/"])
def test_everything_else_is_a_kind_of_person_in_words(name):
    task = one("Task", site=replace(SITE, approver=name))
    assert task["performerType"] == [{"text": name}]
    assert "owner" not in task


# --- supply -----------------------------------------------------------------------------------


def supply(phase):
    found = dispense_request(phase)
    (medicine,) = parts("MedicationRequest", plan=build_plan(phases=(phase,), monitoring=()))
    assert medicine["dispenseRequest"] == found
    return found


def test_a_counted_load_is_supplied_whole():
    """7 doses every other day last 14 days."""
    assert supply(build_phase()) == {
        "validityPeriod": {"start": "2026-11-21"},
        "numberOfRepeatsAllowed": 0,
        "quantity": {"value": 7, "unit": "dose of 1 mL"},
        "expectedSupplyDuration": {
            "value": 14,
            "unit": "day",
            "system": "http://unitsofmeasure.org",
            "code": "d",
        },
    }


def test_a_timed_course_of_tablets_is_counted_in_tablets():
    """2026-11-21 to 2027-02-12 are 84 days, one tablet of 1000 a day."""
    found = supply(build_oral())
    assert found["validityPeriod"] == {"start": "2026-11-21", "end": "2027-02-12"}
    assert found["quantity"] == {"value": 84, "unit": "tablet"}
    assert found["expectedSupplyDuration"]["value"] == 84


def test_two_tablets_a_dose_are_twice_the_tablets():
    assert supply(build_oral(dose=Decimal(2000)))["quantity"]["value"] == 168


def test_a_weekly_tablet_is_counted_by_the_week():
    """84 days hold 12 weeks."""
    assert supply(build_oral(interval=Span(1, "wk")))["quantity"]["value"] == 12


def test_a_dose_on_the_first_day_of_a_broken_interval_counts():
    """15 days, every 2 days: days 0, 2, ... 14 are 8 doses."""
    found = supply(build_oral(interval=Span(2, "d"), end=date(2026, 12, 6)))
    assert (found["quantity"]["value"], found["expectedSupplyDuration"]["value"]) == (8, 15)


def test_an_open_maintenance_is_supplied_dose_by_dose():
    """How often it may be repeated is the prescriber's to say."""
    found = supply(build_maintenance())
    assert found["quantity"] == {"value": 1, "unit": "dose of 1 mL"}
    assert found["expectedSupplyDuration"]["code"] == "mo"
    assert "numberOfRepeatsAllowed" not in found


def test_a_range_is_supplied_for_its_shorter_end():
    """Every 2 to 3 months: one dose lasts at least two."""
    found = supply(build_maintenance(interval=Span(2, "mo", 3)))
    assert found["expectedSupplyDuration"]["value"] == 2


def test_three_a_week_last_whole_weeks():
    """6 doses at three a week: 2 weeks. 7 doses end within a week: no length is told."""
    weekly = {"interval": Span(1, "wk"), "days": (0, 2, 4)}
    assert supply(build_phase(count=6, **weekly))["expectedSupplyDuration"]["value"] == 2
    assert "expectedSupplyDuration" not in supply(build_phase(count=7, **weekly))


@pytest.mark.parametrize(
    "phase",
    [
        # Half a tablet, a range, months, several days of a week, a lifelong daily tablet.
        build_oral(dose=Decimal(500)),
        build_oral(interval=Span(1, "d", 2)),
        build_oral(interval=Span(1, "mo")),
        build_oral(interval=Span(1, "wk"), days=(0, 3)),
        build_oral(end=None),
        build_maintenance(days=(0, 3), interval=Span(1, "wk")),
        build_maintenance(product=TABLET, route="oral", volume_ml=None),
    ],
)
def test_what_cannot_be_told_is_not_guessed(phase):
    assert supply(phase).keys() == {"validityPeriod"}


def test_a_counted_range_tells_its_doses_and_no_length():
    found = supply(build_phase(interval=Span(3, "d", 4)))
    assert found["quantity"]["value"] == 7
    assert "expectedSupplyDuration" not in found


# --- all together -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Goal", "RiskAssessment", "DetectedIssue", "Task"])
def test_a_plan_can_do_without_what_a_server_does_not_keep(kind):
    full = proposed(LOW, lab(Analyte.HEMOGLOBIN, 95), PERNICIOUS)
    bundle = full.bundle(without={kind})
    assert validate(bundle) == []
    assert kind not in {e["resource"]["resourceType"] for e in bundle["entry"]}
    rest = {e["resource"]["resourceType"] for e in full.bundle()["entry"]}
    assert rest - {kind} == {e["resource"]["resourceType"] for e in bundle["entry"]}


def test_a_test_without_days_says_that_none_is_set():
    tests = {"b12": LabTest("b12", "Total vitamin B12")}
    plan = build_plan(kind="confirm", phases=(), monitoring=(Monitor("b12", (), "R-18"),))
    order = one(
        "ServiceRequest",
        plan=plan,
        protocol=build_protocol(tests=tests),
        intent=Intent("confirm"),
    )
    assert "Total vitamin B12: no day is set." in order["text"]["div"]


def test_everything_is_structurally_sound():
    bundle = proposed(LOW, lab(Analyte.HEMOGLOBIN, 95), lab(Analyte.MCV, 112), PERNICIOUS).bundle()
    assert [structure(entry["resource"]) for entry in bundle["entry"]] == [[]] * len(
        bundle["entry"]
    )
    assert D0.isoformat() in str(bundle)
