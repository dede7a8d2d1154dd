"""Each fault that the lint is there for is seeded once; one that slips through reaches patients."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from b12fhir.protocol.documents import Documents
from b12fhir.protocol.lint import lint
from b12fhir.protocol.shape import shape_problems
from tests.support.documents import entry, shipped, spoiled

Change = Callable[[Documents], Any]


def _limit(documents: Documents, name: str) -> Any:
    return entry(documents, "limits", "limit", name)


def _analyte(documents: Documents, name: str) -> Any:
    return entry(documents, "analytes", "analyte", name)


def _role(documents: Documents, name: str) -> Any:
    return entry(documents, "concepts", "role", name)


def _relative(documents: Documents) -> Any:
    return entry(documents, "concepts", "relative", "pernicious-anaemia")


def _course(documents: Documents, name: str) -> Any:
    return entry(documents, "regimens", "course", name)


def _row(documents: Documents, name: str) -> Any:
    return entry(documents, "regimens", "regimen", name)


def _ages(documents: Documents) -> Any:
    return documents.list_of("limits", "mma_cutoff")[0]["ages"]


def _groups(documents: Documents) -> Any:
    return documents.list_of("limits", "anaemia")[0]["groups"]


def _drop(documents: Documents, name: str, key: str, which: str) -> None:
    kept = [one for one in documents.toml[name][key] if one["id"] != which]
    documents.toml[name][key] = kept


def _later(versions: Any, **changes: Any) -> None:
    versions.append({**versions[0], **changes})


def test_what_ships_has_no_fault() -> None:
    assert shape_problems(shipped()) == []
    assert lint(shipped()) == []
    assert lint(shipped(), date(2026, 11, 21)) == []


SENSE: dict[str, tuple[Change, str]] = {
    # limits
    "a limit is missing": (
        lambda d: _drop(d, "limits", "limit", "wbc_low"),
        "limits.toml: limit wbc_low: is missing",
    ),
    "a limit nobody compares with": (
        lambda d: _limit(d, "wbc_low").update(id="wbc_lower"),
        "limits.toml: limit wbc_lower: is compared with by no rule",
    ),
    "a limit stands twice": (
        lambda d: d.list_of("limits", "limit").append(_limit(d, "wbc_low")),
        "limits.toml: limit: wbc_low stands 2 times",
    ),
    "a unit nobody knows": (
        lambda d: _limit(d, "potassium_low").update(unit="mmol"),
        "limit potassium_low: has the unknown unit mmol",
    ),
    "half a day": (
        lambda d: _limit(d, "join_days")["version"][0].update(value=Decimal("0.5")),
        "has the value 0.5; it must be a whole number",
    ),
    "versions out of order": (
        lambda d: _later(_limit(d, "join_days")["version"], value=1),
        "limit join_days (version of 2000-01-01): is not later than",
    ),
    "a band that overlaps itself": (
        lambda d: d.list_of("limits", "band")[0]["version"][0].update(high=180),
        "band b12_total ng/L (version of 2000-01-01): low 180 is not below high 180",
    ),
    "a band in a unit no result has": (
        lambda d: d.list_of("limits", "band")[0].update(unit="ug/L"),
        "band b12_total ug/L: is in no native unit",
    ),
    "a unit of B12 without band": (
        lambda d: d.list_of("limits", "band").pop(),
        "band b12_active pmol/L: is missing",
    ),
    "a gap between ages": (
        lambda d: _ages(d)[2].update(to_years=11, from_years=11),
        "mma_cutoff (version of 2000-01-01): gap between 11 and 12 years",
    ),
    "ages that overlap": (
        lambda d: _ages(d)[4].update(from_years=17),
        "mma_cutoff (version of 2000-01-01): overlap between 18 and 17 years",
    ),
    "an age that is nobody's": (
        lambda d: _ages(d)[2].update(to_years=11, from_years=11),
        "from 11 to 11 years holds for nobody",
    ),
    "no MMA limit for infants": (
        lambda d: _ages(d).pop(0),
        "mma_cutoff (version of 2000-01-01): does not begin at birth",
    ),
    "anaemia: women forgotten": (
        lambda d: _groups(d)[4].update(from_years=16),
        "anaemia (female) (version of 2000-01-01): gap between 15 and 16 years",
    ),
    "anaemia: a trimester forgotten": (
        lambda d: _groups(d).pop(),
        "anaemia (version of 2000-01-01): has not one group for each trimester",
    ),
    "anaemia: grades in the wrong order": (
        lambda d: _groups(d)[4].update(severe=115),
        "anaemia women (version of 2000-01-01): severe, mild and limit",
    ),
    "anaemia: a group twice": (
        lambda d: _groups(d)[5].update(group="women"),
        "limits.toml: anaemia: women stands 2 times",
    ),
    # citations
    "a number cites no known rule": (
        lambda d: _limit(d, "join_days")["version"][0].update(rule="R-998"),
        "cites rule R-998, which is not in the catalogue",
    ),
    "prophylaxis cites no known rule": (
        lambda d: _row(d, "vegan").update(prophylaxis_rule="R-998"),
        "regimen[vegan]: cites rule R-998",
    ),
    "a source nobody listed": (
        lambda d: _limit(d, "join_days")["version"][0].update(sources=["Hearsay"]),
        "cites source Hearsay",
    ),
    "a mark of evidence nobody knows": (
        lambda d: _limit(d, "join_days")["version"][0].update(evidence="seed; sure"),
        "has evidence 'sure'",
    ),
    "a rule is missing from the catalogue": (
        lambda d: _drop(d, "rules", "rule", "R-68"),
        "rules.toml: R-68: is missing from the catalogue",
    ),
    "a rule is told twice": (
        lambda d: d.list_of("rules", "rule").append(d.list_of("rules", "rule")[0]),
        "rules.toml: rule: R-01 stands 2 times",
    ),
    # analytes and tests
    "an analyte is missing": (
        lambda d: _drop(d, "analytes", "analyte", "tsh"),
        "analytes.toml: analyte tsh: is missing",
    ),
    "an analyte nobody reads": (
        lambda d: _analyte(d, "tsh").update(id="selenium"),
        "analyte selenium: is read by no rule",
    ),
    "a yes/no test is missing": (
        lambda d: _drop(d, "analytes", "presence", "macrocytes"),
        "presence macrocytes: is missing",
    ),
    "a yes/no test nobody reads": (
        lambda d: entry(d, "analytes", "presence", "macrocytes").update(id="blasts"),
        "presence blasts: is read by no rule",
    ),
    "a LOINC code that does not exist": (
        lambda d: _analyte(d, "b12_total")["code"][1].update(code="14685-8"),
        "code 14685-8: is no LOINC code",
    ),
    "a LOINC code marked as not existing exists": (
        lambda d: d.list_of("analytes", "not_these")[0].update(exists=False),
        "code 32341-0: is marked as not existing",
    ),
    "one code for two things": (
        lambda d: d.toml["analytes"]["panels"]["codes"].append("718-7"),
        "analytes.toml: code: 718-7 stands 2 times",
    ),
    "one spelling for two units": (
        lambda d: _analyte(d, "mma")["unit"][0]["spellings"].append("umol/L"),
        "analyte mma: umol/L stands 2 times",
    ),
    "a spelling that is never looked up": (
        lambda d: _analyte(d, "mma")["unit"][0]["spellings"].append("nmol/l"),
        "spelling nmol/l is looked up as nmol/L",
    ),
    "a unit not among its spellings": (
        lambda d: _analyte(d, "mcv")["unit"][0]["spellings"].remove("fL"),
        "analyte mcv: unit fL is not among its own spellings",
    ),
    "a native unit without range": (
        lambda d: _analyte(d, "b12_total")["range"].pop(),
        "analyte b12_total: pmol/L has no range",
    ),
    "a range in no native unit": (
        lambda d: _analyte(d, "mcv")["range"][0].update(native="um3"),
        "analyte mcv: um3 has a range and is no native unit",
    ),
    "a range that holds nothing": (
        lambda d: _analyte(d, "mcv")["range"][0].update(plausible=[160, 50]),
        "analyte mcv fL (version of 2000-01-01): plausible range 160 to 50 holds nothing",
    ),
    "a code of a kind no unit has": (
        lambda d: _analyte(d, "b12_active")["code"][0].update(kind="mass"),
        "analyte b12_active: code 72160-5 asks for mass",
    ),
    "a test with a code that does not exist": (
        lambda d: entry(d, "tests", "test", "mma").update(codes=["13964-8"]),
        "tests.toml: test mma: 13964-8 is no LOINC code",
    ),
    "a laboratory test without code": (
        lambda d: entry(d, "tests", "test", "mma").pop("codes"),
        "tests.toml: test mma: has no code",
    ),
    "a test stands twice": (
        lambda d: d.list_of("tests", "test").append(d.list_of("tests", "test")[0]),
        "tests.toml: test: b12 stands 2 times",
    ),
    # concepts
    "a SNOMED code with a digit mistyped": (
        lambda d: d.codes[0].update(code="22325003"),
        "http://snomed.info/sct|22325003: is no SNOMED CT identifier",
    ),
    "a code stands twice": (
        lambda d: d.codes.append(d.codes[0]),
        "stands 2 times",
    ),
    "a certainty nobody knows": (
        lambda d: d.codes[0].update(certainty="maybe"),
        "has certainty 'maybe'",
    ),
    "a strength without its drug": (
        lambda d: _strength(d).update(drug=""),
        "states a strength that is not drug, number and ug/mL",
    ),
    "a strength that is no number": (
        lambda d: _strength(d).update(strength="5 mg"),
        "states a strength that is not drug, number and ug/mL",
    ),
    "a strength of nothing": (
        lambda d: _strength(d).update(strength="0"),
        "states a strength that is not drug, number and ug/mL",
    ),
    "a strength in another unit": (
        lambda d: _strength(d).update(strength_unit="mg/mL"),
        "states a strength that is not drug, number and ug/mL",
    ),
    "a role is missing": (
        lambda d: _drop(d, "concepts", "role", "leber"),
        "role leber: is missing",
    ),
    "a role nobody asks for": (
        lambda d: _role(d, "leber").update(id="blind"),
        "role blind: is asked for by nobody",
    ),
    "a medicine's role among the clinical ones": (
        lambda d: _role(d, "metformin").pop("medicine"),
        "role metformin: is asked for by nobody",
    ),
    "a role stands twice": (
        lambda d: d.list_of("concepts", "role").append(_role(d, "leber")),
        "concepts.toml: role: leber stands 2 times",
    ),
    "a concept without code or text": (
        lambda d: _role(d, "leber")["concepts"].append("leber_disease"),
        "role leber: holds leber_disease",
    ),
    "a concept without role": (
        lambda d: _role(d, "hiv").update(concepts=["multiple_myeloma"]),
        "concept hiv: plays no role",
    ),
    "a broken pattern": (
        lambda d: d.list_of("concepts", "text")[0].update(pattern="(a"),
        "text subacute_combined_degeneration: is no pattern",
    ),
    "a pattern that matches everything": (
        lambda d: d.list_of("concepts", "text")[0].update(pattern="(cord)?"),
        "matches an empty text",
    ),
    "a pattern in capitals": (
        lambda d: d.list_of("concepts", "text")[0].update(pattern="SCD"),
        "has capital letters",
    ),
    "a relative's disease made the patient's own": (
        lambda d: _relative(d).update(concept="pernicious_anemia"),
        "relative pernicious-anaemia: makes it pernicious_anemia, which is no family history",
    ),
    "a relative's disease that nothing stands for": (
        lambda d: _relative(d)["has"].append("bad_blood"),
        "relative pernicious-anaemia: holds bad_blood",
    ),
    "a relative's row stands twice": (
        lambda d: d.list_of("concepts", "relative").append(_relative(d)),
        "concepts.toml: relative: pernicious-anaemia stands 2 times",
    ),
    "a relative's pattern that matches everything": (
        lambda d: _relative(d).update(pattern="(an)?"),
        "relative pernicious-anaemia: matches an empty text",
    ),
    # pack
    "a review status nobody knows": (
        lambda d: d.toml["pack"]["review"].update(status="fine"),
        "pack.toml: review: has status 'fine'; known: reviewed, unreviewed",
    ),
    "reviewed by nobody": (
        lambda d: d.toml["pack"]["review"].update(status="reviewed", by="Dr N."),
        "pack.toml: review: names nobody (by) or no day (on)",
    ),
    "a tablet with a concentration": (
        lambda d: _product(d, "tablet").update(strength_unit="ug/mL"),
        "product cyanocobalamin-tablet-1000: strength in ug/mL does not go with its routes",
    ),
    "an injection that is also swallowed": (
        lambda d: _product(d, "injection")["routes"].append("oral"),
        "product cyanocobalamin-injection-1000: strength in ug/mL does not go with its routes",
    ),
    "a product stands twice": (
        lambda d: d.list_of("products", "product").append(_product(d, "tablet")),
        "cyanocobalamin-tablet-1000 stands 2 times",
    ),
    "a monitoring set is missing": (
        lambda d: _drop(d, "monitoring", "set", "neuro"),
        "monitoring.toml: set neuro: is missing",
    ),
    "a monitoring set nobody asks for": (
        lambda d: entry(d, "monitoring", "set", "neuro").update(id="nerves"),
        "set nerves: is asked for by no plan and no row",
    ),
    "an unknown test is due": (
        lambda d: entry(d, "monitoring", "set", "neuro")["items"][0].update(test="mri"),
        "set neuro, item neuro-exam: names test mri",
    ),
    "yearly after nothing": (
        lambda d: entry(d, "monitoring", "set", "k-before")["items"][0].update(yearly=True),
        "set k-before, item potassium-before: is yearly after no month",
    ),
    # regimens
    "a cause without row": (
        lambda d: _row(d, "bariatric").update(causes=["bariatric-surgery"]),
        "cause bariatric: has no row",
    ),
    "a row for an unknown cause": (
        lambda d: _row(d, "bariatric").update(causes=["bariatric-surgery"]),
        "cause bariatric-surgery: is not known",
    ),
    "two rows for one cause": (
        lambda d: _row(d, "diet")["causes"].append("vegan"),
        "regimens.toml: cause: vegan stands 2 times",
    ),
    "a row the pack says it has not": (
        lambda d: d.toml["regimens"].update(no_row_for=["vegan"]),
        "cause vegan: has a row and stands in no_row_for",
    ),
    "an unknown product": (
        lambda d: _course(d, "im-load")["phase"][0].update(product="b12"),
        "course im-load, phase induction: names product b12",
    ),
    "a route the label does not allow": (
        lambda d: _course(d, "im-load")["phase"][0].update(route="oral"),
        "gives cyanocobalamin-injection-1000 by oral, which its label does not allow",
    ),
    "milligram for microgram": (
        lambda d: _course(d, "im-load")["phase"][0].update(dose=1000000),
        "gives 1000000 ug at once; the most is 5000 ug",
    ),
    "a range upside down": (
        lambda d: _course(d, "oral-drug")["phase"][0].update(dose_max=500),
        "course oral-drug, phase maintenance: has the range 1000 to 500",
    ),
    "an interval upside down": (
        lambda d: _course(d, "im-load")["phase"][0]["interval"].update(max=1),
        "course im-load, phase induction: interval ends before it begins",
    ),
    "one phase id twice": (
        lambda d: _course(d, "im-load")["phase"][1].update(id="induction"),
        "course im-load: induction stands 2 times",
    ),
    "a course nobody reaches": (
        lambda d: d.list_of("regimens", "course").append({**_course(d, "im-load"), "id": "x"}),
        "course x: is reached from no row",
    ),
    "a row names an unknown course": (
        lambda d: _row(d, "vegan").update(load="im-lode"),
        "regimen vegan: load names course im-lode",
    ),
    "a row names an unknown monitoring set": (
        lambda d: _row(d, "vegan").update(prophylaxis_monitoring=["b13"]),
        "regimen vegan: names monitoring set b13",
    ),
    "severe disease forgotten": (
        lambda d: _row(d, "vegan").pop("severe"),
        "regimen vegan: has no severe",
    ),
    "an induction without maintenance": (
        lambda d: _row(d, "vegan").pop("oral_maintenance"),
        "regimen vegan: has an oral treatment and no oral_maintenance",
    ),
    "a phase after one without end": (
        lambda d: _course(d, "oral-12-weeks")["phase"][0].pop("duration"),
        "regimen vegan, oral: goes on after a phase without end",
    ),
    "a maintenance that ends": (
        lambda d: _course(d, "im-monthly-life")["phase"][0].update(count=12),
        "regimen gastrectomy-total, load: has an end",
    ),
    "a load by mouth": (
        lambda d: _row(d, "vegan").update(load="oral-12-weeks"),
        "regimen vegan, load: is given by im, oral, not by im or sc",
    ),
    "prophylaxis by another route than it says": (
        lambda d: _row(d, "vegan").update(prophylaxis_route="im"),
        "regimen vegan, prophylaxis: is given by oral, not by im",
    ),
}


def _strength(documents: Documents) -> dict[str, str]:
    return next(row for row in documents.codes if row["code"] == "2001499")


def _product(documents: Documents, form: str) -> Any:
    return entry(documents, "products", "product", f"cyanocobalamin-{form}-1000")


@pytest.mark.parametrize("name", SENSE)
def test_a_seeded_fault_is_caught(name: str) -> None:
    change, expected = SENSE[name]
    documents = spoiled(change)
    assert shape_problems(documents) == [], "the seed must pass the schema to reach the lint"
    assert expected in "\n".join(str(problem) for problem in lint(documents))


def test_a_pack_may_say_that_it_has_no_row() -> None:
    """Section 27: then it proposes no regimen and names the packs that have one."""
    documents = shipped()
    _row(documents, "drug").update(causes=["metformin", "acid-blocker"])
    documents.toml["regimens"]["no_row_for"] = ["other-drug"]
    assert lint(documents) == []


def test_a_version_not_yet_in_force_is_seen_only_by_its_day() -> None:
    documents = shipped()
    first = _limit(documents, "max_single_dose_ug")["version"][0]
    first["from"] = date(2027, 1, 1)
    assert lint(documents) == []
    (told,) = lint(documents, date(2026, 11, 21))
    assert str(told) == (
        "limits.toml: limit max_single_dose_ug (version of 2027-01-01):"
        " has no version in force on 2026-11-21"
    )


def test_without_a_largest_dose_the_rest_is_still_checked() -> None:
    documents = spoiled(lambda d: _drop(d, "limits", "limit", "max_single_dose_ug"))
    assert [str(one) for one in lint(documents)] == [
        "limits.toml: limit max_single_dose_ug: is missing: a rule compares with it"
    ]


SHAPE: dict[str, tuple[Change, str]] = {
    "an unknown key": (
        lambda d: _limit(d, "join_days").update(days=90),
        "limits.toml: limit[1]: Additional properties",
    ),
    "a number without citation": (
        lambda d: _limit(d, "stale_after_days")["version"][0].pop("sources"),
        "limits.toml: limit[0].version[0]: 'sources' is a required property",
    ),
    "a number that is a text": (
        lambda d: _limit(d, "stale_after_days")["version"][0].update(value="365"),
        "limits.toml: limit[0].version[0].value: '365' is not of type 'number'",
    ),
    "a date that is a text": (
        lambda d: d.toml["pack"].update(date="2026-11-21"),
        "pack.toml: date: '2026-11-21' is not of type 'date'",
    ),
    "a product without strength": (
        lambda d: _product(d, "tablet").pop("strength"),
        "products.toml: product[1]: 'strength' is a required property",
    ),
    "a dose of nothing": (
        lambda d: _course(d, "im-load")["phase"][0].update(dose=0),
        "regimens.toml: course[0].phase[0].dose: 0 is less than or equal to the minimum of 0",
    ),
    "a route that is refused": (
        lambda d: _course(d, "im-load")["phase"][0].update(route="iv"),
        "regimens.toml: course[0].phase[0].route: 'iv' is not one of",
    ),
    "prophylaxis without its rule": (
        lambda d: _row(d, "vegan").pop("prophylaxis_rule"),
        "'prophylaxis_rule' is a dependency of 'prophylaxis'",
    ),
    "a planned rule without its step": (
        lambda d: entry(d, "rules", "rule", "R-121").pop("step"),
        "rules.toml: rule[120]: 'step' is a required property",
    ),
    "a rule not covered without reason": (
        lambda d: entry(d, "rules", "rule", "R-121").update(state="not-covered"),
        "rules.toml: rule[120]: 'note' is a required property",
    ),
    "a whole table is missing": (
        lambda d: d.toml["concepts"].pop("role"),
        "concepts.toml: (whole file): 'role' is a required property",
    ),
    "a test that is never due": (
        lambda d: entry(d, "monitoring", "set", "k-before")["items"][0].pop("days"),
        "monitoring.toml: set[1].items[0]:",
    ),
    "a line of codes cut short": (
        lambda d: d.codes[0].update(strength_unit=None),
        "codes.csv: line 2: has not the columns system, code",
    ),
    "a column of codes renamed": (
        lambda d: d.codes[0].update(sure=d.codes[0].pop("certainty")),
        "codes.csv: line 2: has not the columns system, code",
    ),
}


@pytest.mark.parametrize("name", SHAPE)
def test_a_file_of_the_wrong_shape_is_caught(name: str) -> None:
    change, expected = SHAPE[name]
    assert expected in "\n".join(str(problem) for problem in shape_problems(spoiled(change)))
