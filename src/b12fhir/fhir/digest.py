"""Fingerprints: what was decided, and what a resource says.

The decision digest answers "is there anything new?" and holds no date of a run. The content digest
answers "must the stored draft be rewritten?"; it is blind to what a server adds (ids, meta, the
layout of the narrative) and to links between our own resources, so that the digest of a stored
resource equals the digest it was written with unless somebody changed its content.
"""

import hashlib
import html
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache
from typing import Any, Never

import msgspec

from b12fhir.decision.model import Cause, Decision
from b12fhir.fhir.identity import CONTENT_DIGEST, DECISION_DIGEST, TREATMENT_DIGEST
from b12fhir.fhir.site import Site
from b12fhir.kernel.evidence import Input
from b12fhir.kernel.quantities import plain
from b12fhir.plan.model import Phase, Plan
from b12fhir.protocol.model import Pack, Span

# Set by the server, or links from one of our resources to another: those become server ids.
_NOT_CONTENT = frozenset({"id", "meta", "author", "requester", "replaces", "focus"})
_NOT_CONTENT_OF = {"RiskAssessment": _NOT_CONTENT | {"performer"}}
# Lists that hold links to our own resources, and where their number counts: a link that somebody
# else added or removed is a change.
_LINKED = ("goal", "detectedIssue", "supportingInfo", "activity")
_OURS = frozenset({"Goal", "RiskAssessment", "DetectedIssue"})
_DIGESTS = (CONTENT_DIGEST, DECISION_DIGEST, TREATMENT_DIGEST)
_TAG = re.compile(r"<[^>]*>")


def decision_digest(decision: Decision, plan: Plan, pack: Pack) -> str:
    """SHA-256 over the used facts by content, the verdict, the treatment and the pack version."""
    return _sha256(
        {
            "pack": [pack.id, pack.version],
            "facts": _facts(decision),
            "classification": decision.classification.value,
            "severity": decision.severity.value,
            "neuro": decision.neuro,
            "urgency": decision.urgency.value,
            "causes": [_cause(cause) for cause in decision.causes],
            "contraindications": sorted(remark.id for remark in decision.contraindications),
            "kind": decision.intent.kind,
            "route": decision.route,
            "regimen": plan.regimen,
            "phases": [_phase(phase) for phase in plan.phases],
            "tests": sorted({monitor.test for monitor in plan.monitoring}),
        }
    )


def treatment_digest(decision: Decision, plan: Plan) -> str:
    """SHA-256 over the treatment alone: no facts and no dates.

    It says whether a plan that somebody signed would be treated otherwise today (ruling 7).
    """
    return _sha256(
        {
            "kind": plan.kind,
            "regimen": plan.regimen,
            "phases": [_phase(phase) for phase in plan.phases],
            "contraindications": sorted(remark.id for remark in decision.contraindications),
        }
    )


def content_digest(resource: Mapping[str, Any], site: Site) -> str:
    """SHA-256 over what a resource says, whoever stored it."""
    return hashlib.sha256(_canonical(_content(resource, site))).hexdigest()


def stored_digest(resource: Mapping[str, Any], site: Site) -> str:
    """The content digest a stored resource was written with; ``""`` if it carries none."""
    return identifier_value(resource, site.system(CONTENT_DIGEST))


def identifier_value(resource: Mapping[str, Any], system: str) -> str:
    """Value of the first identifier in ``system``; ``""`` if there is none."""
    entries = resource.get("identifier")
    if not isinstance(entries, list):
        return ""
    values = (entry.get("value") for entry in entries if entry.get("system") == system)
    return next((value for value in values if isinstance(value, str)), "")


def untouched(resource: Mapping[str, Any], site: Site) -> bool:
    """Does a stored resource still say what we wrote?"""
    return stored_digest(resource, site) == content_digest(resource, site)


