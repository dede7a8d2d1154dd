"""The parts of JSON that a proposal and an explanation share.

Every property that a schema names is always there; one that does not apply is ``null``.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from b12fhir import __version__
from b12fhir.kernel.evidence import Issue, Remark
from b12fhir.protocol.model import Citation, Pack
from b12fhir.service.reasons import Fact, Reason, Source
from b12fhir.service.wording import OURSELVES


def head(version: str, patient: str, as_of: datetime, pack: Pack) -> dict[str, Any]:
    """Which form it has, whom and what moment it is about, who made it, by which protocol (R-201).

    ``as_of`` is in the site's zone: its date is the day that was decided for.
    """
    return {
        "schema_version": version,
        "patient": patient,
        "as_of": as_of.isoformat(),
        "engine": {"name": "b12fhir", "version": __version__},
        "pack": _pack(pack),
    }


def _pack(pack: Pack) -> dict[str, Any]:
    review = pack.review
    return {
        "id": pack.id,
        "version": pack.version,
        "date": pack.date.isoformat(),
        "review": {
            "status": review.status,
            "by": review.by or None,
            "on": review.on.isoformat() if review.on else None,
        },
    }


def finding(one: Reason) -> dict[str, Any]:
    """A rule met, with its facts."""
    return {
        "rule": one.rule,
        "title": one.title,
        "truth": one.truth.value,
        "text": one.text,
        "note": one.note or None,
        "inputs": inputs(one.facts),
        "citation": citation(one.citation),
    }


def inputs(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """The facts as recorded."""
    return [
        {
            "name": fact.name or None,
            "reference": fact.used.reference or None,
            "value": fact.used.value,
            "unit": fact.used.unit or None,
            "date": fact.used.date or None,
        }
        for fact in facts
    ]


def citation(one: Citation) -> dict[str, Any]:
    """Who says so, and how strong that is, mark by mark: "seed; (unverified)" has two."""
    marks = (mark.strip().strip("()") for mark in one.evidence.split(";"))
    return {
        "sources": [source for source in one.sources if source != OURSELVES],
        "evidence": list(marks),
    }


def sources(cited: Iterable[Source]) -> list[dict[str, Any]]:
    """The titles of what is cited."""
    return [{"id": one.id, "title": one.title} for one in cited]


def remark(one: Remark) -> dict[str, Any]:
    """A gap, caution, contraindication or mimic."""
    return {"id": one.id, "text": one.text, "rule": one.rule}


def issue(one: Issue) -> dict[str, Any]:
    """Something in the input that was set aside or doubted."""
    return {
        "code": one.code,
        "severity": one.severity.value,
        "relevant": one.relevant,
        "resource": one.resource or None,
        "text": one.text,
    }
