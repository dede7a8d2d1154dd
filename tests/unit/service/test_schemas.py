"""The JSON Schemas are promises: what a released version says stays so for its readers.

``frozen/`` holds every released version. A new minor version adds a file there and a row below; the
old files and rows are never edited.
"""

import copy
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from b12fhir.facts.labs import Analyte
from b12fhir.fhir.json import decode, encode
from b12fhir.fhir.site import Site
from b12fhir.plan.model import Rejected
from b12fhir.protocol.load import load_protocol
from b12fhir.service import (
    EXPLANATION_VERSION,
    SCHEMA_VERSION,
    explain,
    explanation_json,
    explanation_schema,
    proposal_schema,
    propose,
    to_json,
)
from b12fhir.service.rounds import SYNC_VERSION, sync_schema
from tests.spec.case import cases
from tests.support.facts import concept, lab
from tests.support.proposals import proposed
from tests.support.schemas import breaches, wrong

Schema = dict[str, Any]
FROZEN = Path(__file__).parent / "frozen"
# Released schemas by name and version, with the SHA-256 of their bytes.
RELEASED = {
    ("proposal", "1.0"): "018f0bbde68781bd5255e64e0e704f0e26b9b02617bf673b2e3403c6b4ccdc76",
    ("explanation", "1.0"): "511577a650c930fcd81bfad07cde9bb8aed3f48b9a15777d5fc38639f309dcbd",
    ("sync", "1.0"): "7399dcc02e5c4f75874565e7c8f6bc895dbc3d71390272e498c338e93bc3434d",
}
SERVED = {
    "proposal": (SCHEMA_VERSION, proposal_schema),
    "explanation": (EXPLANATION_VERSION, explanation_schema),
    "sync": (SYNC_VERSION, sync_schema),
}
NAMES = sorted(SERVED)


def _frozen(name: str, version: str) -> bytes:
    return (FROZEN / f"{name}-{version}.schema.json").read_bytes()


@pytest.mark.parametrize(("name", "version"), sorted(RELEASED))
def test_a_released_schema_is_never_edited(name: str, version: str) -> None:
    assert hashlib.sha256(_frozen(name, version)).hexdigest() == RELEASED[name, version]


def test_every_frozen_file_is_watched() -> None:
    known = {f"{name}-{version}.schema.json" for name, version in RELEASED}
    assert {path.name for path in FROZEN.iterdir()} == known


@pytest.mark.parametrize("name", NAMES)
def test_what_is_served_is_the_released_version_it_says(name: str) -> None:
    """A changed schema under an old number would be two schemas with one name."""
    version, _ = SERVED[name]
    served = files("b12fhir.service").joinpath(f"{name}.schema.json").read_bytes()
    assert served == _frozen(name, version)


@pytest.mark.parametrize(("name", "version"), sorted(RELEASED))
def test_what_is_served_keeps_the_promises_of_its_major_version(name: str, version: str) -> None:
    served_as, schema = SERVED[name]
    if version.partition(".")[0] == served_as.partition(".")[0]:
        assert breaches(json.loads(_frozen(name, version)), schema()) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_names_itself_and_says_how_it_may_change(name: str) -> None:
    version, schema = SERVED[name]
    told = schema()
    Draft202012Validator.check_schema(told)
    assert told["$id"].endswith(f"/{name}/{version}")
    assert re.match(told["properties"]["schema_version"]["pattern"], version)
    assert told["title"].endswith(version)
    for word in ("VERSIONS.", "READERS", "12 months", '"open": true'):
        assert word in told["description"]


def test_both_schemas_mean_the_same_by_the_same_word() -> None:
    one, other = proposal_schema()["$defs"], explanation_schema()["$defs"]
    shared = one.keys() & other.keys()
    assert len(shared) > 10
    assert {name: one[name] for name in shared} == {name: other[name] for name in shared}


