"""The RiskAssessment: the decision itself, in codes for programs and in words for people."""

from typing import Any

from b12fhir.decision.model import Classification
from b12fhir.fhir.compose.entry import (
    Context,
    author,
    compact,
    identifier,
    meta,
    references,
)
from b12fhir.fhir.identity import ASSESSMENT, DECISION_DIGEST
from b12fhir.fhir.narrative import PROPOSAL_NOTICE, pack_notice, reasons, short, summary

_RISK = "http://terminology.hl7.org/CodeSystem/risk-probability"
# FHIR's word for how likely a deficiency is. Where the record cannot tell, none is given.
_LIKELY = {
    Classification.CONFIRMED: "certain",
    Classification.INDETERMINATE_CONFIRMED: "certain",
    Classification.FUNCTIONAL: "certain",
    Classification.INDETERMINATE: "moderate",
    Classification.UNLIKELY: "low",
}


def risk_assessment(ctx: Context) -> dict[str, Any]:
    """Is there a deficiency, how sure, by which rules, and on which records."""
    return compact(
        {
            "resourceType": "RiskAssessment",
            "meta": meta(ctx.site, "b12-assessment"),
            "text": short(summary(ctx.decision)),
            "identifier": [
                identifier(ctx.site, ASSESSMENT, str(ctx.key)),
                identifier(ctx.site, DECISION_DIGEST, ctx.digest),
            ],
            "status": "preliminary",
            "method": _method(ctx),
            "code": {
                "coding": [_own(ctx, "assessment", "b12-deficiency")],
                "text": "Vitamin B12 deficiency assessment",
            },
            "subject": ctx.patient,
            "occurrenceDateTime": ctx.start,
            "performer": author(ctx),
            "basis": references(sorted({*ctx.conditions, *ctx.evidence})),
            "prediction": [_prediction(ctx)],
            "note": [{"text": PROPOSAL_NOTICE}, {"text": pack_notice(ctx.protocol.pack)}],
        }
    )


def _method(ctx: Context) -> dict[str, Any]:
    pack = ctx.protocol.pack
    rules = _own(ctx, "method", "b12-rules") | {"version": pack.version}
    return {"coding": [rules], "text": f"Rules of protocol pack {pack.id} version {pack.version}"}


def _prediction(ctx: Context) -> dict[str, Any]:
    classification = ctx.decision.classification
    likely = _LIKELY.get(classification)
    return compact(
        {
            "outcome": {
                "coding": [_own(ctx, "classification", classification.value)],
                "text": summary(ctx.decision),
            },
            "qualitativeRisk": {"coding": [{"system": _RISK, "code": likely}]} if likely else None,
            "rationale": _rationale(ctx),
        }
    )


def _rationale(ctx: Context) -> str:
    """The rules that spoke, with their facts; a class without any rests on what is missing."""
    spoken = reasons(ctx.decision, ctx.protocol)
    return " ".join(f"{line.rstrip('. ')}." for line in spoken) or "No rule spoke."


def _own(ctx: Context, system: str, code: str) -> dict[str, str]:
    return {"system": ctx.site.code_system(system), "code": code}