def _facts(decision: Decision) -> list[list[str]]:
    """Used facts without their server ids: a result sent twice is the same fact."""
    used = [(finding.rule, fact) for finding in decision.findings for fact in finding.facts]
    used += [(cause.rule, fact) for cause in decision.causes for fact in cause.facts]
    # Most facts are used by several rules: each is put into words once.
    shown = {id(fact): _shown(fact.as_input()) for fact in {id(f): f for _, f in used}.values()}
    said = {(rule, *shown[id(fact)]) for rule, fact in used}
    return [list(fact) for fact in sorted(said)]


def _shown(fact: Input) -> tuple[str, str, str, str]:
    return (fact.reference.partition("/")[0], fact.value, fact.unit, fact.date)


def _cause(cause: Cause) -> list[object]:
    return [cause.cause, cause.bucket.value, cause.confidence.value, cause.lasts, cause.governs]


def _phase(phase: Phase) -> list[object]:
    return [
        phase.id,
        phase.product.id,
        phase.route,
        phase.dose,
        phase.dose_max,
        _span(phase.interval),
        phase.count,
        _span(phase.duration),
        list(phase.days),
        _span(phase.step),
    ]


def _span(span: Span | None) -> list[object] | None:
    return None if span is None else [span.value, span.max, span.unit]


def _content(resource: Mapping[str, Any], site: Site) -> dict[str, Any]:
    left_out = _NOT_CONTENT_OF.get(resource.get("resourceType", ""), _NOT_CONTENT)
    content = {key: value for key, value in resource.items() if key not in left_out}
    digests = _digest_systems(site.canonical)
    content["identifier"] = [
        entry for entry in resource.get("identifier", ()) if entry.get("system") not in digests
    ]
    if "text" in content:
        content["text"] = _visible(content["text"].get("div", ""))
    for name in _LINKED:
        if name in content:
            foreign = [entry for entry in content[name] if not _is_own_link(entry)]
            content[name] = [*foreign, len(content[name]) - len(foreign)]
    return content


@lru_cache(maxsize=4)
def _digest_systems(canonical: str) -> tuple[str, ...]:
    """The systems of our digests; a run has one site, so one base is asked for again and again."""
    site = Site(canonical=canonical)
    return tuple(site.system(name) for name in _DIGESTS)


def _is_own_link(entry: Mapping[str, Any]) -> bool:
    """A link to a part of the same plan: a temporary address, or what a server made of it."""
    link = entry.get("reference")
    if not isinstance(link, str):
        return link is not None
    return link.startswith("urn:") or link.split("/")[-2:][0] in _OURS


def _visible(div: str) -> str:
    """The words of a narrative: servers indent and escape XHTML each in their own way."""
    return " ".join(html.unescape(_TAG.sub(" ", div)).split())


def _sha256(value: object) -> str:
    return hashlib.sha256(_CANONICAL.encode(value).encode()).hexdigest()


def _canonical(value: object) -> bytes:
    """The form a digest is taken of, the quick way where it gives the same bytes.

    The quick encoder also writes what has no place in JSON (days, sets, decimals, records), as
    texts and lists. What it wrote counts only if it reads back as the very value, in plain ASCII
    and whole numbers; all else goes the slow way, and is refused there where it must be.
    """
    with suppress(TypeError, ValueError, OverflowError, RecursionError):
        quick = _QUICK.encode(value)
        if quick.isascii() and _DELETE not in quick and _READ_BACK.decode(quick) == value:
            return quick
    return _CANONICAL.encode(value).encode()


def _fraction(number: str) -> Never:
    raise ValueError(number)


def _number(value: object) -> object:
    """Decimals by amount: a server may answer 1000.0 where 1000 was sent, or 2.50 for 2.5."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no canonical form")
    return int(value) if value == value.to_integral_value() else {"decimal": plain(value)}


_QUICK = msgspec.json.Encoder(order="sorted")
_READ_BACK = msgspec.json.Decoder(float_hook=_fraction)
# The one character of ASCII that the slow encoder alone escapes.
_DELETE = b"\x7f"
# Not `b12fhir.fhir.json.canonical`: that keeps 1000.0 and 1000 apart, digit for digit.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_number)