@pytest.mark.parametrize("name", NAMES)
def test_every_property_is_there_and_every_open_list_shows_examples(name: str) -> None:
    """An absent property could mean no, none, or an older program; ours are never absent."""
    parts = list(_parts(SERVED[name][1]()))
    for part in parts:
        if "properties" in part:
            asked = set(part["properties"]) | set(part["required"])
            assert set(part["required"]) == asked
        if part.get("open"):
            assert part["type"] == "string"
            assert all(re.match(part.get("pattern", "."), value) for value in part["examples"])
    assert any(part.get("open") for part in parts)


def _parts(schema: Any) -> Any:
    if isinstance(schema, dict):
        yield schema
    inside = schema.values() if isinstance(schema, dict) else schema
    for part in inside if isinstance(schema, dict | list) else ():
        yield from _parts(part)


# --- A minor version may do this --------------------------------------------------------------


def _defined(schema: Schema, name: str) -> Schema:
    return schema["$defs"][name]


def _more(schema: Schema) -> None:
    _defined(schema, "decision")["properties"]["response"] = {"type": "array", "items": {}}
    schema["properties"]["dose_log"] = {"$ref": "#/$defs/remark"}


def _reworded(schema: Schema) -> None:
    schema["description"] = schema["title"] = schema["$id"] = "other words"
    _defined(schema, "phase")["properties"]["drug"]["examples"].append("methylcobalamin")


def _rearranged(schema: Schema) -> None:
    """A definition that is written out where it is used changes no answer."""
    _defined(schema, "phase")["properties"]["route"] = copy.deepcopy(_defined(schema, "route"))


@pytest.mark.parametrize("change", [_more, _reworded, _rearranged])
def test_what_a_minor_version_may_do(change: Callable[[Schema], None]) -> None:
    later = proposal_schema()
    change(later)
    assert breaches(proposal_schema(), later) == []


# --- and not this: breaches that the comparison must catch ---------------------------------------


def _gone(schema: Schema) -> None:
    del _defined(schema, "finding")["properties"]["note"]


def _renamed(schema: Schema) -> None:
    phase = _defined(schema, "phase")
    phase["properties"]["end"] = phase["properties"].pop("last_day")


def _narrowed(schema: Schema) -> None:
    _defined(schema, "phase")["properties"]["count"]["type"] = "integer"


def _widened(schema: Schema) -> None:
    _defined(schema, "decision")["properties"]["neuro"]["type"] = ["boolean", "null"]


def _required(schema: Schema) -> None:
    decision = _defined(schema, "decision")
    decision["properties"]["response"] = {"type": "array"}
    decision["required"].append("response")


def _optional(schema: Schema) -> None:
    _defined(schema, "phase")["required"].remove("volume")


def _smaller(schema: Schema) -> None:
    _defined(schema, "urgency")["enum"].remove("soon")


def _larger(schema: Schema) -> None:
    _defined(schema, "classification")["enum"].append("borderline")


def _opened(schema: Schema) -> None:
    _defined(schema, "route")["open"] = True


def _other_unit(schema: Schema) -> None:
    dose = _defined(schema, "phase")["properties"]["dose"]
    dose["properties"]["unit"]["const"] = "mg"


def _stricter(schema: Schema) -> None:
    _defined(schema, "decision")["properties"]["findings"]["minItems"] = 1


def _no_longer_null(schema: Schema) -> None:
    _defined(schema, "phase")["properties"]["volume"]["oneOf"].pop(0)


def _one_of_became_plain(schema: Schema) -> None:
    volume = _defined(schema, "phase")["properties"]["volume"]
    volume |= volume.pop("oneOf")[1]


def _items_of_another_kind(schema: Schema) -> None:
    _defined(schema, "plan")["properties"]["advice"]["items"] = {"type": "string"}


def _items_forgotten(schema: Schema) -> None:
    del _defined(schema, "plan")["properties"]["phases"]["items"]


