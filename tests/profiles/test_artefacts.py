"""The artefacts are FHIR, agree with one another, and say what the protocol says."""

import ast
import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from b12fhir.decision import decide
from b12fhir.fhir.profiles import artefacts, file_name
from b12fhir.fhir.profiles.codes import code_systems
from b12fhir.fhir.profiles.header import Shelf, computable
from b12fhir.fhir.profiles.issues import ISSUES
from b12fhir.fhir.site import CANONICAL
from b12fhir.fhir.validate import structure
from b12fhir.protocol.load import load_protocol

PROTOCOL = load_protocol()
ALL = artefacts(PROTOCOL)
BY_NAME = {f"{one['resourceType']}/{one['id']}": one for one in ALL}
UG = {"unit": "microgram", "system": "http://unitsofmeasure.org", "code": "ug"}


def _of(kind: str) -> list[dict[str, Any]]:
    return [one for one in ALL if one["resourceType"] == kind]


def _actions(action: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in action.get("action", []):
        yield one
        yield from _actions(one)


PLAN = BY_NAME["PlanDefinition/b12-seed-default"]
ACTIONS = {one["id"]: one for one in _actions(PLAN)}


def test_each_is_fhir():
    assert {name: found for name, one in BY_NAME.items() if (found := structure(one))} == {}


def test_each_has_one_name_and_address():
    assert len(BY_NAME) == len(ALL) == len({one["url"] for one in ALL})
    for one in ALL:
        # R4 id, and a name that programs can use (R4 invariant vsd-0 and its like).
        assert re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", one["id"])
        assert re.fullmatch(r"[A-Z]([A-Za-z0-9_]){0,254}", one["name"])
        assert one["url"] == f"{CANONICAL}/{one['resourceType']}/{one['id']}"
        assert file_name(one).endswith(f"s/{one['resourceType']}-{one['id']}.json")
    assert file_name(_of("Library")[0]) == "libraries/Library-b12-seed-default.json"


def test_names_for_programs_begin_alike():
    assert computable("b12-plan-category") == "B12PlanCategory"
    assert computable("program-facts") == "B12ProgramFacts"


def _links(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            if key not in ("url", "source", "property", "description", "human", "expression"):
                yield from _links(part)
    elif isinstance(value, list):
        for part in value:
            yield from _links(part)
    elif isinstance(value, str) and value.startswith(f"{CANONICAL}/"):
        yield value


def test_what_is_referred_to_was_loaded_before():
    """A server asked for a ValueSet of sets that it does not have yet may refuse it."""
    # Code systems that only name what a site's own words are; nobody can list those.
    known = {
        f"{CANONICAL}/CodeSystem/{name}" for name in ("form", "drug", "local-lab", "unit-text")
    }
    for one in ALL:
        known |= {one["url"], f"{one['url']}|{one['version']}"}
        # A code system and the set of its codes name each other.
        links = set(_links(one)) - {one.get("valueSet")}
        assert links <= known, one["id"]


def test_every_set_of_a_code_system_exists():
    for one in _of("CodeSystem"):
        if one["id"] != "program-facts":
            made = BY_NAME[f"ValueSet/b12-{one['id']}"]
            assert one["valueSet"] == made["url"]
            assert made["compose"]["include"] == [{"system": one["url"], "version": one["version"]}]


def test_another_site_gets_its_own_addresses():
    """Only the facts that mean the same everywhere keep their system."""
    other = artefacts(PROTOCOL, "https://hospital.example/fhir")
    for one in other:
        text = json.dumps(one, default=str).replace(f"{CANONICAL}/CodeSystem/program-facts", "")
        assert CANONICAL not in text, one["id"]
    assert [one["id"] for one in other] == [one["id"] for one in ALL]


def _remarks() -> Iterator[str]:
    """First words of every caution and contraindication in the source of the decision."""
    for path in Path(decide.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(getattr(node, "func", None), "id", "")
            place = {"caution": 0, "contraindication": 0, "_warns": 1, "_forbids": 1}.get(name)
            if isinstance(node, ast.Call) and place is not None:
                given = node.args[place]
                if isinstance(given, ast.Constant):
                    yield given.value
                elif ast.unparse(given) != "key":
                    pytest.fail(f"{path.name}:{node.lineno}: an id that cannot be read here")


def test_the_issues_are_those_of_the_decision_and_of_plans_in_force():
    assert set(_remarks()) == ISSUES.keys()
    (held,) = (one for one in _of("CodeSystem") if one["id"] == "issue")
    codes = {one["code"] for one in held["concept"]}
    assert codes == ISSUES.keys() | {"facts-changed", "record-closed"}


def test_codes_come_from_the_decision_and_the_pack():
    held = {one["id"]: {c["code"] for c in one["concept"]} for one in code_systems(Shelf(PROTOCOL))}
    assert held["classification"] == {
        *("confirmed", "indeterminate", "indeterminate-confirmed", "functional", "unlikely"),
        *("no-data", "data-quality", "on-treatment"),
    }
    assert held["severity"] == {"none", "mild", "moderate", "severe"}
    assert held["phase"] == {"induction", "induction-2", "maintenance"}
    assert {"permanent-malabsorption", "congenital", "vegan", "unknown"} <= held["cause"]
    assert all(one["count"] == len(one["concept"]) for one in _of("CodeSystem"))


def test_every_activity_is_a_proposal():
    """Without an intent, the reference engine would make an active order of it."""
    activities = _of("ActivityDefinition")
    assert {one["intent"] for one in activities} == {"proposal"}
    phases = [phase for course in PROTOCOL.pack.courses.values() for phase in course.phases]
    assert len(activities) == len(phases) + len(PROTOCOL.tests)


def test_a_phase_says_product_dose_route_and_how_often():
    """By hand from the pack: 1000 microgram IM, every other day, seven doses."""
    made = BY_NAME["ActivityDefinition/b12-seed-default-im-load-induction"]
    (dosage,) = made["dosage"]
    assert made["productCodeableConcept"]["text"] == "cyanocobalamin 1000 microgram/mL injection"
    assert dosage["text"] == (
        "1000 microgram (1 mL of 1000 microgram/mL) - every 2 days - intramuscular - for 7 doses"
    )
    assert dosage["timing"] == {
        "repeat": {"count": 7, "frequency": 1, "period": 2, "periodUnit": "d"}
    }
    assert dosage["route"]["coding"][0]["code"] == "78421000"
    assert dosage["doseAndRate"] == [{"doseQuantity": {"value": 1000, **UG}}]
    assert made["description"].endswith(
        "Rule R-117. The number of doses is a project choice, not yet verified."
    )


def test_a_timed_phase_keeps_its_length_and_range():
    """By hand from the pack: 1000 to 2000 microgram by mouth, daily, 12 weeks."""
    (dosage,) = BY_NAME["ActivityDefinition/b12-seed-default-oral-12-weeks-induction"]["dosage"]
    assert dosage["timing"]["repeat"]["boundsDuration"] == {
        "value": 12,
        "unit": "week",
        "system": "http://unitsofmeasure.org",
        "code": "wk",
    }
    assert dosage["text"].endswith("once a day - oral - for 12 weeks")
    assert dosage["maxDosePerPeriod"]["numerator"] == {"value": 2000, **UG}


def test_a_gate_and_a_test_are_told():
    leber = BY_NAME["ActivityDefinition/b12-seed-default-hydroxo-load-induction"]
    assert leber["description"].startswith("Start only when: Specialist advice before dose 1.")
    potassium = BY_NAME["ActivityDefinition/b12-monitor-potassium"]
    assert (potassium["kind"], potassium["code"]["coding"][0]["code"]) == (
        "ServiceRequest",
        "2823-3",
    )
    assert potassium["profile"] == f"{CANONICAL}/StructureDefinition/b12-monitoring"
    review = BY_NAME["ActivityDefinition/b12-monitor-clinical-review"]
    assert (review["kind"], "profile" in review) == ("Task", False)


def test_a_course_is_told_phase_after_phase():
    """By hand from the pack: 11 doses, a week's gap, 4 weekly ones, then monthly after a month."""
    way = ACTIONS["pernicious-gastrectomy-severe-neuro"]
    told = [
        (
            step["definitionCanonical"].rpartition("/")[2],
            step["relatedAction"][0]["actionId"],
            step["relatedAction"][0].get("offsetDuration", {}).get("value"),
            step["relatedAction"][0].get("offsetDuration", {}).get("code"),
        )
        for step in way["action"]
    ]
    start = "pernicious-gastrectomy-severe-neuro"
    assert told == [
        ("b12-seed-default-im-load-neuro-induction|1.0.0", "d0", None, None),
        ("b12-seed-default-im-load-neuro-induction-2|1.0.0", f"{start}-0-induction", 7, "d"),
        (
            "b12-seed-default-im-monthly-life-maintenance|1.0.0",
            f"{start}-1-induction-2",
            1,
            "mo",
        ),
    ]
    assert {step["relatedAction"][0]["relationship"] for step in way["action"]} == {"after-end"}


def test_a_row_of_its_own_after_nerve_signs_is_kept():
    """Leber disease: every 2 months after the neurological load, every 2 to 3 after the other."""
    last = {
        name: ACTIONS[f"leber-{name}"]["action"][-1]["definitionCanonical"].rpartition("/")[2]
        for name in ("severe", "severe-neuro")
    }
    assert last == {
        "severe": "b12-seed-default-hydroxo-every-2-3-months-maintenance|1.0.0",
        "severe-neuro": "b12-seed-default-hydroxo-every-2-months-maintenance|1.0.0",
    }
    assert ACTIONS["leber"]["code"] == [{"text": "leber"}]


def test_follow_up_is_counted_from_d0():
    """By hand: B12 at 3, 6 and 12 months, then yearly from the last; symptoms weekly, 8 weeks."""
    steps = ACTIONS["monitoring-follow-up"]["action"]
    told = {s["id"]: s["relatedAction"][0]["offsetDuration"] for s in steps}
    assert [told[f"follow-up-b12-{m}mo"]["value"] for m in (3, 6, 12)] == [3, 6, 12]
    assert told["follow-up-b12-yearly"] == told["follow-up-b12-12mo"]
    yearly = ACTIONS["follow-up-b12-yearly"]["timingTiming"]["repeat"]
    assert yearly == {"frequency": 1, "period": 12, "periodUnit": "mo"}
    weekly = ACTIONS["follow-up-symptoms-weekly"]
    assert weekly["timingTiming"]["repeat"]["boundsDuration"]["value"] == 8
    assert weekly["relatedAction"][0]["offsetDuration"]["value"] == 0


def test_every_action_is_named_once_and_leads_somewhere():
    assert len(ACTIONS) == len(list(_actions(PLAN)))
    for one in ACTIONS.values():
        for related in one.get("relatedAction", []):
            assert related["actionId"] in ACTIONS


def test_a_row_that_begins_with_maintenance_is_shown():
    """Bariatric surgery by mouth: one phase from d0, no induction before it."""
    (step,) = ACTIONS["bariatric-oral"]["action"]
    assert step["relatedAction"] == [{"actionId": "d0", "relationship": "after-end"}]
    assert "vegan-oral-mother" in ACTIONS
    assert "bariatric-oral-mother" not in ACTIONS


def test_every_course_of_the_pack_is_in_the_plan():
    shown = {one.get("definitionCanonical", "").partition("|")[0] for one in ACTIONS.values()}
    for one in _of("ActivityDefinition"):
        if one["id"].startswith("b12-seed-default-"):
            assert one["url"] in shown, one["id"]


def test_the_library_holds_limits_and_rules():
    limits, rules = (
        json.loads(base64.b64decode(one["data"]))
        for one in BY_NAME["Library/b12-seed-default"]["content"]
    )
    # 365 days, and 150 to 200 ng/L and the like: as in the limits of the book.
    assert limits["stale_after_days"] == 365
    assert limits["bands"]["b12_total ng/L"]["low"] == 180
    assert {rule["id"] for rule in rules} == PROTOCOL.rules.keys()


def test_a_spelling_of_two_meanings_depends_on_the_test():
    """G/L is gigacells in a blood count and grams in a haemoglobin."""
    (group,) = BY_NAME["ConceptMap/b12-unit-text-to-ucum"]["group"]
    targets = {row["code"]: row["target"] for row in group["element"]}
    assert targets["PG/ML"] == [{"code": "pg/mL", "equivalence": "equivalent"}]
    assert sorted(one["code"] for one in targets["G/L"]) == ["10*9/L", "g/L"]
    assert all(one["dependsOn"] for one in targets["G/L"])


def test_products_lead_to_form_and_strength():
    own, coded = BY_NAME["ConceptMap/b12-product-to-strength"]["group"]
    told = {
        r["code"]: (r["target"][0]["code"], r["target"][0]["product"][0]["value"])
        for r in own["element"]
    }
    assert told["cyanocobalamin-injection-1000"] == ("injection", "1000 microgram/mL")
    assert told["cyanocobalamin-tablet-1000"] == ("tablet", "1000 microgram")
    # RxNorm 2001499 by itself says 5000 ug/mL: five times the pack's strength.
    rxnorm = {r["code"]: r["target"][0]["product"][0]["value"] for r in coded["element"]}
    assert rxnorm["2001499"] == "5000 microgram/mL"


def test_the_template_of_laboratory_codes_has_every_code_and_its_doubts():
    (group,) = BY_NAME["ConceptMap/b12-local-lab-to-loinc"]["group"]
    targets = {row["target"][0]["code"]: row["target"][0] for row in group["element"]}
    assert targets.keys() == PROTOCOL.analytes.codes.keys()
    assert targets["16695-9"]["comment"] == "a whole-blood code; the limits are for serum"
    assert "comment" not in targets["2132-9"]


def test_what_a_server_is_asked_for():
    (rest,) = BY_NAME["CapabilityStatement/b12fhir"]["rest"]
    asked = {one["type"]: one for one in rest["resource"]}
    codes = {kind: [i["code"] for i in one["interaction"]] for kind, one in asked.items()}
    assert codes["CarePlan"] == ["search-type", "create", "update"]
    assert (codes["Observation"], codes["Device"]) == (["search-type"], ["create", "update"])
    assert asked["MedicationRequest"]["supportedProfile"] == [
        f"{CANONICAL}/StructureDefinition/b12-medicationrequest",
        f"{CANONICAL}/StructureDefinition/b12-order",
    ]
    assert asked["Patient"]["searchParam"] == [{"name": "_id", "type": "token"}]
    assert "supportedProfile" not in asked["Patient"]
    assert "searchParam" not in asked["Device"]


def test_a_profile_has_its_root_once_and_its_rules_with_their_place():
    """A second root would be read as a slice."""
    for one in _of("StructureDefinition"):
        paths = [element["path"] for element in one["differential"]["element"]]
        assert len(paths) == len(set(paths))
        assert paths[0] == one["type"]
    root = BY_NAME["StructureDefinition/b12-medicationrequest"]["differential"]["element"][0]
    keys = {rule["key"]: rule for rule in root["constraint"]}
    assert {"b12-mr-2", "b12-mr-3"} <= keys.keys()
    assert keys["b12-mr-origin"]["expression"].startswith(
        f"meta.tag.where(system = '{CANONICAL}/CodeSystem/origin'"
    )


def test_routes_leave_the_vein_out():
    (include,) = BY_NAME["ValueSet/b12-route"]["compose"]["include"]
    codes = {one["code"] for one in include["concept"]}
    assert codes == {"78421000", "34206005", "26643006", "37839007", "46713006"}


def test_a_union_joins_its_roles():
    """Each set in an include of its own: in one they would have to overlap."""
    drugs = BY_NAME["ValueSet/b12-interacting-drugs"]["compose"]["include"]
    roles = ("metformin", "ppi", "h2-blocker", "other-risk-drug", "n2o-drug")
    assert drugs == [{"valueSet": [f"{CANONICAL}/ValueSet/b12-{role}"]} for role in roles]
