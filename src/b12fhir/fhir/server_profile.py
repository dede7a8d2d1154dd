"""What one FHIR server can do for our writes, who says so, and what is done where it cannot.

Nothing here is guessed: an ability is declared by the server's CapabilityStatement, or overridden
by the site, or assumed because nobody says. What is assumed is tried; what is denied is never
tried, and its fallback is the one of `FALLBACKS`, which the doctor, the notes of a run and the
README show in the same words.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

from b12fhir.fhir.capabilities import Capabilities
from b12fhir.fhir.stored import OPTIONAL
from b12fhir.fhir.told import (
    CAREPLAN_WRITE,
    CLIENT_IDS,
    CONDITIONAL_CREATE,
    CORE,
    IF_MATCH,
    TRANSACTION,
    WRITTEN,
    write_of,
)
from b12fhir.kernel.truth import Truth
from b12fhir.kernel.words import Word
from b12fhir.ports import Resource

CHANGED = tuple(kind for kind in CORE if kind != "Device")
VERSIONED = frozenset({"versioned", "versioned-update"})
_HANDED = "nothing is sent: each plan waits as a file in `handover/`"
_TRIED = "it is tried; a refusal is reported and leaves nothing half written"
_NAMED = "plans are written under ids of our own; what changes between look and write is lost"
_UNFOUND = "the server has no conditional create and no search of Device: it would get one each run"


@dataclass(frozen=True, slots=True)
class Fallback:
    """One ability: what it is for, where it is declared, what happens without it, or unsaid."""

    name: str
    needed: str
    declared: str
    instead: str
    unsaid: str


FALLBACKS = (
    Fallback(
        TRANSACTION,
        "a plan is written whole or not at all",
        "`transaction` of the system",
        _HANDED,
        _TRIED,
    ),
    Fallback(
        CAREPLAN_WRITE,
        "the plan can be kept; likewise `write.MedicationRequest`, `write.ServiceRequest` and "
        "`write.Device`",
        "`create` of the type",
        _HANDED,
        _TRIED,
    ),
    Fallback(
        CONDITIONAL_CREATE,
        "two runs at the same moment write a plan once",
        "`conditionalCreate`",
        "we look before each write, which then goes under ids of our own where the server takes "
        "them, else as a plain create: two runs at the same moment may write a plan twice, and "
        "the next run reports it",
        "the condition is sent, and we look before each write: if it is ignored, two runs at the "
        "same moment may write a plan twice, and the next run reports it",
    ),
    Fallback(
        CLIENT_IDS,
        "where there is no conditional create, what is written twice falls on itself; elsewhere "
        "only if the site says `client_ids=yes`, for what somebody changes between our look and "
        "our write is lost",
        "`updateCreate`",
        "none are used; see `conditional_create`",
        "none are used",
    ),
    Fallback(
        IF_MATCH,
        "a draft that somebody changed meanwhile is not overwritten",
        "`versioning` and `update`",
        "no stored draft is changed: the changed plan waits as a file in `handover/`, and nothing "
        "can be signed, rejected or withdrawn here",
        "a draft is changed with the version that was read; where the server lists its types, "
        "nothing can be signed until the site says `if_match=yes`",
    ),
    Fallback(
        f"{write_of('Goal')}, {write_of('RiskAssessment')}, {write_of('DetectedIssue')}, "
        f"{write_of('Task')}",
        "goals, assessment, cautions and the request to sign beside the plan",
        "`create` and `search-type`",
        "plans are written without it",
        "it is written",
    ),
    Fallback(
        write_of("Provenance"),
        "who wrote a plan and on what",
        "`create`",
        "that stands in the audit record alone",
        "it is written after the plan; if it is refused, that is reported",
    ),
)
_ROWS = {row.name: row for row in FALLBACKS}


class Source(Word):
    """Who says whether a server can do something."""

    DECLARED = "declared"
    OVERRIDDEN = "overridden"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Ability:
    """Whether a server can do something, and who says so."""

    truth: Truth
    source: Source

    @property
    def words(self) -> str:
        """Such as ``no (overridden)``."""
        return f"{self.truth.value} ({self.source.value})"


class Form(Word):
    """How something new is written: on a condition, under ids of our own, or plainly."""

    CONDITIONAL = "conditional"
    NAMED = "named"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class ServerProfile:
    """The abilities that decide how, and whether, a plan is written.

    ``write`` has one for each type. ``finds_device``: can our Device be found again by a search?
    """

    transaction: Ability
    conditional_create: Ability
    client_ids: Ability
    if_match: Ability
    write: Mapping[str, Ability]
    finds_device: bool

    @property
    def careplan_write(self) -> Ability:
        """Can a CarePlan be created?"""
        return self.write["CarePlan"]

    @property
    def abilities(self) -> Mapping[str, Ability]:
        """The five that have a name of their own, as in `FALLBACKS`."""
        return {
            TRANSACTION: self.transaction,
            CAREPLAN_WRITE: self.careplan_write,
            CONDITIONAL_CREATE: self.conditional_create,
            CLIENT_IDS: self.client_ids,
            IF_MATCH: self.if_match,
        }

    @property
    def form(self) -> Form:
        """How something new is written here.

        Ids of our own only in need or on the site's word: an update by id falls on whatever
        stands there, a conditional create never does.
        """
        chosen = self.client_ids.source is Source.OVERRIDDEN
        if self.client_ids.truth.is_yes and (chosen or self.conditional_create.truth.is_no):
            return Form.NAMED
        return Form.PLAIN if self.conditional_create.truth.is_no else Form.CONDITIONAL

    def holds_back(self, bundle: Resource) -> str:
        """Why a transaction is handed over as a file and not sent; ``""`` if it may be sent."""
        refused = [kind for kind in CORE if self.write[kind].truth.is_no]
        if self.transaction.truth.is_no:
            return "the server takes no transactions, so a plan could be half written"
        if refused:
            return f"the server keeps no {', '.join(refused)}"
        if self.form is Form.PLAIN and not self.finds_device:
            return _UNFOUND
        if self.if_match.truth.is_no and any(_is_guarded(entry) for entry in bundle["entry"]):
            return "the server checks no versions, so what a clinician changed could be overwritten"
        return ""

    def instead(self, name: str) -> str:
        """What is done about an ability not known to be there; ``""`` if nothing need be."""
        if name == CLIENT_IDS:
            return _NAMED if self.form is Form.NAMED else ""
        truth, row = self.abilities[name].truth, _ROWS[name]
        text = "" if truth.is_yes else row.instead if truth.is_no else row.unsaid
        return text.replace("`", "")

    def notes(self) -> Iterator[str]:
        """What this server is not asked to do, and what is done instead, for the notes of a run."""
        for name, ability in self.abilities.items():
            instead = self.instead(name)
            if instead and (name == CLIENT_IDS or ability.truth.is_no):
                yield f"The server: {name} {ability.words}: {instead}."
        for kind in CORE[1:]:
            if self.write[kind].truth.is_no:
                said = f"{write_of(kind)} {self.write[kind].words}"
                yield f"The server: {said}: {_HANDED.replace('`', '')}."


def server_profile(can: Capabilities) -> ServerProfile:
    """Read the profile off what a server declares and a site tells of it."""
    writes = {kind: _ability(can, write_of(kind), _declares(can, kind)) for kind in WRITTEN}
    whole = Truth.of(TRANSACTION in can.system) if can.listed else Truth.UNKNOWN
    return ServerProfile(
        transaction=_ability(can, TRANSACTION, whole),
        conditional_create=_ability(can, CONDITIONAL_CREATE, _flagged(can, "conditionalCreate")),
        client_ids=_ability(can, CLIENT_IDS, _flagged(can, "updateCreate")),
        if_match=_ability(can, IF_MATCH, _guarded(can)),
        write=writes,
        finds_device=can.searches("Device"),
    )


def fallback_table() -> str:
    """The fallbacks as a Markdown table, for the README."""
    head = "| ability | what it is for | declared by | if not | if nobody says |\n"
    rows = (
        f"| `{row.name.replace(', ', '`, `')}` | {row.needed} | {row.declared} | {row.instead} | "
        f"{row.unsaid} |\n"
        for row in FALLBACKS
    )
    return f"{head}|---|---|---|---|---|\n{''.join(rows)}"


def _ability(can: Capabilities, name: str, declared: Truth) -> Ability:
    if name in can.told:
        return Ability(Truth.of(can.told[name]), Source.OVERRIDDEN)
    return Ability(declared, Source.ASSUMED if declared.is_unknown else Source.DECLARED)


def _declares(can: Capabilities, kind: str) -> Truth:
    return Truth.of(can.has(kind, "create")) if can.listed else Truth.UNKNOWN


def _flagged(can: Capabilities, name: str) -> Truth:
    """An element that stands at each type of a plan; most servers leave some of these away."""
    flags = (can.flag(kind, name) for kind in (*CORE, *_parts(can)))
    return _all(Truth.of(flag if isinstance(flag, bool) else None) for flag in flags)


def _guarded(can: Capabilities) -> Truth:
    """Can every part of a plan be changed, and only in the version that was read?"""
    return _all(_guard(can, kind) for kind in (*CHANGED, *_parts(can)))


def _parts(can: Capabilities) -> Iterator[str]:
    """The optional parts of a plan that are kept here."""
    return (kind for kind in OPTIONAL if kind not in can.without)


def _guard(can: Capabilities, kind: str) -> Truth:
    policy = can.flag(kind, "versioning")
    if not can.has(kind, "update") or policy == "no-version":
        return Truth.NO
    return Truth.YES if policy in VERSIONED else Truth.UNKNOWN


def _all(truths: Iterable[Truth]) -> Truth:
    return reduce(and_, truths, Truth.YES)


def _is_guarded(entry: Mapping[str, Any]) -> bool:
    return "ifMatch" in entry["request"]