def _closed(schema: Schema) -> None:
    schema["additionalProperties"] = False


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        (_gone, "$.decision.findings[].note", "is gone"),
        (_renamed, "$.plan.phases[].last_day", "is gone"),
        (_narrowed, "$.plan.phases[].count", "type was"),
        (_widened, "$.decision.neuro", "type was boolean"),
        (_required, "$.decision.response", "became required"),
        (_optional, "$.plan.phases[].volume", "no longer required"),
        (_smaller, "$.decision.urgency", "enum was"),
        (_larger, "$.decision.classification", "enum was"),
        (_opened, "$.plan.phases[].route", "open was None"),
        (_other_unit, "$.plan.phases[].dose.unit", "const was ug"),
        (_stricter, "$.decision.findings", "minItems was None"),
        (_no_longer_null, "$.plan.phases[].volume", "one of 2 forms became one of 1"),
        (_one_of_became_plain, "$.plan.phases[].volume", "oneOf came or went"),
        (_items_of_another_kind, "$.plan.advice[]", "type was object"),
        (_items_forgotten, "$.plan.phases", "items came or went"),
        (_closed, "$", "additionalProperties was None"),
    ],
)
def test_a_breach_is_caught(change: Callable[[Schema], None], where: str, what: str) -> None:
    later = proposal_schema()
    change(later)
    assert any(
        one.startswith(f"{where}: ") and what in one for one in breaches(proposal_schema(), later)
    )


# --- What a reader meets -------------------------------------------------------------------------


def _answer() -> dict[str, Any]:
    """A treated patient with every part of an answer: stop-free, with phases, doses and tests."""
    parts = (lab(Analyte.B12_TOTAL, 150), concept("pernicious_anemia"))
    answer: dict[str, Any] = json.loads(encode(to_json(proposed(*parts))))
    return answer


def _errors(answer: object) -> list[str]:
    return [e.json_path for e in Draft202012Validator(proposal_schema()).iter_errors(answer)]


def test_a_reader_of_1_0_accepts_a_later_minor_version() -> None:
    answer = _answer()
    answer["schema_version"] = "1.7"
    answer["decision"]["response"] = [{"domain": "blood", "verdict": "responding"}]
    answer["plan"]["doses"][0] |= {"status": "given-late", "given": "2026-11-25"}
    answer["decision"]["flags"].append("something-new")
    assert _errors(answer) == []


def _at(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(answer: dict[str, Any]) -> None:
        *way, last = path.split(".")
        part: Any = answer
        for step in way:
            part = part[int(step)] if step.isdigit() else part[step]
        part[last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema_version", "2.0"),
        ("schema_version", "1"),
        ("patient", "Jane Doe"),
        ("as_of", "2026-11-21T09:00:00"),
        ("decision.urgency", "whenever"),
        ("decision.neuro", "yes"),
        ("plan.start", "21.11.2026"),
        ("plan.phases.0.dose", {"value": 1000, "max": None, "unit": "mg"}),
        ("plan.phases.0.dose", {"value": "1000", "max": None, "unit": "ug"}),
        ("plan.phases.0.dose", {"value": 0, "max": None, "unit": "ug"}),
        ("plan.phases.0.route", "iv"),
        ("plan.phases.0.strength", {"value": 1000, "unit": "mg/mL"}),
        ("plan.phases.0.count", 0),
        ("plan.doses.0.slot", "induction:2026-11-21"),
        ("decision.findings.0.rule", "28"),
    ],
)
def test_a_wrong_answer_is_refused(path: str, value: object) -> None:
    """Were one of these let through, a reader could take a wrong unit or day for ours."""
    answer = _answer()
    assert _errors(answer) == []
    _at(path, value)(answer)
    assert _errors(answer) != []


@pytest.mark.parametrize("part", ["", "decision", "plan.phases.0", "plan.phases.0.dose"])
def test_we_write_nothing_that_the_schema_does_not_name(part: str) -> None:
    answer = _answer()
    assert wrong(answer, proposal_schema()) == []
    _at(f"{part}.extra".removeprefix("."), 1)(answer)
    found = wrong(answer, proposal_schema())
    assert [one for one in found if "'extra' was unexpected" in one] == found
    assert len(found) == 1


# --- What the properties mean --------------------------------------------------------------------


