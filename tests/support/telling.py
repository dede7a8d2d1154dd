"""How every decision has to be told, whatever it decides: checked for each one a test makes.

A reason without its facts cannot be checked by a clinician, and a sentence that is none, or shouts,
or names a test in another spelling each time, is not read.
"""

import re
from collections.abc import Iterable

from b12fhir.decision.model import Decision
from b12fhir.kernel.evidence import Finding, Input, Remark
from b12fhir.kernel.truth import Truth
from b12fhir.plan.slot import DoseLog, SlotStatus
from b12fhir.protocol.load import load_protocol

# Words in capitals that a clinician knows; each has only this spelling.
ABBREVIATIONS = frozenset(
    {
        "B12",
        "B6",
        "BNF",
        "CBC",
        "CKD",
        "ECG",
        "GI",
        "H2",
        "HIV",
        "IM",
        "IV",
        "LOINC",
        "fL",
        "Hb",
        "Hct",
        "MCV",
        "MMA",
        "N2O",
        "NICE",
        "PPI",
        "RBC",
        "SC",
        "TSH",
        "UK",
        "WBC",
        "WHO",
    }
)

_MISSPELT = frozenset({word.lower() for word in ABBREVIATIONS} | {"egfr", "leber"})
_RULE = re.compile(r"R-\d{2,3}\Z")
# A rule is written R-28, and nothing else hangs on it.
_NO_RULE = re.compile(r"\br-\d|\wR-\d|R-\d+[A-Za-z]")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_PLAIN = re.compile(r"([A-Z]?[a-z]*|m[23]|cm|mL|eGFR)\Z")
_DATE = re.compile(r"(\d{4}(-\d\d(-\d\d(T\S+|/\d{4}-\d\d-\d\d)?)?)?)?\Z")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*")
# What a laboratory, a pack or a record wrote is not ours to spell.
_QUOTED = re.compile(r"\S*[/_<>=]\S*|\bR-\d+\b|\S*-\S*\d\S*|\S+-\S+|\bflags \S+")

_ROUTES = frozenset({"im", "sc", "oral", "sublingual", "nasal", "iv"})


def _rules(numbers: str) -> frozenset[str]:
    return frozenset(f"R-{number:0>2}" for number in numbers.split())


# Rules whose condition is a recorded fact: met, they show it.
EVIDENCED = _rules(
    "6 8 12 14 15 17 18 20 21 22 25 27 28 29 30 31 32 34 35 36 37 38 39 41 42 43 44 45 46 47 49 50"
    " 51 52 53 58 59 60 64 70 71 72 73 74 75 76 77 78 79 80 91 92 93 94 95 99 100 101 102 103 104"
    " 163 164 165 166 167 169 170 171 174 175 176 177 178 180 181 184 185 117 130 197"
)
# Rules met for more than one reason: which one it was must be said.
EXPLAINED = _rules(
    "6 10 12 15 17 20 21 22 25 27 28 29 30 36 44 51 52 53 61 62 65 69 82 89 91 93 95 99 100 101"
    " 102 103 104 117 130 179 197"
)


def check_telling(decision: Decision) -> None:
    """Every reason of a decision is complete and written as people write."""
    for finding in decision.findings:
        _check_finding(finding)
    for several in (
        decision.gaps,
        decision.cautions,
        decision.contraindications,
        decision.mimics,
    ):
        for remark in several:
            _check_remark(remark)
    for cause in decision.causes:
        assert _RULE.match(cause.rule), cause
        assert _ID.match(cause.cause), cause
        check_words(cause.lasts)
        assert cause.lasts, cause
        assert cause.inputs or cause.cause == "unknown", cause
        _check_inputs(cause.inputs)
    for route in decision.intent.rejected_routes:
        assert _RULE.match(route.rule), route
        check_words(route.reason)
        assert route.reason, route
        assert route.route in _ROUTES, route
    assert all(_ID.match(name) for name in decision.flags), decision.flags
    known = load_protocol().tests
    assert set(decision.intent.orders) | set(decision.intent.rechecks) <= set(known)


def check_log(found: DoseLog) -> None:
    """The doses of a plan: each slot and dose beside is complete, each question well told."""
    for remark in found.remarks:
        _check_remark(remark)
    for slot in (*found.slots, *found.beside):
        assert slot.phase, slot
        assert isinstance(slot.reference, str), slot
        assert bool(slot.reference) is (
            slot.given is not None or slot.status is SlotStatus.SKIPPED
        ), slot
        assert slot.ordinal == 0 or (slot.due is not None and slot.number > 0), slot


def _check_finding(finding: Finding) -> None:
    assert _RULE.match(finding.rule), finding
    assert isinstance(finding.truth, Truth), finding
    _check_inputs(finding.inputs)
    check_words(finding.note)
    if finding.rule in EVIDENCED and finding.truth.is_yes:
        assert finding.inputs, finding
    if finding.rule in EXPLAINED:
        assert finding.note, finding


def _check_inputs(inputs: Iterable[Input]) -> None:
    for one in inputs:
        assert isinstance(one, Input), one
        assert one.reference, one
        assert one.value, one
        assert isinstance(one.unit, str), one
        assert _DATE.match(one.date), one


def _check_remark(remark: Remark) -> None:
    assert _ID.match(remark.id), remark
    assert _RULE.match(remark.rule), remark
    check_words(remark.text)
    assert remark.text[:1].isupper() or remark.text.startswith("eGFR") or "/" in remark.text[:40]
    assert remark.text.endswith("."), remark
    for after in re.findall(r"[a-z)]\. +(\w)", remark.text):
        assert after.isupper() or after.isdigit(), remark


def check_words(text: str) -> None:
    """No shouting, no abbreviation in another spelling, nothing doubled or left open."""
    assert isinstance(text, str), text
    assert "  " not in text, text
    assert text == text.strip(), text
    assert "None" not in text, text
    assert not _NO_RULE.search(text), text
    for word in _WORD.findall(_QUOTED.sub(" ", text)):
        assert word in ABBREVIATIONS or _PLAIN.match(word), (word, text)
        assert word not in _MISSPELT, (word, text)
