"""Goals: what the blood should look like when the plan measures it again.

A goal is written only where three things are known: a value that was abnormal, the limit that
called it so, and a day on which the plan measures it again (haemoglobin: R-144 and R-145, cell
volume and metabolites: R-145). B12 is no goal: after doses its level proves nothing (R-150).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from b12fhir.decision.anaemia import normal_hemoglobin
from b12fhir.decision.case import Case
from b12fhir.decision.metabolites import mma_cutoffs
from b12fhir.facts.labs import LabResult
from b12fhir.fhir.compose.entry import Context, compact, identifier, meta, references
from b12fhir.fhir.dosage import number
from b12fhir.fhir.identity import GOAL
from b12fhir.fhir.narrative import PROPOSAL_NOTICE, short
from b12fhir.kernel.analyte import Analyte
from b12fhir.kernel.codes import LOINC, UCUM
from b12fhir.kernel.quantities import plain
from b12fhir.kernel.truth import Truth


@dataclass(frozen=True, slots=True)
class _Measure:
    """One thing that is measured again: by which test of a plan, and in which LOINC code."""

    name: str
    words: str
    test: str
    loinc: str


# The codes fix the unit: grams per volume, femtolitre, moles per volume.
_HEMOGLOBIN = _Measure("hemoglobin", "Haemoglobin", "cbc", "718-7")
_MCV = _Measure("mcv", "Mean cell volume", "cbc", "787-2")
_MMA = _Measure("mma", "Methylmalonic acid", "mma", "13964-2")
_HOMOCYSTEINE = _Measure("homocysteine", "Homocysteine", "homocysteine", "13965-9")


@dataclass(frozen=True, slots=True)
class _Target:
    measure: _Measure
    side: str
    limit: Decimal
    unit: str


def goals(ctx: Context) -> Iterator[dict[str, Any]]:
    """At most three: haemoglobin, cell volume, and the metabolite that was raised."""
    if ctx.plan.kind != "treat":
        return
    for target in _targets(ctx):
        due = _due(ctx, target.measure.test)
        if due is not None:
            yield _goal(ctx, target, due)


def _targets(ctx: Context) -> Iterator[_Target]:
    yield from _hemoglobin(ctx)
    yield from _cell_volume(ctx)
    yield from _metabolite(ctx)


def _hemoglobin(ctx: Context) -> Iterator[_Target]:
    result = _used(ctx, "R-53", Analyte.HEMOGLOBIN)
    if result is not None:
        limit = normal_hemoglobin(_case(ctx))
        if limit is not None:
            yield _Target(_HEMOGLOBIN, "low", limit, result.amount.unit)


def _cell_volume(ctx: Context) -> Iterator[_Target]:
    result = _used(ctx, "R-02", Analyte.MCV)
    if result is not None:
        limit = _upper(result, ctx.protocol.limits.mcv_high)
        yield _Target(_MCV, "high", limit, result.amount.unit)


def _metabolite(ctx: Context) -> Iterator[_Target]:
    """MMA is the more specific of the two, so one of them is enough."""
    mma = _used(ctx, "R-36", Analyte.MMA)
    if mma is not None:
        cutoffs = mma_cutoffs(_case(ctx), mma)
        if len(set(cutoffs)) == 1:
            yield _Target(_MMA, "high", cutoffs[0], mma.amount.unit)
        return
    homocysteine = _used(ctx, "R-43", Analyte.HOMOCYSTEINE)
    if homocysteine is not None:
        limit = _upper(homocysteine, ctx.protocol.limits.homocysteine_high)
        yield _Target(_HOMOCYSTEINE, "high", limit, homocysteine.amount.unit)


def _used(ctx: Context, rule: str, analyte: Analyte) -> LabResult | None:
    """The result that a rule found abnormal."""
    named = {
        fact.reference
        for finding in ctx.decision.findings
        if finding.rule == rule and finding.truth is Truth.YES
        for fact in finding.facts
    }
    found: Iterable[LabResult] = (
        result
        for result in ctx.facts.labs
        if result.analyte is analyte and result.reference in named
    )
    return next(iter(found), None)


def _upper(result: LabResult, otherwise: Decimal) -> Decimal:
    own = result.lab_range.high
    return own.value if own is not None else otherwise


def _case(ctx: Context) -> Case:
    """The case on d0: age and week of pregnancy as the plan began, whatever day it is run."""
    return Case(ctx.facts, ctx.protocol, ctx.plan.start)


def _due(ctx: Context, test: str) -> date | None:
    """The last day on which the plan does the test; a baseline on d0 shows no success."""
    days = [day for one in ctx.plan.monitoring if one.test == test for day in one.due]
    last = max(days, default=ctx.plan.start)
    return last if last > ctx.plan.start else None


def _goal(ctx: Context, target: _Target, due: date) -> dict[str, Any]:
    measure = target.measure
    bound = "at least" if target.side == "low" else "at most"
    text = f"{measure.words} {bound} {plain(target.limit)} {target.unit} by {due.isoformat()}"
    return compact(
        {
            "resourceType": "Goal",
            "meta": meta(ctx.site, "b12-goal"),
            "text": short(text),
            "identifier": [identifier(ctx.site, GOAL, ctx.key.child(measure.name))],
            "lifecycleStatus": "proposed",
            "description": {"text": text},
            "subject": ctx.patient,
            "startDate": ctx.start,
            "target": [
                {
                    "measure": {"coding": [_coding(ctx, measure)], "text": measure.words},
                    "detailRange": {target.side: _quantity(target)},
                    "dueDate": due.isoformat(),
                }
            ],
            "addresses": references(ctx.conditions),
            "note": [{"text": PROPOSAL_NOTICE}],
        }
    )


def _coding(ctx: Context, measure: _Measure) -> dict[str, str]:
    known = ctx.protocol.analytes.codes[measure.loinc]
    coding = {"system": LOINC, "code": measure.loinc}
    return coding | ({"display": known.display} if known.display else {})


def _quantity(target: _Target) -> dict[str, Any]:
    unit = target.unit
    return {"value": number(target.limit), "unit": unit, "system": UCUM, "code": unit}
