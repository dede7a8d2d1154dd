"""When a sample was taken, and which version of a result counts (R-16)."""

from datetime import date

import pytest

from b12fhir.kernel.codes import LOINC
from tests.unit.fhir.extract.given import ME, codes, concept, lab, observation, quantity, read

NIGHT = "2026-11-10T20:00:00Z"  # already the 11th in Kathmandu


def when(**changes):
    (result,) = read(lab("150", **({"effectiveDateTime": None} | changes))).labs
    return result.when.iso(), result.issued_only


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"effectiveDateTime": "2026-11-10"}, "2026-11-10"),
        ({"effectiveDateTime": "2026-11"}, "2026-11-01/2026-11-30"),
        ({"effectiveDateTime": "2024"}, "2024-01-01/2024-12-31"),
        ({"effectiveDateTime": NIGHT}, "2026-11-11"),
        ({"effectivePeriod": {"start": "2026-11-01", "end": "2026-11-02"}}, "2026-11-02"),
        ({"effectivePeriod": {"start": "2026-11-01"}}, "2026-11-01"),
        ({"effectiveInstant": NIGHT}, "2026-11-11"),
        ({"effectiveTiming": {"event": ["2026-11-01", "2026-11-03"]}}, "2026-11-03"),
        ({"effectiveDateTime": "2026-11-10", "issued": NIGHT}, "2026-11-10"),
    ],
)
def test_the_collection_time_comes_first(changes, expected) -> None:
    assert when(**changes) == (expected, False)


@pytest.mark.parametrize(
    "collection",
    [
        {"collectedDateTime": "2026-11-09"},
        {"collectedPeriod": {"start": "2026-11-08", "end": "2026-11-09"}},
        {"collectedPeriod": {"start": "2026-11-09"}},
    ],
)
@pytest.mark.parametrize("contained", [True, False])
def test_the_specimen_tells_when_the_observation_does_not(collection, contained) -> None:
    specimen = {"resourceType": "Specimen", "id": "s", "collection": collection}
    changes = {"effectiveDateTime": None, "issued": NIGHT}
    if contained:
        result = lab("150", contained=[specimen], specimen={"reference": "#s"}, **changes)
        facts = read(result)
    else:
        facts = read(lab("150", specimen={"reference": "Specimen/s"}, **changes), specimen)
    assert facts.labs[0].when.iso() == "2026-11-09"
    assert not facts.labs[0].issued_only


@pytest.mark.parametrize(
    "changes", [{}, {"effectiveTiming": {"event": []}}, {"specimen": {"reference": "Specimen/9"}}]
)
def test_the_issue_date_stands_in_and_is_marked(changes) -> None:
    facts = read(lab("150", effectiveDateTime=None, issued=NIGHT, **changes))
    assert facts.labs[0].issued_only
    assert codes(facts) == ["issued-only"]


@pytest.mark.parametrize(
    ("changes", "issue"),
    [
        ({"effectiveDateTime": None}, "no-date"),
        ({"effectiveDateTime": "2026-13-01"}, "date-unreadable"),
        ({"effectiveDateTime": "10.11.2026", "issued": NIGHT}, "date-unreadable"),
        ({"effectiveDateTime": 20261110}, "date-unreadable"),
    ],
)
def test_a_result_without_a_readable_date_is_a_fault(changes, issue) -> None:
    """Nobody can say whether it is the newest, or taken under treatment."""
    facts = read(lab("150", **changes))
    assert (facts.labs, codes(facts)) == ((), [issue])
    assert facts.refused[0].faulty


def test_a_time_without_zone_is_read_in_the_sites_and_marked() -> None:
    facts = read(lab("150", effectiveDateTime="2026-11-10T23:30:00"))
    assert facts.labs[0].when.first == date(2026, 11, 10)
    assert codes(facts) == ["zone-assumed"]


def versioned(value, version=None, updated=None, **changes):
    meta = {"versionId": version, "lastUpdated": updated}
    held = {key: one for key, one in meta.items() if one is not None}
    return lab(value, **({"meta": held} if held else {}), **changes)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (versioned("100", "1"), versioned("200", "2")),
        (versioned("100", "9"), versioned("200", "10")),
        (versioned("100", None, NIGHT), versioned("200", None, "2026-11-11T00:00:00Z")),
        (versioned("100"), versioned("200", status="corrected")),
        (versioned("100", status="preliminary"), versioned("200")),
        (versioned("100", "abc", NIGHT), versioned("200", "abd", "2026-11-12T00:00:00+05:45")),
    ],
)
def test_the_newest_version_of_an_id_counts(older, newer) -> None:
    expected = str(newer["valueQuantity"]["value"])
    for pair in ([older, newer], [newer, older]):
        facts = read(*pair)
        assert [result.recorded_value for result in facts.labs] == [expected]
        assert "version-conflict" not in codes(facts)


def test_a_withdrawn_version_takes_its_result_along() -> None:
    gone = {"resourceType": "Observation", "id": "o1", "status": "entered-in-error"}
    assert read(lab("90"), gone).labs == ()


