"""DetectedIssues: one for each caution and contraindication, for other programs to show."""

from collections.abc import Iterator
from typing import Any

from b12fhir.fhir.compose.entry import (
    Context,
    author,
    compact,
    identifier,
    literal,
    meta,
    references,
)
from b12fhir.fhir.dosage import product_text
from b12fhir.fhir.identity import DETECTED_ISSUE
from b12fhir.fhir.narrative import clean, short
from b12fhir.kernel.evidence import Input, Remark
from b12fhir.kernel.truth import Truth

# Beside every contraindication: cautions whose text speaks of death or of lasting damage, which is
# what FHIR calls high.
_GRAVE = frozenset(
    {"folate-low", "folic-acid", "lasting-damage", "potassium-before-dose-1", "potassium-low"}
)
# The test of a plan that watches for what a caution warns of.
_WATCHED = {
    "potassium-low": "potassium",
    "potassium-before-dose-1": "potassium",
    "polycythaemia-vera": "cbc",
}
_DRUGS = frozenset(
    {"MedicationRequest", "MedicationStatement", "MedicationAdministration", "MedicationDispense"}
)


def detected_issues(ctx: Context) -> Iterator[dict[str, Any]]:
    """Contraindications first; two remarks of one id are one issue."""
    forbidding = {remark.id: remark for remark in ctx.decision.contraindications}
    warning = {r.id: r for r in ctx.decision.cautions if r.id not in forbidding}
    for remark in forbidding.values():
        yield _issue(ctx, remark, "high", _instead(ctx))
    for remark in warning.values():
        grave = "high" if remark.id in _GRAVE else "moderate"
        yield _issue(ctx, remark, grave, _watch(ctx, remark))


def _issue(ctx: Context, remark: Remark, severity: str, action: str) -> dict[str, Any]:
    rule = ctx.protocol.rules.get(remark.rule)
    title = rule.title if rule is not None else remark.id.replace("-", " ").capitalize()
    records = literal(_records(ctx, remark.rule))
    drugs = [link for link in records if link.partition("/")[0] in _DRUGS]
    other = [link for link in records if link not in drugs]
    text = clean(remark.text)
    return compact(
        {
            "resourceType": "DetectedIssue",
            "meta": meta(ctx.site, "b12-detectedissue"),
            "text": short(text, action),
            "identifier": [identifier(ctx.site, DETECTED_ISSUE, ctx.key.child(remark.id))],
            "status": "preliminary",
            "code": {
                "coding": [{"system": ctx.site.code_system("issue"), "code": remark.id}],
                "text": title,
            },
            "severity": severity,
            "patient": ctx.patient,
            "identifiedDateTime": ctx.start,
            "author": author(ctx),
            "implicated": references(drugs),
            "evidence": [{"detail": references(other)}] if other else [],
            "detail": f"{text} ({remark.rule})",
            "mitigation": [{"action": {"text": action}}] if action else [],
        }
    )


def _records(ctx: Context, rule: str) -> Iterator[Input]:
    """What the rule of a remark was judged on, unless it was found not to hold."""
    for finding in ctx.decision.findings:
        if finding.rule == rule and finding.truth is not Truth.NO:
            yield from finding.inputs
    for cause in ctx.decision.causes:
        if cause.rule == rule:
            yield from cause.inputs


def _instead(ctx: Context) -> str:
    """What the plan does about something that forbids a treatment."""
    products = dict.fromkeys(product_text(phase.product) for phase in ctx.plan.phases)
    if not products:
        return "This plan proposes no vitamin B12 product."
    return f"This plan proposes no product but {' and '.join(products)}."


def _watch(ctx: Context, remark: Remark) -> str:
    """The test of this plan that watches for it, with its days."""
    test = _WATCHED.get(remark.id)
    days = [day for one in ctx.plan.monitoring if one.test == test for day in one.due]
    if test is None or not days:
        return ""
    dates = ", ".join(day.isoformat() for day in days)
    return f"{ctx.protocol.tests[test].label} is proposed on {dates}."
