"""What must not matter to a proposal: order, unit, and whatever does not concern the patient."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b12fhir.decision.model import Decision
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import SNOMED
from b12fhir.plan.model import Plan
from b12fhir.protocol.load import load_protocol
from b12fhir.service import propose, to_json
from tests.unit.fhir.extract import given as build

PROTOCOL = load_protocol()
TABLE = PROTOCOL.analytes
AS_OF = datetime(2026, 11, 21, 9, tzinfo=UTC)
always = settings(max_examples=100)

# LOINC, unit, values around the limits of that unit.
RESULTS = [
    ("2132-9", "pg/mL", ("90", "179", "180", "250", "350", "351", "500")),
    ("14685-2", "pmol/L", ("132", "133", "258", "259")),
    ("13964-2", "nmol/L", ("150", "270", "271", "400", "900")),
    ("13965-9", "umol/L", ("8", "15", "40")),
    ("718-7", "g/L", ("75", "110", "119", "120", "140")),
    ("33914-3", "mL/min/{1.73_m2}", ("20", "59", "60", "90")),
    ("2823-3", "mmol/L", ("3", "3.5", "4")),
]
FINDINGS = ("84027009", "91019004", "307193005", "84229001", "230129005")
TIMES = ("2026-11-10", "2026-11-10T08:00:00Z", "2026-10", "2025-06-01")


@st.composite
def laboratory(draw: st.DrawFn) -> dict[str, Any]:
    code, unit, values = draw(st.sampled_from(RESULTS))
    return build.lab(
        draw(st.sampled_from(values)),
        unit,
        code,
        effectiveDateTime=draw(st.sampled_from(TIMES)),
        status=draw(st.sampled_from(["final", "final", "preliminary", "cancelled"])),
    )


@st.composite
def records(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A patient with some results, diagnoses and medicines, each with an id of its own."""
    facts = [
        *draw(st.lists(laboratory(), max_size=5)),
        *(build.condition(code) for code in draw(st.sets(st.sampled_from(FINDINGS), max_size=2))),
        *([build.medicine()] if not draw(st.integers(0, 5)) else []),
        *([build.allergy("cobalt")] if not draw(st.integers(0, 5)) else []),
    ]
    numbered = [fact | {"id": f"r{number}"} for number, fact in enumerate(facts)]
    return [build.patient(), *numbered]


def shown(resources: list[dict[str, Any]]) -> dict[str, Any]:
    return to_json(propose(resources, PROTOCOL, AS_OF, Site(), "Patient/p1"))


@given(records(), st.randoms(use_true_random=False))
@always
def test_the_order_of_the_resources_does_not_matter(resources, random) -> None:
    """A server sorts as it likes; the JSON is the same to the last letter."""
    shuffled = list(resources)
    random.shuffle(shuffled)
    assert shown(shuffled) == shown(resources)


UNRELATED = (
    build.lab("72", "/min", "8867-4", id="x1"),
    build.lab("5.4", "mmol/L", "2339-0", id="x2"),
    build.condition(build.concept(SNOMED, "195967001", "Asthma"), id="x3"),
    build.procedure(build.concept(SNOMED, "73761001", "Colonoscopy"), id="x4"),
    {"resourceType": "Encounter", "id": "x5", "status": "finished", "subject": build.ME},
    {"resourceType": "Immunization", "id": "x6", "status": "completed", "patient": build.ME},
)
OTHER = {"reference": "Patient/p2"}
STRANGERS = (
    build.lab("60", id="y1", subject=OTHER),
    build.lab("60", "g/L", "718-7", id="y2", subject=OTHER),
    build.condition(id="y3", subject=OTHER),
    build.condition("91019004", id="y4", subject=OTHER),
    build.medicine(id="y5", subject=OTHER),
    build.allergy("cobalt", id="y6", patient=OTHER),
    build.patient(id="p2", gender="male", birthDate="2020-01-01", deceasedBoolean=True),
)


@given(records(), st.sets(st.sampled_from(range(len(UNRELATED)))))
@always
def test_what_has_nothing_to_do_with_b12_changes_nothing(resources, extra) -> None:
    more = [*resources, *(UNRELATED[number] for number in sorted(extra))]
    before, after = shown(resources), shown(more)
    assert (after["decision"], after["plan"]) == (before["decision"], before["plan"])


@given(records(), st.sets(st.sampled_from(range(len(STRANGERS)))))
@always
def test_what_belongs_to_another_patient_changes_nothing(resources, extra) -> None:
    """A result filed under the wrong person is the worst of all mistakes."""
    more = [*resources, *(STRANGERS[number] for number in sorted(extra))]
    before, after = shown(resources), shown(more)
    assert (after["decision"], after["plan"]) == (before["decision"], before["plan"])


# --- units ----------------------------------------------------------------------------------------


def bare(decision: Decision) -> Decision:
    """Without the numbers as recorded, which are meant to differ."""
    findings = tuple(f._replace(facts=()) for f in decision.findings)
    causes = tuple(c._replace(facts=()) for c in decision.causes)
    return decision._replace(findings=findings, causes=causes)


def proposed(value: Decimal, unit: str, code: str) -> tuple[Decision, Plan]:
    """A low B12 (where the code is another) with this result beside it."""
    beside = [] if code in ("2132-9", "14685-2") else [build.lab("230", "pg/mL", id="b12")]
    own = [build.patient(), *beside, build.lab(value, unit, code, id="own")]
    proposal = propose(own, PROTOCOL, AS_OF, Site(), "Patient/p1")
    assert proposal.facts.labs, unit
    return bare(proposal.decision), proposal.plan


def same_amounts(code: str) -> list[tuple[str, str]]:
    """Each accepted unit of the code's kind with the native unit it leads to."""
    lab_code = TABLE.codes[code]
    rules = TABLE.info[lab_code.analyte].units.values()
    fitting = {one.unit: one.native for one in rules if lab_code.kind in (one.kind, "any")}
    return sorted(fitting.items())


UNITS = [
    pytest.param(code, value, unit, native, id=f"{code}-{value}-{unit}")
    for code, home, values in RESULTS
    for unit, native in same_amounts(code)
    if native == home or (home, native) == ("pg/mL", "ng/L")
    for value in values
]


@pytest.mark.parametrize(("code", "value", "unit", "native"), UNITS)
def test_the_unit_does_not_matter(code: str, value: str, unit: str, native: str) -> None:
    """The same amount gives the same answer; total B12 in moles has limits of its own (R-29)."""
    units = TABLE.info[TABLE.codes[code].analyte].units
    rule = next(one for one in units.values() if (one.unit, one.native) == (unit, native))
    said = Decimal(value) * rule.divide / rule.multiply
    if said * rule.multiply / rule.divide != Decimal(value):
        pytest.skip("this amount has no exact number in this unit")
    assert proposed(said, unit, code) == proposed(Decimal(value), native, code)


def test_the_units_are_many() -> None:
    """An empty table would make the test above pass for nothing."""
    assert len({row.values[2] for row in UNITS}) > 12
