"""Every number and rule says who says so, in words this protocol knows."""

from collections.abc import Iterator
from typing import Any

from b12fhir.protocol.documents import KNOWLEDGE, PACK, Documents
from b12fhir.protocol.lint.repeats import repeats
from b12fhir.protocol.problems import Problem

# The marks of the rule book (section 0), and one for constants of nature.
EVIDENCE = frozenset({"seed", "guideline", "(secondary)", "(unverified)", "choice", "constant"})
_RULES_FILE = "rules.toml"


def citation_problems(documents: Documents) -> Iterator[Problem]:
    """Unknown rules, sources and marks of evidence, wherever they are cited; rules told twice."""
    rules = [rule["id"] for rule in documents.list_of("rules", "rule")]
    sources = {source["id"] for source in documents.list_of("rules", "source")}
    yield from repeats(_RULES_FILE, "rule", rules)
    yield from _holes(rules)
    for name in (*KNOWLEDGE, *PACK):
        for key, entry in _entries(documents.toml[name], ""):
            file = f"{name}.toml"
            yield from _cited(file, key, entry, set(rules))
            yield from _sourced(file, key, entry, sources)


def _holes(rules: list[str]) -> Iterator[Problem]:
    """The catalogue counts through: a number left out would be a rule nobody answers for."""
    for number in range(1, len(rules) + 1):
        name = f"R-{number:02d}"
        if name not in rules:
            yield Problem(_RULES_FILE, name, "is missing from the catalogue")


def _entries(node: Any, key: str) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - TOML
    """Every table of a document with a name a reader finds it by."""
    if isinstance(node, dict):
        yield key or "(head)", node
        for name, child in node.items():
            yield from _entries(child, f"{key}.{name}" if key else name)
    elif isinstance(node, list):
        for place, child in enumerate(node):
            named = child.get("id", place) if isinstance(child, dict) else place
            yield from _entries(child, f"{key}[{named}]")


def _cited(file: str, key: str, entry: dict[str, Any], rules: set[str]) -> Iterator[Problem]:
    for field in ("rule", "prophylaxis_rule"):
        cited = entry.get(field)
        if isinstance(cited, str) and cited not in rules:
            yield Problem(file, key, f"cites rule {cited}, which is not in the catalogue")


def _sourced(file: str, key: str, entry: dict[str, Any], sources: set[str]) -> Iterator[Problem]:
    for source in entry.get("sources", []):
        if source not in sources:
            yield Problem(file, key, f"cites source {source}, which {_RULES_FILE} does not list")
    for mark in entry.get("evidence", "seed").split("; "):
        if mark not in EVIDENCE:
            known = ", ".join(sorted(EVIDENCE))
            yield Problem(file, key, f"has evidence '{mark}'; known: {known}")
