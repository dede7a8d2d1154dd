"""Digests: the same while nothing changes for the patient, another when anything does."""

import copy
import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from uuid import UUID

import pytest

from b12fhir.decision.model import Classification, SeverityGrade, Urgency
from b12fhir.facts.labs import Analyte, LabResult
from b12fhir.fhir.compose import compose
from b12fhir.fhir.digest import (
    content_digest,
    decision_digest,
    identifier_value,
    stored_digest,
    untouched,
)
from b12fhir.fhir.json import decode, encode
from b12fhir.kernel.dates import on
from b12fhir.kernel.evidence import Finding, Input, Remark
from b12fhir.kernel.quantities import Measure
from b12fhir.kernel.truth import Truth
from tests.support.builders import (
    B12_LOW,
    SITE,
    TABLET,
    build_decision,
    build_facts,
    build_pack,
    build_phase,
    build_plan,
    build_protocol,
)

PACK = build_pack()
BASE = decision_digest(build_decision(), build_plan(), PACK)


def with_inputs(*inputs: Input):
    return build_decision(findings=(Finding("R-28", Truth.YES, inputs),))


@pytest.mark.parametrize(
    "changes",
    [
        {"classification": Classification.FUNCTIONAL},
        {"severity": SeverityGrade.MILD},
        {"neuro": False},
        {"urgency": Urgency.ROUTINE},
        {"causes": ()},
        {"findings": ()},
        {"contraindications": (Remark("cobalt", "Allergy.", "R-163"),)},
    ],
)
def test_another_verdict_is_something_new(changes):
    assert decision_digest(build_decision(**changes), build_plan(), PACK) != BASE


@pytest.mark.parametrize(
    "changes",
    [
        {"regimen": "diet"},
        {"phases": (build_phase(product=TABLET),)},
        {"phases": (build_phase(dose=Decimal(500)),)},
        {"monitoring": ()},
    ],
)
def test_another_treatment_is_something_new(changes):
    assert decision_digest(build_decision(), build_plan(**changes), PACK) != BASE


def test_another_pack_version_is_something_new():
    assert decision_digest(build_decision(), build_plan(), build_pack(version="1.0.1")) != BASE


# Written by hand from what stored plans carry: keys in order, no blanks, each fact with its rule,
# type, value, unit and day; another form of it would make every stored plan look changed.
STORED = (
    '{"causes":[["pernicious_anemia","permanent-malabsorption","confirmed","life",true]],'
    '"classification":"confirmed","contraindications":["iv"],"facts":%s,"kind":"treat",'
    '"neuro":true,"pack":["seed-default","1.0.0"],"phases":['
    '["induction","hydroxo-im-1000","im",1000,null,[2,null,"d"],7,null,[],null],'
    '["maintenance","hydroxo-im-1000","im",1000,null,[1,null,"mo"],0,null,[],null]],'
    '"regimen":"pernicious-anaemia","route":"im","severity":"severe",'
    '"tests":["b12","blood-count","clinical-review","potassium"],"urgency":"urgent"}'
)
ANAEMIA = ["R-70", "Condition", "Pernicious anaemia", "", "2026-10-01"]


@pytest.mark.parametrize(
    "value",
    ["120", '12"0', "1\\2", "12\n0", "12\x7f0", "Paræsthesie", "\U0001f489", "\ud800", "</b>"],
    ids=ascii,
)
def test_what_stored_plans_carry_stays_what_it_is_whatever_is_written_in_a_fact(value):
    facts = [["R-28", "Observation", value, "ng/L", "2026-11-10"], ANAEMIA]
    text = STORED % json.dumps(facts, separators=(",", ":"))
    told = decision_digest(with_inputs(replace(B12_LOW, value=value)), build_plan(), PACK)
    assert told == hashlib.sha256(text.encode()).hexdigest()


def test_a_result_counts_by_what_the_laboratory_wrote():
    """120 ng/L is judged; "120.0" and its unit as sent are what the fact says."""
    result = LabResult(
        Analyte.B12_TOTAL,
        Measure(Decimal("120.0"), "ng/L"),
        on(date(2026, 11, 10)),
        "Observation/b12-1",
        recorded_value="120.0",
        recorded_unit="pg/mL",
    )
    decided = build_decision(findings=(Finding("R-28", Truth.YES, (result,)),))
    facts = [["R-28", "Observation", "120.0", "pg/mL", "2026-11-10"], ANAEMIA]
    text = STORED % json.dumps(facts, separators=(",", ":"))
    told = decision_digest(decided, build_plan(), PACK)
    assert told == hashlib.sha256(text.encode()).hexdigest()


def test_another_day_is_nothing_new():
    later = tuple(
        replace(phase, start=date(2027, 1, 1), last=None) for phase in build_plan().phases
    )
    moved = build_plan(start=date(2027, 1, 1), phases=later)
    assert decision_digest(build_decision(as_of=date(2027, 1, 1)), moved, PACK) == BASE


