"""Courses and rows: complete, reachable, one row a cause, each dose by a route its label allows."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from b12fhir.protocol.documents import Document, Documents
from b12fhir.protocol.lint.repeats import repeats
from b12fhir.protocol.names import CAUSES, CONDITIONS, INJECTED, SWALLOWED
from b12fhir.protocol.problems import Problem
from b12fhir.protocol.versions import in_force

FILE = "regimens.toml"
_LOADS = ("load", "severe", "severe_neuro")
_ORALS = ("oral", "oral_mother")
_DAYS = {"d": 1, "wk": 7}
_AFTER_NEURO = ("severe_neuro", "im_maintenance_neuro")
# The ways through a row: the courses given one after the other.
_PATHS = (
    *((load, "im_maintenance") for load in _LOADS),
    _AFTER_NEURO,
    *((oral, "oral_maintenance") for oral in _ORALS),
    ("oral_maintenance",),
    ("prophylaxis",),
)


def regimen_problems(documents: Documents, on: date | None) -> Iterator[Problem]:
    """Everything that is wrong with regimens.toml."""
    courses = documents.list_of("regimens", "course")
    rows = documents.list_of("regimens", "regimen")
    yield from repeats(FILE, "course", (course["id"] for course in courses))
    yield from repeats(FILE, "regimen", (row["id"] for row in rows))
    yield from _causes(documents)
    most = _most(documents, on)
    for course in courses:
        yield from _course(course, documents, most)
    known = {course["id"]: course for course in courses}
    for row in rows:
        yield from _row(row, known, {one["id"] for one in documents.list_of("monitoring", "set")})
    used = {row[key] for row in rows for path in _PATHS for key in path if key in row}
    for name in sorted(known.keys() - used):
        yield Problem(FILE, f"course {name}", "is reached from no row")


def _causes(documents: Documents) -> Iterator[Problem]:
    rows = documents.list_of("regimens", "regimen")
    held = [cause for row in rows for cause in row.get("causes", [])]
    without = set(documents.toml["regimens"].get("no_row_for", []))
    yield from repeats(FILE, "cause", held)
    for cause in sorted(CAUSES - set(held) - without):
        yield Problem(FILE, f"cause {cause}", "has no row, and no_row_for does not say so")
    for cause in sorted((set(held) | without) - CAUSES - CONDITIONS):
        yield Problem(FILE, f"cause {cause}", "is not known")
    for cause in sorted(without & set(held)):
        yield Problem(FILE, f"cause {cause}", "has a row and stands in no_row_for")
    yield from _conditions([row["condition"] for row in rows if "condition" in row], without)


def _conditions(held: list[str], without: set[str]) -> Iterator[Problem]:
    yield from repeats(FILE, "condition", held)
    for name in sorted(CONDITIONS - set(held) - without):
        yield Problem(FILE, f"condition {name}", "has no row, and no_row_for does not say so")
    for name in sorted(set(held) - CONDITIONS):
        yield Problem(FILE, f"condition {name}", "is not known")


def _most(documents: Documents, on: date | None) -> Decimal | None:
    """The single dose above which none is given (R-103)."""
    for entry in documents.list_of("limits", "limit"):
        held = in_force(entry["version"], on)
        if entry["id"] == "max_single_dose_ug" and held is not None:
            return Decimal(held["value"])
    return None


def _course(course: Document, documents: Documents, most: Decimal | None) -> Iterator[Problem]:
    key = f"course {course['id']}"
    products = {one["id"]: one for one in documents.list_of("products", "product")}
    yield from repeats(FILE, key, (phase["id"] for phase in course["phase"]))
    for phase in course["phase"]:
        where = f"{key}, phase {phase['id']}"
        product = products.get(phase["product"])
        if product is None:
            yield Problem(FILE, where, f"names product {phase['product']}, which is not known")
        elif phase["route"] not in product["routes"]:
            text = f"gives {product['id']} by {phase['route']}, which its label does not allow"
            yield Problem(FILE, where, text)
        yield from _dose(phase, where, most)
        yield from _days(phase, where)


def _dose(phase: Document, where: str, most: Decimal | None) -> Iterator[Problem]:
    dose, dose_max = phase["dose"], phase.get("dose_max", phase["dose"])
    if dose_max < dose:
        yield Problem(FILE, where, f"has the range {dose} to {dose_max}")
    if most is not None and max(dose, dose_max) > most:
        yield Problem(FILE, where, f"gives {max(dose, dose_max)} ug at once; the most is {most} ug")
    for name in ("interval", "after", "duration"):
        span = phase.get(name, {})
        if span.get("max", span.get("value", 0)) < span.get("value", 0):
            yield Problem(FILE, where, f"{name} ends before it begins")


def _days(phase: Document, where: str) -> Iterator[Problem]:
    """Days of an interval lie inside it, in order; dates of a range lie inside the range."""
    interval, days = phase["interval"], phase.get("days", [])
    if days and interval["unit"] == "mo":
        yield Problem(FILE, where, "names days of an interval in months, which differ in length")
    length = interval["value"] * _DAYS.get(interval["unit"], 1)
    if days and (days != sorted(days) or days[0] != 0 or days[-1] >= length):
        yield Problem(FILE, where, f"has days {days}: they run from 0, inside {length} days")
    if ("step" in phase) != ("max" in interval):
        yield Problem(FILE, where, "a range of intervals and a step to date it go together")


def _row(row: Document, courses: dict[str, Document], sets: set[str]) -> Iterator[Problem]:
    key = f"regimen {row['id']}"
    named = {name for path in _PATHS for name in path if name in row}
    for name in sorted(named):
        if row[name] not in courses:
            yield Problem(FILE, key, f"{name} names course {row[name]}, which is not known")
    for name in (*row.get("prophylaxis_monitoring", []), *row.get("monitoring", [])):
        if name not in sets:
            yield Problem(FILE, key, f"names monitoring set {name}, which is not known")
    yield from _complete(row, key)
    if all(row[name] in courses for name in named):
        for path in _PATHS:
            # A row need not have a maintenance of its own after the load for nerves.
            if path[0] in row and (path != _AFTER_NEURO or path[1] in row):
                yield from _path(row, path, courses)


def _complete(row: Document, key: str) -> Iterator[Problem]:
    """All three phases are written before the first dose, for every grade (R-120)."""
    for name in (*_LOADS, "im_maintenance"):
        if name not in row:
            yield Problem(FILE, key, f"has no {name}: severe disease is treated whatever its cause")
    if "oral" in row and "oral_maintenance" not in row:
        yield Problem(FILE, key, "has an oral treatment and no oral_maintenance")


def _path(row: Document, path: tuple[str, ...], courses: dict[str, Document]) -> Iterator[Problem]:
    """One way through the row: routes agree, only the last phase is open-ended, ids differ."""
    key = f"regimen {row['id']}, {path[0]}"
    phases = [phase for name in path if name in row for phase in courses[row[name]]["phase"]]
    yield from repeats(FILE, key, (phase["id"] for phase in phases))
    open_ended = [not phase["count"] and "duration" not in phase for phase in phases]
    if any(open_ended[:-1]):
        yield Problem(FILE, key, "goes on after a phase without end")
    if not open_ended[-1]:
        yield Problem(FILE, key, "has an end: nothing keeps the stores full after it")
    routes = {phase["route"] for phase in phases}
    wanted = _routes(row, path[0])
    if not routes <= wanted:
        text = f"is given by {', '.join(sorted(routes))}, not by {' or '.join(sorted(wanted))}"
        yield Problem(FILE, key, text)


def _routes(row: Document, first: str) -> frozenset[str]:
    if first == "prophylaxis":
        return frozenset({row["prophylaxis_route"]})
    return INJECTED if first in _LOADS else SWALLOWED
