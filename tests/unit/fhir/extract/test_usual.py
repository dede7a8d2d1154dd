"""What is remembered from one record to the next changes nothing of what is read."""

import copy
from decimal import Decimal
from typing import Any

import pytest

from b12fhir.facts.record import Facts
from b12fhir.fhir.extract import extract, lexicon, memory
from b12fhir.fhir.extract.memory import Memory, memories_of
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import LOINC, SNOMED, Code
from b12fhir.protocol.load import load_protocol
from tests.unit.fhir.extract.given import HB, TINGLING, concept, lab, observation, patient, quantity

PROTOCOL = load_protocol()
RANGE = [{"low": quantity("180", "pg/mL"), "high": quantity("914", "pg/mL")}]
# The shape that is learnt before each test of this file: total B12 in pg/mL with its usual range.
USUAL: dict[str, Any] = lab("200", referenceRange=RANGE)


def read(resource: dict[str, Any], site: Site) -> Facts:
    return extract([patient(), resource], PROTOCOL, site)


def changed(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(USUAL) | changes


def number(**changes: Any) -> dict[str, Any]:
    return changed(valueQuantity=USUAL["valueQuantity"] | changes)


def limits(**changes: Any) -> dict[str, Any]:
    return changed(referenceRange=[RANGE[0] | changes])


@pytest.mark.parametrize(
    "odd",
    [
        USUAL,
        number(value=Decimal(99999999)),
        number(value=Decimal("1E+999999")),
        number(value=Decimal("NaN")),
        number(value=210),
        number(value=10**40),
        number(value=True),
        number(value="210"),
        number(value=None),
        number(comparator="<"),
        number(extension=[{"url": "x"}]),
        number(unit="ng/L"),
        number(unit="nmol/L"),
        number(unit=["pg/mL"]),
        number(unit="pg/mL" + " " * 300),
        number(code="p" * 300),
        number(code="pmol/L", unit="pmol/L"),
        number(system="urn:local"),
        changed(valueString="230"),
        changed(valueQuantity=["x"]),
        changed(dataAbsentReason={"text": "lost"}),
        changed(status="preliminary"),
        changed(status="corrected"),
        changed(status="entered-in-error"),
        changed(subject={"reference": "Patient/p2"}),
        changed(effectiveDateTime="2026-11-10T08:00:00"),
        changed(effectiveDateTime=None, issued="2026-11-11"),
        changed(effectiveDateTime="no day"),
        changed(specimen={"reference": "Specimen/s1"}),
        changed(interpretation=[{"coding": [{"code": "L"}]}]),
        changed(interpretation=[]),
        changed(referenceRange=[]),
        changed(referenceRange=RANGE * 2),
        changed(referenceRange=["x"]),
        limits(age={"low": quantity("80", "a")}),
        limits(type=concept("urn:type", "critical")),
        limits(low=["x"]),
        limits(high={"value": "914"}),
        limits(low=quantity("180.0", "pg/mL")),
        limits(low=quantity("180", "furlong")),
        limits(low=quantity("180", None, unit=["pg/mL"])),
        limits(low=quantity("3000", "pg/mL"), high=quantity("4000", "pg/mL")),
        changed(code={"coding": [*concept(LOINC, "2132-9")["coding"], {"system": LOINC,
                                                                     "code": HB}]}),
        changed(code={"coding": [{"system": [LOINC], "code": "2132-9"}]}),
    ],
)  # fmt: skip
def test_what_was_read_before_does_not_change_what_is_read(odd: dict[str, Any]) -> None:
    """A result that only looks like the one before must not borrow its unit, range or day."""
    fresh, used = Site(), Site()
    read(USUAL, used)
    again = read(odd, used)
    assert repr(again) == repr(read(odd, fresh))


def test_a_result_like_the_one_before_has_its_own_number_and_day() -> None:
    site = Site()
    read(USUAL, site)
    later = lab("310.50", referenceRange=RANGE, effectiveDateTime="2026-11-12T09:30:00Z", id="o2")
    (found,) = read(later, site).labs
    assert (found.amount.value, found.amount.unit) == (Decimal("310.50"), "ng/L")
    assert (found.recorded_value, found.recorded_unit) == ("310.5", "pg/mL")
    assert found.when.iso() == "2026-11-12"
    assert found.reference == "Observation/o2"
    assert found.lab_range.low is not None
    assert found.lab_range.low.text() == "180 ng/L"


def test_the_flag_is_the_first_code_there_is() -> None:
    flags = [{"coding": ["x", {"display": "high"}, {"code": " H "}, {"code": "N"}]}]
    (found,) = read(changed(interpretation=flags), Site()).labs
    assert found.lab_flag == "H"


def test_notes_come_with_each_result() -> None:
    """mL/min without body surface is noted for the second result as for the first."""
    site = Site()
    first = read(lab("80", "mL/min", "33914-3"), site)
    second = read(lab("70", "mL/min", "33914-3", id="o2"), site)
    assert [one.code for one in first.issues] == [one.code for one in second.issues]
    assert first.issues
    assert {one.resource for one in second.issues} == {"Observation/o2"}


def test_a_number_in_the_place_of_a_code_hides_no_code() -> None:
    """22298006 is no code and "22298006" is one: the first must not answer for the second."""
    coded = {"system": SNOMED, "code": TINGLING}
    bare = {"system": SNOMED, "code": int(TINGLING)}
    found = extract(
        [
            patient(),
            observation({"coding": [bare]}, valueBoolean=True, id="a"),
            observation({"coding": [coded]}, valueBoolean=True, id="b"),
        ],
        PROTOCOL,
        Site(),
    )
    assert [one.reference for one in found.concepts] == ["Observation/b"]


def test_each_site_has_its_own_memories() -> None:
    """One site's local code may mean another test at the next."""
    local = observation(concept("urn:local", "L1"), valueQuantity=quantity("200", "pg/mL"))
    mapped = Site(code_map={Code("urn:local", "L1"): Code(LOINC, "2132-9")})
    assert read(local, mapped).labs
    assert not read(local, Site()).labs
    assert memories_of(PROTOCOL, mapped) is memories_of(PROTOCOL, mapped)
    assert memories_of(PROTOCOL, mapped) is not memories_of(PROTOCOL, Site())


def test_a_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender of ever new or ever longer codes must not fill the machine."""
    monkeypatch.setattr(memory, "_MOST", 2)
    kept: Memory[str] = Memory()
    kept.keep(("x" * 201,), "long")
    assert kept.recall(("x" * 201,)) is None
    for word in ("a", "b", "c"):
        kept.keep((word,), word.upper())
    assert [kept.recall((word,)) for word in ("a", "b", "c")] == [None, None, "C"]


def test_a_key_with_a_list_in_it_is_not_kept() -> None:
    kept: Memory[str] = Memory()
    kept.keep((["a"],), "found")
    assert kept.recall((["a"],)) is None


def test_what_somebody_wrote_at_length_is_searched_and_not_kept() -> None:
    """A name of a diagnosis comes again; a long text is about one patient."""
    words = lexicon.lexicon_of(PROTOCOL)
    name = "Family history of pernicious anaemia, seen by the test of short names"
    text = f"{name}; {'as told on the telephone ' * 10}"
    asked = lexicon._of_name.cache_info().misses
    found = lexicon.concepts_in(words, text)
    assert found == {"family_history_pernicious_anemia"}
    assert lexicon._of_name.cache_info().misses == asked
    assert lexicon.concepts_in(words, name) == found
    assert lexicon._of_name.cache_info().misses == asked + 1
