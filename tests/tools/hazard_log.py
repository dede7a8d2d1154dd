"""The hazard log: its file as data, and the page that people read."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HAZARDS = Path(__file__).parents[2] / "profiles" / "safety" / "hazards.toml"
LIKELIHOODS = ("very-low", "low", "medium", "high", "very-high")
KINDS = {"design": "Design", "training": "Training (the site)"}
UNACCEPTABLE, UNDESIRABLE = 4, 3

Log = Mapping[str, Any]


def read_log() -> Log:
    """The log as it stands in its file."""
    return tomllib.loads(HAZARDS.read_text(encoding="utf-8"))


def risk(log: Log, estimate: list[str]) -> int:
    """1 to 5, from severity and likelihood. Raises `KeyError` or `ValueError` for other words."""
    severity, likelihood = estimate
    cells: list[int] = log["matrix"][likelihood]
    return cells[log["matrix"]["severities"].index(severity)]


def page(log: Log) -> str:
    """The whole log as Markdown; equal for equal logs, ends with a newline."""
    parts = (_head(log), _overview(log), _matrix(log), *(_hazard(log, h) for h in log["hazard"]))
    return "\n".join(line for part in parts for line in part)


def _head(log: Log) -> Iterator[str]:
    signed = log["log"]["reviewed_by"]
    yield "# Hazard log"
    yield ""
    yield "Generated from `hazards.toml`; do not edit (a test compares)."
    yield ""
    if signed:
        yield f"Reviewed by {signed}."
    else:
        yield (
            "**This is no completed clinical safety case. No clinical safety officer has signed "
            "it.** It is a skeleton in the manner of DCB0129, kept by the engineers: severity and "
            "likelihood are their estimates, owners are not named, and no risk is accepted. Who "
            "uses the program with patients needs a safety case of their own."
        )
    yield ""
    yield f"In scope: {log['log']['scope']}"
    yield ""
    yield f"Not in scope yet: {log['log']['not_in_scope']}"
    yield ""


def _overview(log: Log) -> Iterator[str]:
    yield "| hazard | what could happen | risk without controls | with controls | status |"
    yield "|---|---|---|---|---|"
    for one in log["hazard"]:
        link = f"[{one['id']}](#{one['id'].lower()})"
        before, after = (_risk(log, one[name]) for name in ("initial", "residual"))
        yield f"| {link} | {one['title']} | {before} | {after} | {one['status']} |"
    yield ""


def _risk(log: Log, estimate: list[str]) -> str:
    level = risk(log, estimate)
    word = "unacceptable" if level >= UNACCEPTABLE else "undesirable"
    return f"{level}, {word}" if level >= UNDESIRABLE else str(level)


def _matrix(log: Log) -> Iterator[str]:
    severities = log["matrix"]["severities"]
    yield "Risk by severity and likelihood; 3 is undesirable, 4 and 5 are unacceptable. The cells"
    yield "are to be checked against the standard by the safety officer."
    yield ""
    yield f"| likelihood | {' | '.join(severities)} |"
    yield f"|---|{'---|' * len(severities)}"
    for likelihood in reversed(LIKELIHOODS):
        yield f"| {likelihood} | {' | '.join(str(cell) for cell in log['matrix'][likelihood])} |"
    yield ""


def _hazard(log: Log, one: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {one['id']}"
    yield ""
    yield f"**{one['title']}**"
    yield ""
    for label in ("cause", "effect", "harm"):
        yield f"- {label.capitalize()}: {one[label]}"
    for name, label in (("initial", "Without controls"), ("residual", "With controls")):
        severity, likelihood = one[name]
        level = _risk(log, one[name])
        yield f"- {label}: severity {severity}, likelihood {likelihood}, risk {level}"
    yield f"- Owner: {one['owner'] or 'not named yet'}. Status: {one['status']}."
    yield ""
    for control in one["control"]:
        yield f"{KINDS[control['kind']]}: {control['text']}"
        yield ""
        if tests := control.get("tests"):
            yield from (f"- `{test}`" for test in tests)
            yield ""
