"""The case folders as values, and the comparison of a proposal's JSON with what a case expects."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

CASES = Path(__file__).parent.parent / "cases"

# Cases that need what a later step builds; strict, so that the step takes its case off this list.
PENDING: dict[str, str] = {}

# Our cause ids, grouped under the words of the rule book's section 7 (tests/cases/README.md).
CAUSE_WORDS = {
    "pernicious-anaemia": "pernicious-anemia",
    "gastrectomy-total": "gastrectomy",
    "gastrectomy-partial": "gastrectomy",
    "ileum-over-20cm": "ileal-resection",
    "ileal-disease": "ileal-disease",
    "ileal-resection-length-unknown": "ileal-resection-length-unknown",
    "bariatric": "bariatric",
    "coeliac": "malabsorption",
    "bacterial-overgrowth": "malabsorption",
    "blind-loop": "malabsorption",
    "pancreatic-insufficiency": "malabsorption",
    "fish-tapeworm": "malabsorption",
    "malabsorption": "malabsorption",
    "atrophic-gastritis": "malabsorption",
    "metformin": "drug",
    "acid-blocker": "drug",
    "other-drug": "drug",
    "vegan": "diet",
    "vegetarian": "diet",
    "restrictive-diet": "diet",
    "nitrous-oxide": "nitrous-oxide",
    "unknown": "unknown",
    "congenital": "congenital",
}


@dataclass(frozen=True)
class Case:
    """One patient folder."""

    id: str
    as_of: datetime
    pack: str
    proves: tuple[str, ...]
    expected: Mapping[str, Any]
    folder: Path

    @property
    def bundle(self) -> bytes:
        return (self.folder / "input.json").read_bytes()


def cases() -> Iterator[Case]:
    for path in sorted(CASES.glob("*/case.toml")):
        data = tomllib.loads(path.read_text("utf-8"))
        moment = datetime.combine(data["as_of"], time(9), UTC)
        yield Case(
            data["id"], moment, data["pack"], tuple(data["proves"]), data["expected"], path.parent
        )


def case_params() -> list[Any]:
    """Every case as a pytest parameter under its own name."""
    return [
        pytest.param(
            case,
            id=case.id,
            marks=pytest.mark.xfail(reason=PENDING[case.id]) if case.id in PENDING else (),
        )
        for case in cases()
    ]


def differences(expected: Mapping[str, Any], shown: Mapping[str, Any]) -> list[str]:
    """Everything in which the proposal differs from the case; empty if it agrees."""
    decision, plan = shown["decision"], shown["plan"]
    return [
        *verdict(expected, decision),
        *_words(expected, shown),
        *_phases(expected.get("phase", []), plan["phases"], plan["doses"]),
        *(d for item in expected.get("monitoring", []) for d in _monitor(item, plan, shown)),
    ]


def verdict(expected: Mapping[str, Any], decision: Mapping[str, Any]) -> Iterator[str]:
    unsure = set(expected.get("unsure", ()))
    for key in ("classification", "severity", "neuro", "urgency"):
        if key not in unsure and decision[key] != expected[key]:
            yield f"{key}: {decision[key]} instead of {expected[key]}"
    if "route" not in unsure and (decision["route"] or "") != expected["route"]:
        yield f"route: {decision['route']} instead of {expected['route']}"
    flags = {_plain(flag) for flag in decision["flags"]}
    missing = [flag for flag in expected.get("flags", ()) if _plain(flag) not in flags]
    if missing:
        yield f"flags missing: {missing}, have {sorted(flags)}"
    governing = next((c["cause"] for c in decision["causes"] if c["governs"]), "")
    word = expected.get("governing_cause", "")
    if word and CAUSE_WORDS[governing] != word:
        yield f"cause: {governing} instead of {word}"
    told = {f["rule"] for f in decision["findings"] if f["truth"] == "yes"}
    if absent := [rule for rule in expected.get("findings", ()) if rule not in told]:
        yield f"findings missing: {absent}, have {sorted(told)}"


def _plain(flag: str) -> str:
    return flag.replace("-", " ").replace("_", " ")


def _words(expected: Mapping[str, Any], shown: Mapping[str, Any]) -> Iterator[str]:
    text = json.dumps(shown, default=str).lower()
    for word in expected.get("warnings", ()):
        if word not in text:
            yield f"warning missing: {word}"
    decision = shown["decision"]
    gaps = json.dumps(decision["gaps"]).lower()
    if not shown["plan"]["phases"]:
        gaps += json.dumps(shown["plan"]["monitoring"]).lower()
    for word in expected.get("gaps", ()):
        if word not in gaps:
            yield f"gap missing: {word}"


def _phases(
    expected: list[Mapping[str, Any]], phases: list[Mapping[str, Any]], doses: list[Any]
) -> Iterator[str]:
    ids = [phase["id"] for phase in phases]
    if ids != [phase["id"] for phase in expected]:
        yield f"phases: {ids} instead of {[phase['id'] for phase in expected]}"
        return
    for want, phase in zip(expected, phases, strict=True):
        have = _flat(phase)
        have["dates"] = [
            date.fromisoformat(d["due"])
            for d in doses
            if d["slot"].rpartition(":")[0] == phase["id"]
        ]
        for key, value in want.items():
            same = value in have[key] if key == "form" else have[key] == value
            if not same:
                yield f"{phase['id']}.{key}: {have[key]} instead of {value}"


def _flat(phase: Mapping[str, Any]) -> dict[str, Any]:
    duration = phase["duration"] or {}
    return {
        "id": phase["id"],
        "drug": phase["drug"],
        "form": phase["form"],
        "strength": "{value} {unit}".format(**phase["strength"]),
        "dose": Decimal(str(phase["dose"]["value"])),
        "dose_unit": phase["dose"]["unit"],
        "route": phase["route"],
        "interval_value": phase["interval"]["value"],
        "interval_unit": phase["interval"]["unit"],
        "interval_max": phase["interval"].get("max"),
        "count": phase["count"] or 0,
        "start": date.fromisoformat(phase["start"]),
        "duration_value": duration.get("value"),
        "duration_unit": duration.get("unit"),
    }


def _monitor(
    want: Mapping[str, Any], plan: Mapping[str, Any], shown: Mapping[str, Any]
) -> Iterator[str]:
    test = want["test"]
    found = next((item for item in plan["monitoring"] if item["test"] == test), None)
    if found is None:
        yield f"monitoring missing: {test}"
        return
    if "due" not in want:
        return
    start = date.fromisoformat(plan["start"])
    have = {date.fromisoformat(day) for day in found["due"]}
    wanted = set(want["due"])
    if test != "potassium":
        have = {day for day in have if day > start or day in wanted}
    extra = set() if want.get("open") else have - wanted
    if wanted - have or extra:
        yield f"monitoring {test}: {sorted(map(str, have))} instead of {sorted(map(str, wanted))}"
