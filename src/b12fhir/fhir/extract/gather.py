"""Found facts put together: sorted, corrections applied, what is of a kind counted."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from operator import attrgetter
from typing import Any, TypeVar

from b12fhir.facts.history import Concept
from b12fhir.facts.labs import LabResult, PresenceResult, RefusedLab
from b12fhir.facts.medicines import Allergy, B12Dose, DraftedDrug, Exposure
from b12fhir.facts.patient import Patient
from b12fhir.facts.record import Facts, OwnPlan
from b12fhir.fhir.extract.found import Found
from b12fhir.fhir.extract.issues import SUPERSEDED, quote
from b12fhir.fhir.extract.pregnancy import Statement, combine
from b12fhir.fhir.extract.record import Listed
from b12fhir.kernel.evidence import Issue

_Fact = TypeVar("_Fact")


def gather(patient: Patient, found: Iterable[Found], *, used: int, ignored: int) -> Facts:
    """All facts of one patient; every tuple is in an order the input cannot change."""
    kinds: defaultdict[type, list[Any]] = defaultdict(list)
    for one in found:
        kinds[type(one)].append(one)
    labs, superseded = _current(kinds.get(LabResult, []))
    issues = {*kinds.get(Issue, []), *superseded, *_listed(kinds.get(Listed, []))}
    return Facts(
        patient=patient,
        pregnancy=combine(kinds.get(Statement, [])),
        labs=_sorted_labs(labs),
        refused=_sorted(kinds.get(RefusedLab, [])),
        presences=_sorted(kinds.get(PresenceResult, [])),
        concepts=_sorted(kinds.get(Concept, [])),
        exposures=_sorted(kinds.get(Exposure, [])),
        drafted=_sorted(kinds.get(DraftedDrug, [])),
        doses=_sorted(kinds.get(B12Dose, [])),
        allergies=_sorted(kinds.get(Allergy, [])),
        own_plans=_sorted(kinds.get(OwnPlan, [])),
        issues=_sorted(issues, Issue.sort_key),
        used=used,
        ignored=ignored,
    )


def _sorted(facts: Collection[_Fact], key: Callable[[_Fact], Any] = repr) -> tuple[_Fact, ...]:
    """Sorted by all their content, unless a cheaper complete key is given."""
    # To sort one asks for its key all the same.
    return tuple(sorted(facts, key=key)) if len(facts) > 1 else tuple(facts)


def _sorted_labs(labs: list[LabResult]) -> tuple[LabResult, ...]:
    """Labs are many: where analyte, time and reference tell all apart, the rest is not asked."""
    apart = len({result.reference for result in labs}) == len(labs)
    return _sorted(labs, _short_key if apart else _lab_key)


_short_key = attrgetter("analyte.value", "when.first", "when.last", "when.text", "reference")


def _lab_key(result: LabResult) -> tuple[str, ...]:
    when, limits = result.when, result.lab_range
    return (
        result.analyte.value,
        when.first.isoformat(),
        when.last.isoformat(),
        when.text,
        result.reference,
        result.recorded_value,
        result.recorded_unit,
        f"{result.pending}{result.corrected}{result.issued_only}{result.lab_flag}",
        result.specimen,
        limits.low.text() if limits.low else "",
        limits.high.text() if limits.high else "",
    )


def _current(labs: list[LabResult]) -> tuple[list[LabResult], list[Issue]]:
    """R-16: a corrected result replaces what was reported of the same sample before."""
    corrected = [result for result in labs if result.corrected]
    if not corrected:
        return labs, []
    gone = [
        result
        for result in labs
        if not result.corrected and any(_replaces(one, result) for one in corrected)
    ]
    notes = [SUPERSEDED.issue(result.reference, "was replaced by a correction") for result in gone]
    return [result for result in labs if result not in gone], notes


def _replaces(correction: LabResult, earlier: LabResult) -> bool:
    if correction.analyte is not earlier.analyte:
        return False
    if correction.specimen and correction.specimen == earlier.specimen:
        return True
    return correction.when.same_moment(earlier.when)


def _listed(found: list[Listed]) -> list[Issue]:
    """One issue for all of a kind, with how often it came; the name shown is the first one."""
    counts = Counter((one.kind, one.what, one.relevant) for one in found)
    names: dict[tuple[object, ...], str] = {}
    for one in found:
        key = (one.kind, one.what, one.relevant)
        names[key] = min(names.get(key, one.shown), one.shown)
    return [
        kind.summary(f"{quote(names[kind, what, relevant], 60)} {what}", count, relevant=relevant)
        for (kind, what, relevant), count in counts.items()
    ]
