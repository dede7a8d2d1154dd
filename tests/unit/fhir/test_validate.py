"""Validation: whatever a server would swallow silently is caught before it is sent."""

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from b12fhir.fhir.compose import compose
from b12fhir.fhir.validate import STATUS_CODES, structure, validate
from tests.support.builders import SITE, build_decision, build_facts, build_plan, build_protocol

BUNDLE = compose(build_facts(), build_decision(), build_plan(), build_protocol(), SITE)
DEVICE, PLAN, LOAD, POTASSIUM = 0, 1, 2, 4


def resource(bundle: dict, index: int) -> dict:
    return bundle["entry"][index]["resource"]


def repeat(bundle: dict) -> dict:
    return resource(bundle, LOAD)["dosageInstruction"][0]["timing"]["repeat"]


def dose(bundle: dict) -> dict:
    return resource(bundle, LOAD)["dosageInstruction"][0]


def change(bundle: dict, index: int, **values: object) -> None:
    resource(bundle, index).update(values)


def as_put(bundle: dict, **request: str) -> None:
    change(bundle, LOAD, id="7")
    known = {"method": "PUT", "url": "MedicationRequest/7", "ifMatch": 'W/"1"'}
    bundle["entry"][LOAD]["request"] = known | request


def test_what_we_compose_is_valid():
    assert validate(BUNDLE) == []


def test_an_update_by_id_and_version_is_valid():
    bundle = copy.deepcopy(BUNDLE)
    as_put(bundle)
    assert validate(bundle) == []


BROKEN: list[tuple[str, Callable[[dict], object], str]] = [
    ("an order", lambda b: change(b, LOAD, intent="order"), "only draft proposals"),
    ("an active plan", lambda b: change(b, PLAN, status="active"), "only draft proposals"),
    ("a revoked medicine", lambda b: change(b, LOAD, status="revoked"), "only draft proposals"),
    ("another type", lambda b: change(b, LOAD, resourceType="Task"), "only draft proposals"),
    ("no period unit", lambda b: repeat(b).pop("periodUnit"), "tim-2"),
    ("a negative period", lambda b: repeat(b).update(period=-2), "tim-5"),
    (
        "a maximum without period",
        lambda b: (repeat(b).pop("period"), repeat(b).update(periodMax=3)),
        "tim-6",
    ),
    ("a maximum below the period", lambda b: repeat(b).update(periodMax=1), "tim-6"),
    ("a weekday beside a period", lambda b: repeat(b).update(dayOfWeek=["mon"]), "b12-mr-3"),
    (
        "an end before the start",
        lambda b: repeat(b)["boundsPeriod"].update(end="2026-01-01"),
        "per-1",
    ),
    ("no route", lambda b: dose(b).pop("route"), "b12-mr-2: the route"),
    (
        "the vein",
        lambda b: dose(b)["route"]["coding"][0].update(code="47625008"),
        "b12-mr-2: the route",
    ),
    ("no dose", lambda b: dose(b).pop("doseAndRate"), "b12-mr-2: the dose"),
    (
        "a zero dose",
        lambda b: dose(b)["doseAndRate"][0]["doseQuantity"].update(value=0),
        "b12-mr-2: the dose",
    ),
    (
        "a boolean dose",
        lambda b: dose(b)["doseAndRate"][0]["doseQuantity"].update(value=True),
        "b12-mr-2: the dose",
    ),
    (
        "milligram",
        lambda b: dose(b)["doseAndRate"][0]["doseQuantity"].update(code="mg"),
        "b12-mr-2: the dose",
    ),
    (
        "mcg",
        lambda b: dose(b)["doseAndRate"][0]["doseQuantity"].update(code="mcg"),
        "b12-mr-2: the dose",
    ),
    ("no dosage text", lambda b: dose(b).pop("text"), "b12-mr-2: the dosage"),
    ("reference and detail", lambda b: resource(b, PLAN)["activity"][0].update(detail={}), "cpl-3"),
    ("an empty activity", lambda b: resource(b, PLAN)["activity"].append({}), "cpl-3"),
    (
        "a dangling link",
        lambda b: change(b, PLAN, author={"reference": "urn:uuid:0"}),
        "leads nowhere",
    ),
    (
        "a wrong target",
        lambda b: change(b, LOAD, reasonReference=[{"reference": "Procedure/1"}]),
        "leads to a Procedure",
    ),
    (
        "an absolute wrong target",
        lambda b: change(b, LOAD, subject={"reference": "http://x/fhir/Group/1"}),
        "leads to a Group",
    ),
    (
        "two patients",
        lambda b: change(b, LOAD, subject={"reference": "Patient/p2"}),
        "more than one patient",
    ),
    (
        "one address twice",
        lambda b: b["entry"][3].update(fullUrl=b["entry"][2]["fullUrl"]),
        "fullUrl",
    ),
    ("no address", lambda b: b["entry"][3].pop("fullUrl"), "fullUrl"),
    (
        "one identity twice",
        lambda b: change(b, 3, identifier=resource(b, 2)["identifier"]),
        "identity",
    ),
    (
        "an unconditional create",
        lambda b: b["entry"][2]["request"].pop("ifNoneExist"),
        "conditional",
    ),
    (
        "a create elsewhere",
        lambda b: b["entry"][2]["request"].update(url="CarePlan"),
        "conditional",
    ),
    (
        "a create on another's identifier",
        lambda b: b["entry"][2]["request"].update(ifNoneExist="identifier=a|b"),
        "conditional",
    ),
    ("an update without version", lambda b: as_put(b, ifMatch=""), "an update must"),
    ("an update of an empty version", lambda b: as_put(b, ifMatch='W/""'), "an update must"),
    (
        "a conditional update",
        lambda b: as_put(b, url="MedicationRequest?identifier=a"),
        "an update must",
    ),
    ("an update of another", lambda b: as_put(b, url="MedicationRequest/8"), "an update must"),
    (
        "a deletion",
        lambda b: b["entry"][2].update(request={"method": "DELETE", "url": "x"}),
        "only POST and PUT",
    ),
    ("a batch", lambda b: b.update(type="batch"), "no transaction"),
    ("no entries", lambda b: b.update(entry=[]), "no transaction"),
    # What the R4B models catch.
    ("no subject", lambda b: resource(b, POTASSIUM).pop("subject"), "missing"),
    ("an unknown element", lambda b: change(b, PLAN, colour="red"), "extra_forbidden"),
    # What they carry and do not enforce.
    (
        "a unit in words",
        lambda b: repeat(b).update(periodUnit="days"),
        "periodUnit: code is not in",
    ),
    ("an unknown priority", lambda b: change(b, LOAD, priority="soon"), "priority: code is not in"),
]


