"""Laboratory codes and units: valid, known, told apart, and each with its range."""

from collections.abc import Iterator
from datetime import date

from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.codes import is_loinc
from b12fhir.kernel.quantities import normal_unit
from b12fhir.protocol.builders.analytes import ranges_by_unit
from b12fhir.protocol.documents import Document, Documents
from b12fhir.protocol.lint.numbers import versions
from b12fhir.protocol.lint.repeats import repeats
from b12fhir.protocol.names import PRESENCE_TESTS
from b12fhir.protocol.problems import Problem

FILE = "analytes.toml"


def analyte_problems(documents: Documents, on: date | None) -> Iterator[Problem]:
    """Everything that is wrong with analytes.toml and the codes of tests.toml."""
    entries = documents.list_of("analytes", "analyte")
    yield from _ids(documents)
    for entry in entries:
        yield from _units(entry)
        yield from _ranges(entry, on)
        yield from _kinds(entry)
    codes = [code["code"] for entry in entries for code in entry["code"]]
    yield from _codes(documents, codes)
    yield from _tests(documents)


def _ids(documents: Documents) -> Iterator[Problem]:
    ids = [entry["id"] for entry in documents.list_of("analytes", "analyte")]
    known = {analyte.value for analyte in Analyte}
    yield from repeats(FILE, "analyte", ids)
    for name in sorted(known.symmetric_difference(ids)):
        text = "is missing: rules read it" if name in known else "is read by no rule"
        yield Problem(FILE, f"analyte {name}", text)
    tests = {entry["id"] for entry in documents.list_of("analytes", "presence")}
    for name in sorted(PRESENCE_TESTS.symmetric_difference(tests)):
        text = "is missing: rules read it" if name in PRESENCE_TESTS else "is read by no rule"
        yield Problem(FILE, f"presence {name}", text)


def _units(entry: Document) -> Iterator[Problem]:
    key = f"analyte {entry['id']}"
    spellings = [spelling for unit in entry["unit"] for spelling in unit["spellings"]]
    yield from repeats(FILE, key, spellings)
    for unit in entry["unit"]:
        if unit["unit"] not in unit["spellings"]:
            yield Problem(FILE, key, f"unit {unit['unit']} is not among its own spellings")
    for spelling in spellings:
        normal = normal_unit(spelling)
        if normal != spelling:
            yield Problem(FILE, key, f"spelling {spelling} is looked up as {normal}: never found")


def _ranges(entry: Document, on: date | None) -> Iterator[Problem]:
    key = f"analyte {entry['id']}"
    ranges = ranges_by_unit(entry)
    natives = {unit["native"] for unit in entry["unit"]}
    for unit in sorted(natives.symmetric_difference(ranges)):
        text = "has no range" if unit in natives else "has a range and is no native unit"
        yield Problem(FILE, key, f"{unit} {text}")
    for unit, dated in ranges.items():
        yield from versions(FILE, f"{key} {unit}", dated, on)
        for one in dated:
            for name in ("plausible", "usual"):
                low, high = one[name]
                if low >= high:
                    text = f"{name} range {low} to {high} holds nothing"
                    yield Problem(FILE, f"{key} {unit}", text, one["from"])


def _kinds(entry: Document) -> Iterator[Problem]:
    """A code whose kind no unit has could never be read."""
    kinds = {unit["kind"] for unit in entry["unit"]} | {"any"}
    for code in entry["code"]:
        if code["kind"] not in kinds:
            text = f"code {code['code']} asks for {code['kind']}, and no unit is of that kind"
            yield Problem(FILE, f"analyte {entry['id']}", text)


def _codes(documents: Documents, codes: list[str]) -> Iterator[Problem]:
    presence = [c for one in documents.list_of("analytes", "presence") for c in one["codes"]]
    others = documents.list_of("analytes", "not_these")
    panels = documents.toml["analytes"]["panels"]["codes"]
    real = [one["code"] for one in others if one.get("exists", True)]
    unreal = [one["code"] for one in others if not one.get("exists", True)]
    yield from repeats(FILE, "code", [*codes, *presence, *real, *unreal, *panels])
    for code in (*codes, *presence, *real, *panels):
        if not is_loinc(code):
            yield Problem(FILE, f"code {code}", "is no LOINC code: its check digit is wrong")
    for code in unreal:
        if is_loinc(code):
            yield Problem(
                FILE, f"code {code}", "is marked as not existing, with a right check digit"
            )


def _tests(documents: Documents) -> Iterator[Problem]:
    tests = documents.list_of("tests", "test")
    yield from repeats("tests.toml", "test", (test["id"] for test in tests))
    for test in tests:
        key, codes = f"test {test['id']}", test.get("codes", [])
        for code in codes:
            if not is_loinc(code):
                yield Problem("tests.toml", key, f"{code} is no LOINC code: wrong check digit")
        if test.get("laboratory", True) and not codes:
            yield Problem("tests.toml", key, "has no code: a laboratory could not be asked for it")
