"""What a FHIR server can do for us, what it lacks, and what we do instead.

Reads the CapabilityStatement only: it writes nothing and asks for no patient. What a server
declares is not always so; what it does not declare is not always missing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from b12fhir.fhir.capabilities import (
    NEEDED,
    NOTHING,
    READ_TYPES,
    Capabilities,
    read_capabilities,
)
from b12fhir.fhir.server_profile import VERSIONED, ServerProfile, server_profile
from b12fhir.fhir.stored import OPTIONAL
from b12fhir.fhir.told import CLIENT_IDS, CORE
from b12fhir.ports import FhirReader, Resource

OK, LACKING, STOPS = "ok", "lacking", "stops"
_WITHOUT = "plans are written without it"
_BY_ID = frozenset({"Patient", "Medication"})
_INCLUDE = "MedicationRequest:medication"
_HANDED = "plans wait as files in handover/"


@dataclass(frozen=True, slots=True)
class Check:
    """One capability: ``ok``, ``lacking`` (we do something else) or ``stops`` (sync cannot run)."""

    topic: str
    state: str
    found: str
    instead: str = ""

    def line(self) -> str:
        """The check in one line."""
        instead = f" -> {self.instead}" if self.instead else ""
        return f"{self.state:8}{self.topic}: {self.found}{instead}"


def diagnose(reader: FhirReader, told: Mapping[str, bool] = NOTHING) -> tuple[Check, ...]:
    """Ask a server for its CapabilityStatement and examine it; ``told`` is what the site knows."""
    return examine(reader.capabilities(), told)


def examine(statement: Resource, told: Mapping[str, bool] = NOTHING) -> tuple[Check, ...]:
    """Every check on a CapabilityStatement, in the order a reader asks."""
    can = read_capabilities(statement, told)
    return (*_general(can), *_reading(can), *_profile(server_profile(can)), *_writing(can))


def _general(can: Capabilities) -> Iterator[Check]:
    yield Check("server", OK, can.software or "name not told")
    is_r4 = can.version.startswith("4.0")
    yield Check(
        "FHIR version",
        OK if is_r4 else STOPS,
        can.version or "not told",
        "" if is_r4 else "only R4 (4.0.x) is read and written",
    )
    has_json = any("json" in entry for entry in can.formats)
    yield Check(
        "format",
        OK if has_json else LACKING,
        ", ".join(can.formats) or "none told",
        "" if has_json else "JSON is asked for all the same",
    )
    if not can.listed:
        yield Check("types", LACKING, "none listed", "every type is asked for and may be refused")


def _reading(can: Capabilities) -> Iterator[Check]:
    for kind in READ_TYPES:
        yield _search_check(can, kind)
    included = can.includes("MedicationRequest", _INCLUDE)
    yield Check(
        "_include of Medication",
        OK if included else LACKING,
        "declared" if included else "not declared",
        "" if included else "Medications are read by id afterwards",
    )


def _search_check(can: Capabilities, kind: str) -> Check:
    topic = f"search {kind}"
    parameter = "_id" if kind in _BY_ID else "patient"
    if not can.searches(kind):
        if kind in NEEDED:
            return Check(topic, STOPS, "missing", "decide from exported files with assess")
        if kind in OPTIONAL:
            return Check(topic, LACKING, "missing", _WITHOUT)
        return Check(topic, LACKING, "missing", "counts as not known; every report says so")
    if not can.finds_by(kind, parameter):
        return Check(topic, LACKING, f"no parameter {parameter}", "it is used all the same")
    return Check(topic, OK, f"by {parameter}")


def _profile(profile: ServerProfile) -> Iterator[Check]:
    """The abilities by which it is decided how a plan is written, and who says they are there."""
    for name, ability in profile.abilities.items():
        instead = profile.instead(name)
        lacks = bool(instead) and name != CLIENT_IDS
        yield Check(name, LACKING if lacks else OK, ability.words, instead)


def _writing(can: Capabilities) -> Iterator[Check]:
    for kind in (*CORE, *OPTIONAL):
        yield _create_check(can, kind)
    for kind in (*CORE, *OPTIONAL):
        if kind != "Device":
            yield _update_check(can, kind)
    yield _PROVENANCE[can.provenance]


def _create_check(can: Capabilities, kind: str) -> Check:
    topic = f"create {kind}"
    if not can.has(kind, "create"):
        if kind in OPTIONAL:
            return Check(topic, LACKING, "missing", _WITHOUT)
        return Check(topic, LACKING, "missing", _HANDED)
    if not can.flag(kind, "conditionalCreate"):
        return Check(topic, LACKING, "conditional create not declared", "see conditional_create")
    return Check(topic, OK, "conditional")


def _update_check(can: Capabilities, kind: str) -> Check:
    topic = f"update {kind}"
    if not can.has(kind, "update"):
        return Check(topic, LACKING, "missing", "see if_match")
    if can.flag(kind, "versioning") not in VERSIONED:
        return Check(
            topic, LACKING, "versions not declared", "a draft without a version is not rewritten"
        )
    return Check(topic, OK, "with version check (If-Match)")


_PROVENANCE = {
    "named": Check("Provenance", OK, "under ids of our own, with each write"),
    "posted": Check(
        "Provenance",
        LACKING,
        "ids of our own not declared",
        "it is sent after each write; where its answer is lost, it may be missing",
    ),
    "": Check("Provenance", LACKING, "missing", "who wrote what stands in the audit record alone"),
}
