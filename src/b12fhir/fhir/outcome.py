"""OperationOutcome in plain words, parted into what may be logged and what may not.

A server's text can quote the resource it refused, so it may name a patient. Severity, issue code
and HAPI's own error numbers cannot: those make the summary. The text is for the user's terminal.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from b12fhir.errors import ServerError
from b12fhir.ports import Resource

_HAPI = re.compile(r"HAPI-\d{3,5}")
_TOKEN = re.compile(r"[a-z][a-z-]{0,30}\Z")
_HARMFUL = frozenset({"warning", "error", "fatal"})
_MAX_TEXT = 2000


@dataclass(frozen=True, slots=True)
class OutcomeIssue:
    """One issue: severity and code as FHIR names them, and the server's own text."""

    severity: str
    code: str
    text: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a server said about a request."""

    issues: tuple[OutcomeIssue, ...]

    @property
    def is_harmful(self) -> bool:
        """Does any issue go beyond information? Then the answer may be incomplete."""
        return any(issue.severity in _HARMFUL for issue in self.issues)

    def summary(self) -> str:
        """Severities, codes and error numbers: safe to log."""
        parts = dict.fromkeys(f"{i.severity} {i.code}".strip() for i in self.issues)
        numbers = dict.fromkeys(n for i in self.issues for n in _HAPI.findall(i.text))
        return ", ".join((*parts, *numbers))

    def detail(self) -> str:
        """The server's own words: may quote a patient's data, so never to be logged."""
        lines = (f"{i.text} (at {i.where})" if i.where else i.text for i in self.issues)
        return "; ".join(line for line in lines if line)[:_MAX_TEXT]


def read_outcome(resource: object) -> Outcome | None:
    """Read an OperationOutcome; ``None`` if the resource is another one or none."""
    if not isinstance(resource, Mapping) or resource.get("resourceType") != "OperationOutcome":
        return None
    issues = resource.get("issue")
    rows = issues if isinstance(issues, list) else []
    return Outcome(tuple(_issue(row) for row in rows if isinstance(row, Mapping)))


def _issue(row: Mapping[str, Any]) -> OutcomeIssue:
    details = row.get("details")
    coded = details.get("text") if isinstance(details, Mapping) else None
    texts = [text for text in (row.get("diagnostics"), coded) if isinstance(text, str)]
    where = row.get("expression") or row.get("location")
    first = where[0] if isinstance(where, list) and where and isinstance(where[0], str) else ""
    return OutcomeIssue(
        _token(row.get("severity")), _token(row.get("code")), " ".join(texts).strip(), first
    )


def _token(value: object) -> str:
    """A code as FHIR spells codes; anything else might be text and is not repeated."""
    return value if isinstance(value, str) and _TOKEN.match(value) else "unknown"


def whole(resources: Iterable[Resource], kind: str, hint: str) -> Iterator[Resource]:
    """Pass matches of one type on; an answer that the server itself doubts is none.

    Raises `ServerError` with ``hint`` at the first outcome that is more than information.
    """
    for resource in resources:
        outcome = read_outcome(resource)
        if outcome is None:
            yield resource
        elif outcome.is_harmful:
            raise ServerError(
                f"The server warned while searching {kind} ({outcome.summary()}): "
                "the answer may not be whole.",
                hint=hint,
                detail=outcome.detail(),
            )
