"""Limits: complete, in force, in known units, bands and ages without gap or overlap."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise

from b12fhir.protocol.builders.limits import LIMIT_IDS
from b12fhir.protocol.documents import Document, Documents
from b12fhir.protocol.lint.repeats import repeats
from b12fhir.protocol.problems import Problem
from b12fhir.protocol.versions import in_force

FILE = "limits.toml"
# Units of limits that are no laboratory values: time, length, doses.
_OTHER_UNITS = frozenset({"1", "d", "wk", "mo", "a", "cm", "ug", "ug/d", "mg/d"})
_TRIMESTERS = [1, 2, 3]


def number_problems(documents: Documents, on: date | None) -> Iterator[Problem]:
    """Everything that is wrong with limits.toml."""
    entries = documents.list_of("limits", "limit")
    yield from repeats(FILE, "limit", (entry["id"] for entry in entries))
    yield from _missing_or_extra({entry["id"] for entry in entries})
    known = _OTHER_UNITS | native_units(documents)
    for entry in entries:
        yield from versions(FILE, f"limit {entry['id']}", entry["version"], on)
        yield from _whole(entry)
        if entry["unit"] not in known:
            yield Problem(FILE, f"limit {entry['id']}", f"has the unknown unit {entry['unit']}")
    yield from _bands(documents, on)
    yield from _cutoffs(documents, on)
    yield from _anaemia(documents, on)
    yield from _windows(documents, on)


def native_units(documents: Documents) -> set[str]:
    """Every unit that a laboratory result can end up in."""
    return {
        one["native"] for entry in documents.list_of("analytes", "analyte") for one in entry["unit"]
    }


def versions(file: str, key: str, dated: list[Document], on: date | None) -> Iterator[Problem]:
    """Versions stand in the order of their dates, and one of them is in force."""
    for earlier, later in pairwise(dated):
        if later["from"] <= earlier["from"]:
            text = f"is not later than the version before it ({earlier['from'].isoformat()})"
            yield Problem(file, key, text, later["from"])
    if in_force(dated, on) is None and on is not None:
        first = min(version["from"] for version in dated)
        yield Problem(file, key, f"has no version in force on {on.isoformat()}", first)


def _missing_or_extra(ids: set[str]) -> Iterator[Problem]:
    for name in sorted(LIMIT_IDS.keys() - ids):
        yield Problem(FILE, f"limit {name}", "is missing: a rule compares with it")
    for name in sorted(ids - LIMIT_IDS.keys()):
        yield Problem(FILE, f"limit {name}", "is compared with by no rule")


def _whole(entry: Document) -> Iterator[Problem]:
    for version in entry["version"]:
        value = Decimal(version["value"])
        if LIMIT_IDS.get(entry["id"]) and value != value.to_integral_value():
            text = f"has the value {value}; it must be a whole number"
            yield Problem(FILE, f"limit {entry['id']}", text, version["from"])


def _bands(documents: Documents, on: date | None) -> Iterator[Problem]:
    entries = documents.list_of("limits", "band")
    names = [f"{entry['analyte']} {entry['unit']}" for entry in entries]
    yield from repeats(FILE, "band", names)
    natives = {
        f"{entry['id']} {one['native']}"
        for entry in documents.list_of("analytes", "analyte")
        for one in entry["unit"]
    }
    for entry, name in zip(entries, names, strict=True):
        yield from versions(FILE, f"band {name}", entry["version"], on)
        if name not in natives:
            yield Problem(FILE, f"band {name}", "is in no native unit of a known analyte")
        for version in entry["version"]:
            low, high = version["low"], version["high"]
            if low >= high:
                text = f"low {low} is not below high {high}: no value lies between"
                yield Problem(FILE, f"band {name}", text, version["from"])
    for name in sorted(_classified(natives) - set(names)):
        yield Problem(FILE, f"band {name}", "is missing: results in this unit have no class")


def _classified(natives: set[str]) -> set[str]:
    return {name for name in natives if name.startswith(("b12_total ", "b12_active "))}


def _cutoffs(documents: Documents, on: date | None) -> Iterator[Problem]:
    dated = documents.list_of("limits", "mma_cutoff")
    yield from versions(FILE, "mma_cutoff", dated, on)
    for version in dated:
        ages = version["ages"]
        if ages[0]["from_years"] != 0:
            yield Problem(FILE, "mma_cutoff", "does not begin at birth", version["from"])
        yield from _ages("mma_cutoff", ages, version["from"])


def _ages(key: str, rows: list[Document], start: date) -> Iterator[Problem]:
    """Each age belongs to exactly one row: a row begins where the one before it ends."""
    for row in rows:
        if row["from_years"] >= row["to_years"]:
            text = f"from {row['from_years']} to {row['to_years']} years holds for nobody"
            yield Problem(FILE, key, text, start)
    for earlier, later in pairwise(rows):
        if later["from_years"] != earlier["to_years"]:
            kind = "gap" if later["from_years"] > earlier["to_years"] else "overlap"
            text = f"{kind} between {earlier['to_years']} and {later['from_years']} years"
            yield Problem(FILE, key, text, start)


def _anaemia(documents: Documents, on: date | None) -> Iterator[Problem]:
    dated = documents.list_of("limits", "anaemia")
    yield from versions(FILE, "anaemia", dated, on)
    for version in dated:
        groups, start = version["groups"], version["from"]
        yield from repeats(FILE, "anaemia", (one["group"] for one in groups))
        for sex in ("female", "male"):
            rows = [one for one in groups if one["sex"] in ("", sex) and not one["trimester"]]
            yield from _ages(f"anaemia ({sex})", rows, start)
        if sorted(one["trimester"] for one in groups if one["trimester"]) != _TRIMESTERS:
            yield Problem(FILE, "anaemia", "has not one group for each trimester", start)
        for one in groups:
            if not one["severe"] < one["mild"] <= one["limit"]:
                text = "severe, mild and limit are not in rising order"
                yield Problem(FILE, f"anaemia {one['group']}", text, start)


def _windows(documents: Documents, on: date | None) -> Iterator[Problem]:
    """Every interval has one row; overdue ends after on time; no dose on time is too soon."""
    dated = documents.list_of("limits", "dose_windows")
    yield from versions(FILE, "dose_windows", dated, on)
    for version in dated:
        rows, start = version["rows"], version["from"]
        if rows[0]["from_days"] != 0:
            yield Problem(FILE, "dose_windows", "does not begin at 0 days", start)
        for earlier, later in pairwise(rows):
            if later["from_days"] <= earlier["from_days"]:
                text = f"{later['from_days']} days come after {earlier['from_days']} days"
                yield Problem(FILE, "dose_windows", text, start)
        for row in rows:
            where = f"dose_windows from {row['from_days']} days"
            if row["late"] >= row["missed_after"]:
                yield Problem(FILE, where, "a dose is missed before it is overdue", start)
            if row["from_days"] and row["from_days"] - row["early"] < row["least_gap"]:
                yield Problem(FILE, where, "a dose on time would be too soon", start)
