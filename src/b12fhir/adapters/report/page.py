"""The report as one HTML page: no script, no outside file, readable on screen, paper and by ear."""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

from b12fhir.adapters.report.view import anchor, class_counts, ordered, urgent_line
from b12fhir.adapters.report.words import clean, pack_line
from b12fhir.fhir.narrative import PROPOSAL_NOTICE
from b12fhir.protocol.model import Pack
from b12fhir.service.gist import Foremost, Gist
from b12fhir.service.rounds import DONE, RoundRow, RoundSums

_DAY = re.compile(r"\b(?:\d{4}-\d\d-\d\d|R-\d+)\b")


@dataclass(frozen=True, slots=True)
class RoundTable:
    """What a run did: its sums, and the rows that are shown, foremost first."""

    sums: RoundSums
    rows: Foremost[RoundRow]


def page(
    gist: Gist,
    issues: Sequence[str],
    pack: Pack,
    as_of: datetime,
    run: RoundTable | None = None,
) -> bytes:
    """The report: the same input gives the same bytes.

    ``issues`` says what could not be read of the input as a whole. ``run``: what a run over a
    server did, patient by patient.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - slow

    environment = Environment(
        loader=PackageLoader("b12fhir.adapters.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["dated"] = _dated
    views = ordered(gist)
    text = environment.get_template("report.html.j2").render(
        views=views,
        left_out=gist.kept.left_out,
        total=gist.total,
        counts=class_counts(gist),
        urgent=urgent_line(gist),
        any_urgent=gist.urgent > 0,
        issues=[clean(issue) for issue in issues],
        run=_run(run, {one.patient for one in views}) if run else None,
        pack=pack_line(pack),
        notice=PROPOSAL_NOTICE,
        day=as_of.date().isoformat(),
        zone=str(as_of.tzinfo),
    )
    return text.encode()


def _run(run: RoundTable, shown: Container[str]) -> dict[str, Any]:
    """The run in words; ``shown`` are the patients to whom a link can lead."""
    sums = run.sums
    return {
        "heads": [
            ("Patients", sums.patients),
            *((words, sums.counts[kind]) for kind, words in DONE.items() if kind in sums.counts),
            ("Waiting for the next run", sums.waiting),
            ("Resources read", sums.read),
            ("Resources written", sums.written),
            *([("Requests sent", sums.requests)] if sums.requests is not None else []),
        ],
        "dry": sums.dry_run,
        "notes": [clean(note) for note in sums.notes],
        "rows": [_row(row, shown) for row in run.rows],
        "left_out": run.rows.left_out,
    }


def _row(row: RoundRow, shown: Container[str]) -> dict[str, Any]:
    patient = clean(row.patient)
    more = [f"late: {late}" for late in row.overdue] + ([row.problem] if row.problem else [])
    return {
        "short": patient.removeprefix("Patient/"),
        "anchor": anchor(patient) if patient in shown else "",
        "done": DONE[row.kind],
        "why": clean(row.reason),
        "aside": [clean(text) for text in (*more, *row.set_aside)],
    }


def _dated(text: str) -> Markup:
    """The text, escaped, with days and rule numbers that do not break over two lines."""
    return Markup(_DAY.sub(r'<span class="day">\g<0></span>', str(escape(text))))  # noqa: S704 - escaped
