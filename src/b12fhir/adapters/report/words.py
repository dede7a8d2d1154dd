"""Words for a terminal or a page: what a person reads, with nothing in it that steers either."""

import re

from b12fhir.decision.model import Decision
from b12fhir.fhir.dosage import route_text
from b12fhir.kernel.evidence import Input
from b12fhir.protocol.model import Pack
from b12fhir.service.wording import CLASSES, URGENCIES, plan_in_words, short, test, unit_text

__all__ = [
    "CLASSES",
    "URGENCIES",
    "clean",
    "fact",
    "pack_line",
    "plan_in_words",
    "route",
    "safe",
    "severity",
    "short",
    "test",
]

# Control characters could rewrite a terminal line; bidirectional marks could reorder one.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def clean(text: str) -> str:
    """Text from a record on one line, without anything that steers a terminal or a page."""
    return safe(" ".join(text.split()))


def safe(text: str) -> str:
    """Replace what steers a terminal or a page; blanks stay as they are."""
    return _UNSAFE.sub("\ufffd", text)


def severity(decision: Decision) -> str:
    """``severe (neuro)``, ``mild``; a dash where nothing is graded."""
    grade = decision.severity.value
    word = "-" if grade == "none" else grade
    return f"{word} (neuro)" if decision.neuro else word


def route(name: str | None) -> str:
    """The route in full, or a dash for none."""
    return route_text(name) if name else "-"


def fact(one: Input) -> str:
    """A fact as recorded, its day and where it stands."""
    amount = f"{one.value} {unit_text(one.unit)}".strip()
    when = f" on {one.date}" if one.date else ""
    where = f" [{one.reference}]" if one.reference else ""
    return clean(f"{amount}{when}{where}")


def pack_line(pack: Pack) -> str:
    """Which protocol speaks and who has signed it."""
    review = pack.review
    if review.status == "unreviewed":
        signed = "unreviewed: no clinician has signed this pack"
    else:
        signed = f"{review.status} by {review.by} on {review.on}"
    return f"Protocol pack {pack.id} {pack.version} of {pack.date.isoformat()}, {signed}."
