"""Reading never depends on order, never crashes, and never reads a number twice in two ways."""

import copy
from datetime import UTC
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from b12fhir.facts.record import Facts
from b12fhir.fhir.extract import extract, issues
from b12fhir.fhir.extract.issues import Kind
from b12fhir.fhir.json import canonical, decode, encode
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import LOINC
from b12fhir.protocol.load import load_protocol
from tests.unit.fhir.extract import given as build

PROTOCOL = load_protocol()
TABLE = PROTOCOL.analytes
SITE = Site(zone=UTC)


def facts_of(resources: list[Any]) -> Facts:
    return extract(resources, PROTOCOL, SITE)


TIMES = st.sampled_from(["2026-11-10", "2026-11-10T08:00:00Z", "2026-11", "2025", "x", None])
STATUSES = st.sampled_from(["final", "corrected", "preliminary", "entered-in-error", "cancelled"])
SUBJECTS = st.sampled_from([build.ME, build.ME, build.ME, {"reference": "Patient/p2"}, None])
IDS = st.sampled_from(["a", "b", "c", None])
VALUES = st.decimals(allow_nan=True, allow_infinity=True, places=2) | st.integers(-5, 30_000)


@st.composite
def results(draw: st.DrawFn) -> dict[str, Any]:
    """A laboratory result with any known code and any unit of any analyte."""
    code = draw(st.sampled_from(sorted(TABLE.codes)))
    units = sorted(TABLE.info[TABLE.codes[code].analyte].units)
    unit = draw(st.sampled_from([*units, "furlong"]) | st.none())
    return build.lab(
        draw(VALUES),
        unit,
        code,
        id=draw(IDS),
        status=draw(STATUSES),
        subject=draw(SUBJECTS),
        effectiveDateTime=draw(TIMES),
        meta=draw(st.sampled_from([None, {"versionId": "1"}, {"versionId": "2"}])),
    )


CONCEPTS = st.sampled_from(sorted(PROTOCOL.concepts.codes))


@st.composite
def histories(draw: st.DrawFn) -> dict[str, Any]:
    """A Condition, Procedure, finding or medicine with any code of the protocol."""
    code = draw(CONCEPTS)
    coded = build.concept(code.system, code.code)
    changes = {"id": draw(IDS), "subject": draw(SUBJECTS)}
    return draw(
        st.sampled_from(
            [
                build.condition(coded, recordedDate=draw(TIMES), **changes),
                build.procedure(coded, performedDateTime=draw(TIMES), **changes),
                build.observation(coded, valueBoolean=True, **changes),
                build.medicine(medicationCodeableConcept=coded, authoredOn=draw(TIMES), **changes),
                build.allergy(code=coded, id=draw(IDS)),
            ]
        )
    )


RECORDS = st.lists(results() | histories(), max_size=8)