def test_amounts_are_exact_numbers_and_facts_are_as_recorded() -> None:
    parts = (lab(Analyte.B12_TOTAL, "< 150"), concept("pernicious_anemia"))
    shown = to_json(proposed(*parts))
    fact = next(f for f in shown["decision"]["findings"] if f["rule"] == "R-28")["inputs"][0]
    assert (fact["name"], fact["value"], fact["unit"]) == ("Total vitamin B12", "< 150", "ng/L")
    first = shown["plan"]["phases"][0]
    assert first["dose"] == {"value": Decimal(1000), "max": None, "unit": "ug"}
    assert first["strength"] == {"value": Decimal(1000), "unit": "ug/mL"}
    assert first["volume"] == {"value": Decimal(1), "unit": "mL"}


def test_the_last_day_of_a_phase_is_a_day_with_a_dose() -> None:
    """V03: tablets for 12 weeks from 2026-11-21 are taken to 2027-02-12, and on from the 13th.

    V01: every second day, 7 doses: the last on d0 + 12.
    """
    tablets, injections = (_case(name)["plan"]["phases"] for name in ("V03", "V01"))
    assert [(one["start"], one["last_day"]) for one in tablets] == [
        ("2026-11-21", "2027-02-12"),
        ("2027-02-13", None),
    ]
    assert [one["last_day"] for one in injections] == ["2026-12-03", "2026-12-31", None]


def _case(name: str) -> dict[str, Any]:
    case = next(one for one in cases() if one.id == name)
    return to_json(propose([decode(case.bundle)], load_protocol(), case.as_of, Site()))


def test_routes_and_regimens_that_were_not_chosen_stand_apart() -> None:
    shown = to_json(proposed(lab(Analyte.B12_TOTAL, 150)))
    routes = {one["route"] for one in shown["decision"]["rejected_routes"]}
    assert routes == {"im", "sc", "sublingual", "nasal", "iv"}
    assert shown["plan"]["rejected_regimens"] == []


def test_a_pack_without_a_row_says_so_of_all_its_rows() -> None:
    proposal = proposed(lab(Analyte.B12_TOTAL, 150))
    refused = (Rejected("any", "no row", "R-202"), *proposal.plan.rejected)
    shown = to_json(replace(proposal, plan=replace(proposal.plan, rejected=refused)))
    assert shown["plan"]["rejected_regimens"] == [
        {"regimen": None, "reason": "no row", "rule": "R-202"}
    ]


def test_nobody_is_sure_of_a_cause_that_is_not_known() -> None:
    unknown, known = (
        to_json(proposed(lab(Analyte.B12_TOTAL, 150), *more))["decision"]["causes"][0]
        for more in ((), (concept("pernicious_anemia"),))
    )
    assert (unknown["cause"], unknown["confidence"], unknown["rule"]) == ("unknown", None, "R-81")
    assert (known["cause"], known["confidence"], known["rule"]) == (
        "pernicious-anaemia",
        "confirmed",
        "R-70",
    )
    assert known["inputs"][0]["reference"].startswith("Condition/")


def test_sources_are_told_by_title_and_the_project_cites_nobody() -> None:
    shown = to_json(proposed(lab(Analyte.B12_TOTAL, 400)))
    cited = {f["rule"]: f["citation"] for f in shown["decision"]["findings"]}
    assert cited["R-28"] == {"sources": ["S004", "NICE"], "evidence": ["seed"]}
    assert cited["R-63"] == {"sources": [], "evidence": ["choice"]}
    titles = {one["id"]: one["title"] for one in shown["sources"]}
    assert titles["NICE"] == "NICE guideline NG239, 2024"
    assert titles.keys() == {source for one in cited.values() for source in one["sources"]}


def test_the_day_of_the_decision_is_the_date_of_as_of() -> None:
    """22:00 of UTC is the next morning in Kathmandu, and that is the day that was decided for."""
    site = Site(zone=timezone(timedelta(hours=5, minutes=45)))
    late = datetime(2026, 11, 21, 22, tzinfo=UTC)
    case = next(one for one in cases() if one.id == "V03")
    proposal = propose([decode(case.bundle)], load_protocol(), late, site)
    for shown in (to_json(proposal), explanation_json(explain(proposal))):
        assert shown["as_of"] == "2026-11-22T03:45:00+05:45"
        assert shown["engine"]["name"] == "b12fhir"
    assert to_json(proposal)["plan"]["start"] == "2026-11-22"
