"""Calls and answers for tests of cards, and what every answer has to keep to.

A test that makes cards through `cards` or `shown` has them checked: a card that breaks one of the
duties below fails whatever the test is about.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from b12fhir.fhir.extract.tree import items
from b12fhir.fhir.site import Site
from b12fhir.fhir.validate import structure
from b12fhir.protocol.load import load_protocol
from b12fhir.service import Proposal, propose
from b12fhir.service.hooks.advise import advise
from b12fhir.service.hooks.answer import Issuing, answer
from b12fhir.service.hooks.model import Action, Call, Card, Hook, Indicator, Role
from tests.support import courses

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
PATIENT = "Patient/p1"
# GitHub's Markdown without the escapes: what is left must not be markup.
_TARGET = re.compile(r"(MedicationRequest|ServiceRequest)/[A-Za-z0-9\-.]{1,64}\Z")
_ESCAPE = re.compile(r"\\[\\`*_\[\]|~$]")
_MARKUP = re.compile(r"[<>`\[\]~]|(?<!\*)\*(?!\*)|://|\bwww\.")


def call(hook: Hook = Hook.PATIENT_VIEW, role: Role = Role.PRESCRIBER, **more: Any) -> Call:
    """A call about the tests' patient; the reader is a practitioner, unless the test says."""
    return replace(Call(hook, PATIENT, "Practitioner/dr1", role), **more)


def ids() -> Callable[[], str]:
    """Uuids in order: the same for every test."""
    numbers = count(1)
    return lambda: str(UUID(int=next(numbers), version=4))


def cards(
    proposal: Proposal,
    asked: Call | None = None,
    unchecked: Sequence[str] = (),
    record: Sequence[dict[str, Any]] = (),
) -> tuple[Card, ...]:
    """The cards of a call, checked."""
    asked = asked or call()
    found = advise(proposal, asked, unchecked, record)
    for card in found:
        problems = [*broken(card), *broken_actions(card, proposal)]
        assert not problems, (card.summary, problems)
    assert advise(proposal, asked, unchecked, record) == found, "the same call, another answer"
    told, issued = answer(found, proposal, asked, issuing())
    assert len(told["cards"]) == len(issued) == len(found)
    empty = [path for path in _empty(told) if path != "cards"]
    assert not empty, f"members without value: {empty}"
    return found


def card(proposal: Proposal, asked: Call | None = None, **more: Any) -> Card:
    """The one card of a call."""
    (found,) = cards(proposal, asked, **more)
    return found


def read(
    *record: dict[str, Any],
    day: str = "2026-11-24",
    context: Sequence[dict[str, Any]] = (),
    unchecked: Sequence[str] = (),
    site: Site | None = None,
    **more: Any,
) -> tuple[Card, ...]:
    """The cards about the record of `tests.support.courses`, at noon of a day."""
    moment = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    whole = [courses.PATIENT, *record]
    proposal = propose([*whole, *context], load_protocol(), moment, site or Site(), PATIENT)
    return cards(proposal, call(context=tuple(context), **more), unchecked, whole)


def issuing(**more: Any) -> Issuing:
    """Given out by the service of patient-view, now."""
    plain = Issuing("b12-patient-view", NOW, "0123456789abcdef", ids())
    return replace(plain, **more)


def rows(found: Card) -> dict[str, str]:
    """The rows of a card's table by their name."""
    told = [line.strip("| ").split(" | ", 1) for line in found.detail.splitlines()[2:]]
    return {name.strip("*"): text for name, text in told}


def broken(found: Card) -> Iterator[str]:
    """What of a card's text breaks a duty."""
    if not 0 < len(found.summary) <= 139:
        yield f"summary of {len(found.summary)} characters"
    if found.summary != " ".join(found.summary.split()):
        yield "summary of several lines, or with blanks too many"
    lines = found.detail.splitlines()
    if lines[1] != "|---|---|" or not 1 <= len(lines[2:]) <= 6:
        yield f"a table of {len(lines[2:])} rows"
    for line in lines:
        bare = _ESCAPE.sub("", line)
        if bare.count("|") != 3 and not line.startswith("|---"):
            yield f"a row of other than two columns: {line}"
        if _MARKUP.search(bare.replace("**", "")):
            yield f"markup: {line}"
    if "Basis" not in rows(found) or "unreviewed" not in rows(found)["Basis"]:
        yield "does not say that nobody has reviewed the pack"
    if bool(found.overrides) is (found.indicator is Indicator.INFO):
        yield "override reasons belong on warning and critical, and there only"


def broken_actions(found: Card, proposal: Proposal) -> Iterator[str]:
    """What of a card's suggestions breaks a duty."""
    if len(found.suggestions) > 2:
        yield "more than one suggestion and one alternative"
    if [one.recommended for one in found.suggestions] != [True, False][: len(found.suggestions)]:
        yield "not exactly one recommended"
    for one in (action for s in found.suggestions for action in s.actions):
        if not one.description:
            yield "an action without description"
        if one.kind != "delete":
            yield from _broken_order(one, proposal)
        elif one.resource is not None or not _TARGET.match(one.target):
            yield "a delete that does not name what goes"


def _broken_order(one: Action, proposal: Proposal) -> Iterator[str]:
    resource = dict(one.resource or {})
    yield from structure(resource)
    if (resource["status"], resource["intent"]) != ("draft", "order"):
        yield "no draft order"
    if resource["subject"] != {"reference": proposal.patient_reference}:
        yield "another patient"
    if ("id" in resource) is (one.kind == "create"):
        yield "a create has no id, and an update has one"
    if resource["resourceType"] == "MedicationRequest":
        yield from _broken_medicine(resource)


def _broken_medicine(resource: dict[str, Any]) -> Iterable[str]:
    medicine = resource["medicationCodeableConcept"]
    if not (medicine["text"] and medicine["coding"][0]["code"]):
        yield "a medicine without text or code"
    for dosage in items(resource["dosageInstruction"]):
        if not (dosage["text"] and dosage["timing"] and dosage["doseAndRate"]):
            yield "a dosage that is not whole"
        if dosage["route"]["coding"][0]["code"] == "47625008":
            yield "intravenous"


def _empty(value: object, path: str = "") -> Iterator[str]:
    """Where a member has no value."""
    if value is None or value in ("", [], {}):
        yield path
    elif isinstance(value, dict):
        for key, held in value.items():
            yield from _empty(held, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for number, held in enumerate(value):
            yield from _empty(held, f"{path}[{number}]")
