"""Patients made up by Hypothesis: facts around every limit, in any combination."""

from dataclasses import replace
from datetime import date

from hypothesis import strategies as st

from b12fhir.facts.history import Standing
from b12fhir.facts.labs import Analyte as A
from b12fhir.facts.patient import Pregnancy, Sex
from b12fhir.facts.record import Facts
from b12fhir.kernel.dates import on
from b12fhir.kernel.truth import Truth
from b12fhir.protocol.load import load_protocol
from tests.support.facts import (
    WOMAN,
    allergy,
    antibody,
    concept,
    days_ago,
    drug,
    injection,
    lab,
    record,
    tablets,
)

PROTOCOL = load_protocol()
CONCEPTS = sorted(set().union(*PROTOCOL.concepts.roles.values()))
TESTS = sorted(set(PROTOCOL.analytes.presence.values()))

# Just below, at and just above every limit, in the analyte's native unit.
NEAR_LIMITS = {
    A.B12_ACTIVE: ("10", "24.9", "25", "70", "70.1", "200"),
    A.MMA: ("100", "271", "299", "300", "301", "350", "351", "400", "401", "460", "461", "2000"),
    A.MMA_URINE: ("1", "5.75", "5.76", "20"),
    A.HOMOCYSTEINE: ("5", "15", "15.1", "60"),
    A.FOLATE: ("2", "6.7", "6.8", "30"),
    A.HEMOGLOBIN: ("40", "69", "70", "79", "80", "99", "104", "109", "112", "119", "129", "150"),
    A.HEMATOCRIT: ("25", "36", "45"),
    A.MCV: ("75", "99", "100", "101", "120"),
    A.WBC: ("2", "3.9", "4", "8"),
    A.PLATELETS: ("30", "49", "50", "149", "150", "300"),
    A.POTASSIUM: ("2.5", "3.4", "3.5", "4.2"),
    A.EGFR: ("10", "29", "30", "59", "60", "90"),
    A.FERRITIN: ("5", "29", "30", "100"),
    A.TRANSFERRIN_SATURATION: ("10", "19", "20", "30"),
    A.TSH: ("2",),
    A.COPPER: ("15",),
}
TOTAL = ("40", "120", "179.9", "180", "250", "350", "350.1", "400", "1200")
AGES = st.sampled_from([0, 1, 3, 30, 90, 91, 364, 366, 800])
MARKS = st.sampled_from(["", "", "", "", "< ", "> ", "<= ", ">= "])
STANDINGS = st.sampled_from([Standing.ACTIVE, Standing.ACTIVE, *Standing])


@st.composite
def results(draw: st.DrawFn, analyte: A, values: tuple[str, ...] = ()):
    value = draw(MARKS) + draw(st.sampled_from(values or NEAR_LIMITS[analyte]))
    return lab(analyte, value, ago=draw(AGES))


@st.composite
def laboratory(draw: st.DrawFn, without: frozenset[A] = frozenset()):
    """At most one result of an analyte; total B12 most of the time."""
    known = sorted(NEAR_LIMITS, key=lambda analyte: analyte.value)
    wanted = draw(st.sets(st.sampled_from([a for a in known if a not in without]), max_size=7))
    parts = [draw(results(analyte)) for analyte in sorted(wanted, key=lambda a: a.value)]
    if A.B12_TOTAL not in without and draw(st.integers(0, 4)):
        parts.append(draw(results(A.B12_TOTAL, TOTAL)))
    return parts


histories = st.lists(
    st.builds(
        lambda name, standing, ago, weak: concept(name, standing=standing, ago=ago, weak=weak),
        st.sampled_from(CONCEPTS),
        STANDINGS,
        st.sampled_from([5, 100, 400, 2000, None]),
        st.booleans(),
    ),
    max_size=4,
    unique_by=lambda fact: fact.concept,
)
others = st.lists(
    st.one_of(
        st.builds(drug, st.sampled_from(["metformin", "omeprazole", "folic_acid"])),
        st.builds(antibody, st.sampled_from(TESTS), st.sampled_from(list(Truth))),
    ),
    max_size=2,
    unique_by=lambda part: part.reference,
)
given_b12 = st.lists(
    st.one_of(
        st.builds(injection, st.sampled_from([1, 20, 60, 400]), dose=st.sampled_from(["1000"])),
        st.builds(tablets, st.sampled_from(["2.4", "1000", None])),
    ),
    max_size=1,
)
allergies = st.lists(st.builds(allergy, st.sampled_from([Truth.YES, Truth.UNKNOWN])), max_size=1)


@st.composite
def people(draw: st.DrawFn):
    """Mostly adults; some children, some without sex or date of birth, some dead or merged."""
    years = draw(st.sampled_from([30, 40, 50, 64, 66, 76, 90, 8, 15, 16, None]))
    return replace(
        WOMAN,
        sex=draw(st.sampled_from(list(Sex))),
        birth=on(date(2026 - years, 1, 1)) if years is not None else None,
        deceased=not draw(st.integers(0, 9)),
        active=bool(draw(st.integers(0, 9))),
    )


@st.composite
def pregnancies(draw: st.DrawFn):
    weeks = draw(st.sampled_from([None, 8, 20, 35]))
    return Pregnancy(
        pregnant=draw(st.sampled_from([Truth.UNKNOWN, Truth.UNKNOWN, Truth.NO, Truth.YES])),
        breastfeeding=draw(st.sampled_from([Truth.UNKNOWN, Truth.NO, Truth.YES])),
        last_period=on(days_ago(7 * weeks)) if weeks else None,
    )


@st.composite
def patients(
    draw: st.DrawFn, without: frozenset[A] = frozenset(), *, treated: bool = True
) -> Facts:
    """All facts of one patient; ``without`` leaves analytes out for the test to add."""
    parts = [
        *draw(laboratory(without)),
        *draw(histories),
        *draw(others),
        *(draw(given_b12) if treated and not draw(st.integers(0, 3)) else []),
        *(draw(allergies) if not draw(st.integers(0, 4)) else []),
    ]
    return record(*parts, patient=draw(people()), pregnancy=draw(pregnancies()))