@given(RECORDS, st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(resources, random) -> None:
    """A server sorts as it likes: another order must not be another decision."""
    shuffled = [build.patient(), *resources]
    random.shuffle(shuffled)
    assert facts_of(shuffled) == facts_of([build.patient(), *resources])


@given(RECORDS, st.integers(0, 7))
def test_reading_something_twice_changes_nothing(resources, index) -> None:
    """Overlapping sync windows send the same version again."""
    again = copy.deepcopy(
        resources[index % len(resources) : index % len(resources) + 1] if resources else []
    )
    once = facts_of([build.patient(), *resources])
    twice = facts_of([build.patient(), *resources, *again])
    assert twice == once


@given(RECORDS)
def test_everything_is_accounted_for(resources) -> None:
    """Used, ignored, or with an issue: nothing relevant is dropped in silence."""
    facts = facts_of([build.patient(), *resources])
    unread = [one for one in resources if one["resourceType"] == "Observation"]
    if unread and not facts.labs and not facts.concepts and facts.used == 1:
        assert facts.issues or facts.ignored
    assert facts.used >= 1
    references = {issue.resource for issue in facts.issues}
    for lost in facts.refused:
        assert lost.reference in references


@given(RECORDS)
def test_what_is_read_lies_within_the_plausible_limits(resources) -> None:
    for result in facts_of([build.patient(), *resources]).labs:
        low, high = TABLE.info[result.analyte].plausible[result.amount.unit]
        assert low <= result.amount.value <= high


@given(st.sampled_from(sorted(TABLE.codes)), st.decimals(1, 400, places=3))
def test_the_unit_never_changes_the_amount(code, value) -> None:
    """The same amount in every unit of its kind is the same native number."""
    lab_code = TABLE.codes[code]
    info = TABLE.info[lab_code.analyte]
    for rule in {one for one in info.units.values() if lab_code.kind in (one.kind, "any")}:
        facts = facts_of([build.patient(), build.lab(value, rule.unit, code)])
        native = value * rule.multiply / rule.divide
        low, high = info.plausible[rule.native]
        found = [result.amount.value for result in facts.labs]
        assert found == ([native] if low <= native <= high else [])


NUMBERS = st.decimals(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | NUMBERS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
SEEDS: tuple[dict[str, Any], ...] = (
    build.lab("90", referenceRange=[{"low": build.quantity("1", "pg/mL")}]),
    build.observation("58410-2", component=[{"code": build.concept(LOINC, "718-7")}]),
    build.observation("24383-2", valueQuantity=build.quantity("9", "x")),
    build.observation("18185-9", valueQuantity=build.quantity("20", "wk")),
    build.condition(note=[{"text": "x"}], onsetPeriod={"start": "2025"}),
    build.procedure(note=[{"text": "25 cm"}], extension=[{"url": "length", "valueInteger": 3}]),
    build.medicine(dosageInstruction=[build.dosage(build.quantity("1", "mg"), period=1)]),
    build.medicine("MedicationDispense", daysSupply=build.quantity("3", "d")),
    build.medicine("MedicationAdministration", dosage={"dose": build.quantity("1", "mg")}),
    build.allergy("cobalt", reaction=[{"substance": {"text": "x"}}]),
    {"resourceType": "CarePlan", "identifier": [{"system": SITE.system("plan"), "value": "k"}],
     "subject": build.ME, "period": {"start": "2026"}},
    build.patient(link=[{"type": "seealso"}], deceasedBoolean=False),
)  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, ...]] = []
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in pairs:
        inner.append((*path, key))
        if isinstance(part, dict | list):
            inner += _places(part, (*path, key))
    return inner


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A good resource with one element, at any depth, replaced by any JSON."""
    resource = copy.deepcopy(draw(st.sampled_from(SEEDS)))
    path = draw(st.sampled_from([p for p in _places(resource) if p != ("resourceType",)]))
    target: Any = resource
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = draw(JSON)
    return resource


@settings(max_examples=400)
@given(damaged())
def test_no_damage_ends_the_run(resource) -> None:
    """Foreign JSON has any shape: a crash would take all other patients of the run along."""
    other = [] if resource["resourceType"] == "Patient" else [build.patient()]
    facts = facts_of([*other, resource])
    for issue in facts.issues:
        assert issue.text
        assert "\n" not in issue.text


@given(JSON)
def test_json_survives_the_round_trip(value) -> None:
    """What is written is what was read, digit for digit."""
    written = encode(value)
    assert decode(written) == value
    assert encode(decode(written)) == written
    assert canonical(decode(written)) == canonical(value)


@given(NUMBERS)
def test_no_digit_is_lost(number) -> None:
    (read,) = decode(encode([number]))
    assert Decimal(read).as_tuple() == number.as_tuple()


def test_issue_codes_are_stable_words() -> None:
    """Doors and reports key on them: two kinds with one code could not be told apart."""
    kinds = [one for one in vars(issues).values() if isinstance(one, Kind)]
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(kind.code.replace("-", "").isalnum() for kind in kinds)