def test_a_result_sent_twice_under_two_ids_is_one_fact():
    copied = replace(B12_LOW, reference="Observation/copy")
    digests = {
        decision_digest(with_inputs(*inputs), build_plan(), PACK)
        for inputs in ((B12_LOW,), (copied,), (B12_LOW, copied))
    }
    assert len(digests) == 1


@pytest.mark.parametrize(
    "changed",
    [
        replace(B12_LOW, value="121"),
        replace(B12_LOW, unit="pmol/L"),
        replace(B12_LOW, date="2026-11-11"),
        replace(B12_LOW, reference="Condition/b12-1"),
    ],
)
def test_another_value_unit_date_or_kind_is_another_fact(changed):
    one = decision_digest(with_inputs(B12_LOW), build_plan(), PACK)
    assert decision_digest(with_inputs(changed), build_plan(), PACK) != one


def resources() -> list[dict]:
    args = build_facts(), build_decision(), build_plan(), build_protocol(), SITE
    bundle = compose(*args)
    assert bundle is not None
    return [
        entry["resource"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] != "Device"
    ]


@pytest.mark.parametrize("resource", resources(), ids=lambda r: r["resourceType"])
def test_what_a_server_does_to_a_resource_leaves_it_untouched(resource):
    """Else every run would rewrite every draft, and take its own for somebody's edit."""
    stored = decode(encode(resource))
    stored["id"] = "123"
    stored["meta"] |= {"versionId": "1", "lastUpdated": "2026-11-21T10:00:00Z", "source": "#x"}
    for element in ("author", "requester"):
        if element in stored:
            stored[element] = {"reference": "Device/7"}
    for number, activity in enumerate(stored.get("activity", [])):
        if "reference" in activity:
            activity["reference"]["reference"] = f"MedicationRequest/{number}"
    if "text" in stored:
        loose = stored["text"]["div"].replace("><", ">\n  <").replace("'", "&#39;")
        stored["text"]["div"] = loose
    if "dosageInstruction" in stored:
        amount = stored["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]
        amount["value"] = Decimal("1000.0")
    assert stored_digest(stored, SITE) == stored_digest(resource, SITE) != ""
    assert untouched(stored, SITE)


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("status", "active"),
        ("note", [{"text": "Given elsewhere"}]),
        ("period", {"start": "2026-12-01"}),
        ("text", {"status": "generated", "div": "<div>Other words</div>"}),
        ("subject", {"reference": "Patient/p2"}),
    ],
)
def test_what_a_person_changes_is_seen(element, value):
    stored = copy.deepcopy(resources()[0])
    stored[element] = value
    assert not untouched(stored, SITE)


def test_a_changed_dose_is_seen():
    stored = copy.deepcopy(resources()[1])
    stored["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] = Decimal("1000.5")
    assert not untouched(stored, SITE)


def test_a_resource_of_others_has_no_digest():
    assert stored_digest({"resourceType": "CarePlan"}, SITE) == ""
    assert identifier_value({"identifier": [{"system": "s", "value": 1}]}, "s") == ""
    assert content_digest({"resourceType": "CarePlan", "text": {}}, SITE)


def test_a_value_without_canonical_form_is_our_mistake():
    with pytest.raises(TypeError, match="date has no canonical form"):
        content_digest({"created": date(2026, 1, 1)}, SITE)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("2026-01-05", '"2026-01-05"'),
        ("a/b\u0022c\u005cd\n", '"a/b\\"c\\\\d\\n"'),
        # What is not ASCII is written as an escape, and so is the last character of ASCII.
        ("\u00b5g", '"\\u00b5g"'),
        ("\u007f", '"\\u007f"'),
        ("\ud800", '"\\ud800"'),
        # Decimals by amount: a whole one as a number, another by its shortest form.
        (Decimal("1000.0"), "1000"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0"), "0"),
        (Decimal("2.50"), '{"decimal":"2.5"}'),
        (2**70, "1180591620717411303424"),
        (1.0, "1.0"),
        (1e16, "1e+16"),
        ([True, None, -1, (1, 2)], "[true,null,-1,[1,2]]"),
        ({"b": 1, "a": {"d": 2, "c": []}}, '{"a":{"c":[],"d":2},"b":1}'),
        # Keys that are numbers are sorted as numbers.
        ({10: 1, 9: 2}, '{"9":2,"10":1}'),
    ],
)
def test_a_digest_is_taken_of_one_form(value, written):
    form = f'{{"identifier":[],"x":{written}}}'
    assert content_digest({"x": value}, SITE) == sha256(form.encode()).hexdigest()


@pytest.mark.parametrize(
    "value",
    [
        date(2026, 1, 1),
        datetime(2026, 1, 1, tzinfo=UTC),
        {1},
        frozenset({"a"}),
        b"text",
        UUID(int=1),
        build_phase(),
        object(),
    ],
)
def test_what_json_does_not_know_has_no_digest(value):
    with pytest.raises(TypeError, match="has no canonical form"):
        content_digest({"x": value}, SITE)