def test_two_contents_without_an_order_are_reported_and_chosen_the_same_way() -> None:
    pair = [lab("100"), lab("200")]
    facts = [read(*pair), read(*reversed(pair))]
    assert facts[0] == facts[1]
    assert codes(facts[0]) == ["version-conflict"]


def test_the_same_resource_twice_changes_nothing() -> None:
    assert read(lab("100"), lab("100")) == read(lab("100"))
    bare = lab("100", id=None)
    assert read(bare, dict(bare)) == read(bare)


@pytest.mark.parametrize("same", [{"specimen": {"reference": "Specimen/s"}}, {}])
def test_a_correction_replaces_the_report_of_the_same_sample(same) -> None:
    """R-16: without it the wrong first value would be the "worse" one and count."""
    first = lab("100", **same)
    second = lab("300", id="o2", status="corrected", **same)
    if same:
        second["effectiveDateTime"] = "2026-11-10T08:05:00+05:45"
    facts = read(first, second)
    assert [result.recorded_value for result in facts.labs] == ["300"]
    assert codes(facts) == ["superseded"]


def test_a_correction_of_another_sample_or_test_replaces_nothing() -> None:
    earlier = lab("100", effectiveDateTime="2026-11-01")
    other = lab("400", "nmol/L", "13964-2", id="o3")
    facts = read(earlier, other, lab("300", id="o2", status="amended"))
    assert len(facts.labs) == 3


def test_results_of_a_panel_stand_in_its_components() -> None:
    panel = observation(
        "58410-2",
        component=[
            {"code": concept(LOINC, "718-7"), "valueQuantity": quantity("12.5", "g/dL")},
            {"code": concept(LOINC, "787-2"), "valueQuantity": quantity("101", "fL")},
            {"code": concept(LOINC, "777-3"), "dataAbsentReason": {"text": "clotted"}},
            "odd",
        ],
    )
    facts = read(panel)
    assert {r.analyte.value: r.amount.text() for r in facts.labs} == {
        "hemoglobin": "125 g/L",
        "mcv": "101 fL",
    }
    assert codes(facts) == ["no-result"]
    assert facts.used == 2


@pytest.mark.parametrize(
    ("changes", "issue"),
    [
        ({"status": "cancelled"}, "status-not-final"),
        ({"modifierExtension": [{"url": "x"}]}, "not-understood"),
        ({"subject": {"reference": "Patient/p2"}}, "other-patient"),
    ],
)
def test_what_holds_for_a_panel_holds_for_its_components(changes, issue) -> None:
    """A cancelled panel is not "test done"."""
    part = {"code": concept(LOINC, "718-7"), "valueQuantity": quantity("12.5", "g/dL")}
    facts = read(observation("58410-2", component=[part], **changes))
    assert (facts.labs, codes(facts)) == ((), [issue])


def test_a_component_with_its_own_modifier_is_not_read() -> None:
    part = {
        "code": concept(LOINC, "718-7"),
        "valueQuantity": quantity("12.5", "g/dL"),
        "modifierExtension": [{"url": "x"}],
    }
    assert codes(read(observation("58410-2", component=[part]))) == ["not-understood"]


def test_an_empty_panel_is_no_result_and_no_fault() -> None:
    facts = read(observation("58410-2", dataAbsentReason={"text": "not performed"}))
    assert (facts.labs, facts.issues, facts.refused) == ((), (), ())


def test_contained_members_take_what_they_lack_from_their_panel() -> None:
    member = {
        "resourceType": "Observation",
        "id": "m",
        "status": "final",
        "code": concept(LOINC, "718-7"),
        "valueQuantity": quantity("12.5", "g/dL"),
    }
    stray = member | {"id": "stray"}
    panel = observation("58410-2", hasMember=[{"reference": "#m"}], contained=[member, stray])
    (result,) = read(panel).labs
    assert (result.amount.text(), result.when.iso()) == ("125 g/L", "2026-11-10")


def test_a_contained_member_about_someone_else_is_not_read() -> None:
    member = {
        "resourceType": "Observation",
        "id": "m",
        "status": "final",
        "subject": {"reference": "#newborn"},
        "code": concept(LOINC, "718-7"),
        "valueQuantity": quantity("12.5", "g/dL"),
    }
    panel = observation("58410-2", hasMember=[{"reference": "#m"}], contained=[member])
    assert codes(read(panel)) == ["other-patient"]


def test_the_order_of_resources_does_not_matter() -> None:
    several = [lab(str(100 + n), id=f"o{n}", subject=ME) for n in range(9)]
    shuffled = [several[n] for n in (4, 0, 8, 2, 6, 1, 7, 3, 5)]
    assert read(*several) == read(*shuffled)


def test_a_resource_too_deep_to_compare_does_not_end_the_run() -> None:
    """Parsed at one depth of the stack, it may be too deep at another."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    facts = read(lab("100", extra=deep), lab("100", extra=deep), lab("90", id=None, extra=deep))
    assert len(facts.labs) == 2
