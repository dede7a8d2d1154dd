"""The rule catalogue as one HTML page without script or outside file, to be searched as it is."""

from collections.abc import Iterator, Mapping
from html import escape

from b12fhir.protocol.catalogue import Cases, sources, state, states
from b12fhir.protocol.model import Protocol, Rule

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 2rem 4rem; max-width: 88rem; color: #1c2430;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; }
p { max-width: 80ch; }
a { color: #0b4f8a; }
td a { white-space: nowrap; }
.notice { border-left: .3rem solid #7a4a00; background: #fff8ec; padding: .6rem 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
caption { text-align: left; color: #56616f; padding: .2rem 0 .4rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; }
tr { border-bottom: 1px solid #cdd5de; }
thead th { background: #f4f6f9; border-bottom: 2px solid #cdd5de; white-space: nowrap; }
tbody th { white-space: nowrap; }
.text { min-width: 24rem; }
tr:target { outline: 3px solid #0b4f8a; }
.open { color: #7a4a00; }
@media print {
  body { padding: 0; font-size: 9pt; max-width: none; }
  .scroll { overflow: visible; }
  .text { min-width: 0; }
  thead { display: table-header-group; }
  tr { break-inside: avoid; }
}
@page { size: landscape; margin: 1.2cm; }
"""
_HEAD = ("Rule", "What a clinician reads", "Kind", "State", "Sources", "Evidence", "Cases")


def catalogue_page(protocol: Protocol, titles: Mapping[str, str], cases: Cases) -> str:
    """The page; equal for equal input. ``titles`` are those of the sources by short name."""
    return "\n".join((*_top(protocol), *_table(protocol, cases), *_sources(protocol, titles), ""))


def _top(protocol: Protocol) -> Iterator[str]:
    pack = protocol.pack
    yield "<!DOCTYPE html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield (
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    )
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield "<title>b12fhir: rule catalogue</title>"
    yield f"<style>{_STYLE}</style>"
    yield "</head>"
    yield "<body>"
    yield "<h1>Rule catalogue</h1>"
    yield "<p>Generated from the protocol files; do not edit (a test compares).</p>"
    yield (
        f'<p class="notice">Pack {escape(pack.id)} {escape(pack.version)} of '
        f"{pack.date.isoformat()}: <strong>{escape(pack.review.status)}</strong>. No number here "
        "has been signed unless a clinician's name stands beside that word.</p>"
    )
    yield (
        f"<p>{escape(states(protocol))} Cases are the folders of <code>tests/cases</code> that "
        'prove a rule. Each rule has an address, for example <a href="#R-28">#R-28</a>.</p>'
    )


def _table(protocol: Protocol, cases: Cases) -> Iterator[str]:
    yield "<h2>Rules</h2>"
    yield '<div class="scroll" tabindex="0" role="region" aria-label="Rules">'
    yield "<table>"
    yield "<caption>One row for each rule of the rule book, in its order.</caption>"
    heads = "".join(f'<th scope="col">{head}</th>' for head in _HEAD)
    yield f"<thead><tr>{heads}</tr></thead>"
    yield "<tbody>"
    for rule in protocol.rules.values():
        yield _row(rule, cases)
    yield "</tbody>"
    yield "</table>"
    yield "</div>"


def _row(rule: Rule, cases: Cases) -> str:
    mark = "" if rule.state == "implemented" else ' class="open"'
    links = ", ".join(f'<a href="#source-{escape(one)}">{escape(one)}</a>' for one in sources(rule))
    return (
        f'<tr id="{escape(rule.id)}"><th scope="row">{escape(rule.id)}</th>'
        f'<td class="text"><strong>{escape(rule.title)}.</strong> {escape(rule.text)}</td>'
        f"<td>{escape(rule.kind)}</td>"
        f"<td{mark}>{escape(state(rule))}</td>"
        f"<td>{links}</td><td>{escape(rule.citation.evidence)}</td>"
        f"<td>{escape(', '.join(cases.get(rule.id, ())))}</td></tr>"
    )


def _sources(protocol: Protocol, titles: Mapping[str, str]) -> Iterator[str]:
    named = dict.fromkeys(one for rule in protocol.rules.values() for one in sources(rule))
    told = {**titles, "project": "Choice of this project, to be reviewed by a clinician"}
    yield "<h2>Sources</h2>"
    yield "<table>"
    yield '<thead><tr><th scope="col">Name</th><th scope="col">Source</th></tr></thead>'
    yield "<tbody>"
    for name in sorted(named):
        yield (
            f'<tr id="source-{escape(name)}"><th scope="row">{escape(name)}</th>'
            f"<td>{escape(told[name])}</td></tr>"
        )
    yield "</tbody>"
    yield "</table>"
    yield "</body>"
    yield "</html>"
