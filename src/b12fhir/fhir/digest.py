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
from typing import Any, NamedTuple, Never

import msgspec

from b12fhir.decision.model import Cause, Decision
from b12fhir.facts.labs import LabResult
from b12fhir.fhir.identity import CONTENT_DIGEST, DECISION_DIGEST, TREATMENT_DIGEST
from b12fhir.fhir.site import Site
from b12fhir.kernel.evidence import Fact, Finding
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
    before, after = _around_facts(
        pack.id,
        pack.version,
        _Verdict(
            decision.classification.value,
            decision.severity.value,
            decision.neuro,
            decision.urgency.value,
            tuple([_cause(cause) for cause in decision.causes]),
            tuple(sorted([remark.id for remark in decision.contraindications])),
        ),
        decision.intent.kind,
        decision.route,
        plan.regimen,
        plan.phases,
        frozenset([monitor.test for monitor in plan.monitoring]),
    )
    said = b"".join((before, _canonical_texts(_facts(decision)), after))
    return hashlib.sha256(said).hexdigest()


class _Verdict(NamedTuple):
    """What was decided, in the words that a digest is taken of."""

    classification: str
    severity: str
    neuro: bool
    urgency: str
    causes: tuple[tuple[object, ...], ...]
    contraindications: tuple[str, ...]


_FACTS = '"facts":'


@lru_cache(maxsize=1024)
def _around_facts(  # noqa: PLR0913, PLR0917 - what a digest is taken of, beside the facts
    pack: str,
    version: str,
    verdict: _Verdict,
    kind: str,
    route: str | None,
    regimen: str,
    phases: tuple[Phase, ...],
    tests: frozenset[str],
) -> tuple[bytes, bytes]:
    """The canonical text of all that does not name a patient's own facts, up to them and after.

    Remembered: on one day the same few verdicts and treatments come again and again.
    """
    whole = _CANONICAL.encode(
        {
            **verdict._asdict(),
            "pack": [pack, version],
            "facts": [],
            "kind": kind,
            "route": route,
            "regimen": regimen,
            "phases": [_phase(phase) for phase in phases],
            "tests": sorted(tests),
        }
    )
    # No text can hold these marks: inside of one they would be escaped.
    before, _, after = whole.partition(f"{_FACTS}[]")
    return f"{before}{_FACTS}".encode(), after.encode()


def _canonical_texts(texts: list[tuple[str, ...]]) -> bytes:
    """The canonical form of rows of plain texts.

    Where nothing in them is escaped, the quick encoder writes the same bytes.
    """
    with suppress(UnicodeEncodeError):
        quick = _QUICK.encode(texts)
        if quick.isascii() and b"\\" not in quick and _DELETE not in quick:
            return quick
    return _CANONICAL.encode(texts).encode()


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


def _facts(decision: Decision) -> list[tuple[str, ...]]:
    """Used facts without their server ids: a result sent twice is the same fact."""
    # Most facts are used by several rules: each is put into words once.
    shown: dict[int, tuple[str, ...]] = {}
    said = set()
    judged: list[Finding | Cause] = [*decision.findings, *decision.causes]
    for one in judged:
        for fact in one.facts:
            words = shown.get(id(fact))
            if words is None:
                words = shown[id(fact)] = _shown(fact)
            said.add((one.rule, *words))
    return sorted(said)


def _shown(fact: Fact) -> tuple[str, str, str, str]:
    kind = fact.reference.partition("/")[0]
    if type(fact) is LabResult:
        # What its `as_input` says: nearly all facts are results.
        return (kind, fact.recorded_value, fact.recorded_unit, fact.when.iso())
    said = fact.as_input()
    return (said.reference.partition("/")[0], said.value, said.unit, said.date)


def _cause(cause: Cause) -> tuple[object, ...]:
    return (cause.cause, cause.bucket.value, cause.confidence.value, cause.lasts, cause.governs)


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