@pytest.mark.parametrize(("breach", "problem"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_a_broken_bundle_is_not_sent(breach, problem):
    bundle = copy.deepcopy(BUNDLE)
    breach(bundle)
    assert any(problem in found for found in validate(bundle)), validate(bundle)


def test_a_problem_names_the_place_and_never_the_value():
    bundle = copy.deepcopy(BUNDLE)
    change(bundle, PLAN, created="Jane Roe", colour="Jane Roe", status="Jane Roe")
    problems = validate(bundle)
    assert problems
    assert not any("Jane" in problem for problem in problems)


@pytest.mark.parametrize(
    ("kind", "status", "wrong"),
    [
        ("Task", "completed", "done"),
        ("Observation", "corrected", "correct"),
        ("DetectedIssue", "cancelled", "open"),
    ],
)
def test_statuses_whose_list_the_library_cuts_off_are_checked_in_full(kind, status, wrong):
    """fhir.resources 8.3.0 ends six lists in "+": valid codes must pass and wrong ones must not."""
    base = {
        "Task": {"intent": "proposal"},
        "Observation": {"code": {"text": "x"}},
        "DetectedIssue": {"code": {"text": "x"}},
    }[kind]
    assert status in STATUS_CODES[kind]
    good = {"resourceType": kind, "status": status, **base}
    assert structure(good) == []
    assert structure(good | {"status": wrong}) == [
        f"{kind}.status: code is not in the required list"
    ]
    inside = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": good}]}
    assert structure(inside) == []
    inside["entry"][0]["resource"] = good | {"status": wrong}
    assert structure(inside) == [f"{kind}.status: code is not in the required list"]


@pytest.mark.parametrize("kind", [None, "Banana", "__class__"])
def test_what_is_no_resource_is_said_to_be_none(kind):
    assert structure({"resourceType": kind}) != []


def test_decimals_are_doses_too():
    bundle = copy.deepcopy(BUNDLE)
    dose(bundle)["doseAndRate"][0]["doseQuantity"]["value"] = Decimal("0.5")
    assert validate(bundle) == []


def spots(node: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where anything stands in a resource, from the top."""
    parts = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in parts if isinstance(node, dict | list) else ():
        yield (*way, key)
        if isinstance(value, dict | list):
            yield from spots(value, (*way, key))


def as_a_whole(resource: Mapping[str, Any]) -> list[str]:
    """What the models say of it, without our way of taking it apart."""
    model = get_fhir_model_class(resource["resourceType"])
    try:
        model.model_validate(dict(resource))
    except ValidationError as error:
        return [f"{'.'.join(map(str, e['loc']))}: {e['type']}" for e in error.errors()]
    except (KeyError, TypeError):
        return ["resourceType: is no FHIR resource"]
    return []


WRONG: tuple[Any, ...] = (
    *(None, 5, -1.5, True, "", "x y", {}, [], [None], {"a": 1}, [{"x": 1}], "2026-13-45"),
    *({"resourceType": "Banana"}, {"resourceType": "Patient"}),
)


def test_part_by_part_the_models_say_what_they_say_of_the_whole():
    """Parts that were checked before are not checked again; that must never let a wrong one pass.

    Each in turn: a place at random gets a wrong value, a wrong name, one too many, or nothing.
    """
    chance = random.Random(12)  # noqa: S311 - the same places again
    places = [way for way in spots(BUNDLE) if way != ("resourceType",)]
    refused = 0
    for turn in range(300):
        bundle = copy.deepcopy(BUNDLE)
        *way, last = chance.choice(places)
        node: Any = bundle
        for key in way:
            node = node[key]
        if turn % 4 == 0:
            node[last] = [node[last]]
        elif turn % 4 == 1 and isinstance(node, dict):
            node[f"{last}X"] = node.pop(last)
        elif turn % 4 == 2:
            del node[last]
        else:
            node[last] = chance.choice(WRONG)
        said = as_a_whole(bundle)
        refused += bool(said)
        # Beside the models there are the lists of codes.
        mine = [one for one in structure(bundle) if not one.endswith("not in the required list")]
        assert mine == said, (turn, way, last)
    assert refused > 150


def test_a_part_that_was_good_in_one_place_is_refused_where_it_does_not_belong():
    good = {"coding": [{"system": "http://loinc.org", "code": "2132-9"}]}
    kept = {"resourceType": "Observation", "status": "final", "code": good}
    assert structure(kept) == []
    assert structure({**kept, "subject": good}) != []
    assert structure({**kept, "code": {**good, "reference": "Patient/1"}}) != []
    assert structure(kept) == []
