"""The rule catalogue as Markdown, for people who review what the program does and does not do."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from b12fhir.kernel.codes import Code
from b12fhir.protocol.model import ConceptTable, Protocol, Rule

_SYSTEMS = {
    "http://snomed.info/sct": "SNOMED CT",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD-10-CM",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
    "http://www.whocc.no/atc": "ATC",
    "https://dmd.nhs.uk": "dm+d",
}


# Ids of the cases that prove a rule, by the rule's number.
Cases = Mapping[str, Sequence[str]]


def catalogue(protocol: Protocol, cases: Cases) -> str:
    """The whole catalogue; equal for equal protocols and cases, ends with a newline."""
    parts = (
        _head(protocol),
        _rules(protocol, cases),
        _regimens(protocol),
        _roles(protocol),
        _relatives(protocol),
    )
    return "\n".join(line for part in parts for line in part)


def _head(protocol: Protocol) -> Iterator[str]:
    pack = protocol.pack
    yield "# Rule catalogue"
    yield ""
    yield "Generated from the protocol files; do not edit (a test compares)."
    yield ""
    yield f"Pack {pack.id} {pack.version} of {pack.date.isoformat()}: **{pack.review.status}**."
    yield "No number here has been signed unless a clinician's name stands beside that word."
    yield ""
    yield f"{states(protocol)} Cases are the folders of `tests/cases` that prove a rule."
    yield ""


def states(protocol: Protocol) -> str:
    """How many rules are implemented, planned and not covered, in one sentence."""
    by_state = {
        state: sum(1 for rule in protocol.rules.values() if rule.state == state)
        for state in ("implemented", "planned", "not-covered")
    }
    return ", ".join(f"{count} {state}" for state, count in by_state.items()) + "."


def _rules(protocol: Protocol, cases: Cases) -> Iterator[str]:
    yield "## Rules"
    yield ""
    yield "| rule | what a clinician reads | kind | state | sources | evidence | cases |"
    yield "|---|---|---|---|---|---|---|"
    for rule in protocol.rules.values():
        yield _row(
            rule.id,
            f"**{rule.title}.** {rule.text}",
            rule.kind,
            state(rule),
            ", ".join(sources(rule)),
            rule.citation.evidence,
            ", ".join(cases.get(rule.id, ())),
        )
    yield ""


def sources(rule: Rule) -> tuple[str, ...]:
    """Short names of who says so; a dash stands for the project itself."""
    return tuple("project" if one == "-" else one for one in rule.citation.sources)


def state(rule: Rule) -> str:
    """Is it implemented, planned for which step, or not covered, and why?"""
    if rule.state == "planned":
        return f"planned, step {rule.step}"
    return f"{rule.state}: {rule.note}" if rule.note else rule.state


def _regimens(protocol: Protocol) -> Iterator[str]:
    yield "## Regimens"
    yield ""
    yield "| regimen | causes | rule | courses |"
    yield "|---|---|---|---|"
    for row in protocol.pack.regimens:
        courses = {
            "oral": row.oral,
            "oral, pregnant or breast-feeding": row.oral_mother,
            "injection": row.load,
            "severe": row.severe,
            "severe, neurological": row.severe_neuro,
            "oral maintenance": row.oral_maintenance,
            "injected maintenance": row.im_maintenance,
            "prophylaxis": row.prophylaxis,
        }
        told = "; ".join(f"{use}: {course}" for use, course in courses.items() if course)
        yield _row(row.label, ", ".join(row.causes), row.rule, told)
    yield ""


def _roles(protocol: Protocol) -> Iterator[str]:
    concepts = protocol.concepts
    yield "## Roles of concepts"
    yield ""
    yield "Codes marked `?` are never proof. Concepts marked `*` are recognised by words alone."
    yield ""
    yield "| role | concepts | codes |"
    yield "|---|---|---|"
    for role, names in concepts.roles.items():
        coded = {concepts.codes[code] for code in concepts.codes}
        told = ", ".join(name if name in coded else f"{name} *" for name in sorted(names))
        yield _row(role, told, _codes(concepts, names))
    yield ""


def _relatives(protocol: Protocol) -> Iterator[str]:
    yield "## Illness in the family"
    yield ""
    yield "Of blood relatives. It never counts as the patient's own illness."
    yield ""
    yield "| a relative has | the patient then has | and is asked |"
    yield "|---|---|---|"
    for one in protocol.concepts.relatives:
        yield _row(", ".join(sorted(one.has)), one.concept or "-", one.ask or "-")
    yield ""


def _codes(concepts: ConceptTable, names: Iterable[str]) -> str:
    wanted = frozenset(names)
    by_system: dict[str, list[str]] = {}
    for code in sorted(code for code, concept in concepts.codes.items() if concept in wanted):
        by_system.setdefault(code.system, []).append(_code(concepts, code))
    return "; ".join(
        f"{_SYSTEMS.get(system, system)} {' '.join(codes)}" for system, codes in by_system.items()
    )


def _code(concepts: ConceptTable, code: Code) -> str:
    return f"{code.code}?" if code in concepts.weak else code.code


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
