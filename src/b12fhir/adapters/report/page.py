"""The report as one HTML page: no script, no outside file, readable on screen, paper and by ear."""

import re
from collections.abc import Sequence
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from b12fhir.adapters.report.view import class_counts, ordered, urgent_line
from b12fhir.adapters.report.words import clean, pack_line
from b12fhir.fhir.narrative import PROPOSAL_NOTICE
from b12fhir.protocol.model import Pack
from b12fhir.service import Proposal

_DAY = re.compile(r"\b(?:\d{4}-\d\d-\d\d|R-\d+)\b")


def page(
    proposals: Sequence[Proposal], issues: Sequence[str], pack: Pack, as_of: datetime
) -> bytes:
    """The report: the same input gives the same bytes.

    ``issues`` says what could not be read of the input as a whole.
    """
    environment = Environment(
        loader=PackageLoader("b12fhir.adapters.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["dated"] = _dated
    views = ordered(proposals)
    text = environment.get_template("report.html.j2").render(
        views=views,
        counts=class_counts(views),
        urgent=urgent_line(views),
        any_urgent=any(one.urgent for one in views),
        issues=[clean(issue) for issue in issues],
        pack=pack_line(pack),
        notice=PROPOSAL_NOTICE,
        day=as_of.date().isoformat(),
        zone=str(as_of.tzinfo),
    )
    return text.encode()


def _dated(text: str) -> Markup:
    """The text, escaped, with days and rule numbers that do not break over two lines."""
    return Markup(_DAY.sub(r'<span class="day">\g<0></span>', str(escape(text))))  # noqa: S704 - escaped
