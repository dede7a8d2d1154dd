"""Everything the program can write, gathered for the validator."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import as_file
from typing import Any, NamedTuple

from b12fhir.adapters import files
from b12fhir.demo import cohort_dir
from b12fhir.fhir.json import decode
from b12fhir.fhir.profiles import artefacts
from b12fhir.fhir.profiles.structures import WRITTEN
from b12fhir.fhir.site import Site
from b12fhir.protocol.load import load_protocol
from b12fhir.service import Proposal, propose
from b12fhir.service.hooks.advise import advise
from b12fhir.service.hooks.model import Call, Card, Draft, Hook, Role
from tests.profiles.examples import BAD, good, profile_url
from tests.profiles.life import answered_for, lived
from tests.spec.case import cases
from tests.support import calls

AS_OF = datetime(2026, 11, 21, 9, tzinfo=UTC)
SITE = Site()
_KINDS = {profile.kind: profile_url(profile.name) for profile in WRITTEN}


class Piece(NamedTuple):
    """One resource to validate: its name, the profiles it is held to, and itself."""

    name: str
    profile: str
    resource: Any


def corpus() -> Iterator[Piece]:
    """Artefacts, examples, and what is written for every case and every patient of the cohort.

    What differs from one before it in numbers, dates and words only is left out: it would be
    validated alike, a hundred times. Plans are all kept, for their narrative, and whole Bundles.
    """
    for one in artefacts(load_protocol()):
        yield Piece(f"artefact {one['resourceType']}/{one['id']}", "", one)
    for name, resource in good().items():
        yield Piece(f"good {name}", "", resource)
    for bad in BAD:
        yield Piece(f"bad {bad.name}", "", bad.resource())
    seen: set[str] = set()
    for name, proposal in (*_of_cases(), *_of_cohort()):
        for piece in (*_of_proposal(name, proposal), *_of_card(name, proposal)):
            shape = repr(_shape(piece.resource))
            if piece.resource["resourceType"] in _KEPT or shape not in seen:
                seen.add(shape)
                yield piece


_KEPT = frozenset({"CarePlan", "Bundle"})
# Elements whose value a validator looks up; of all others it asks only what they are.
_LOOKED_UP = frozenset(
    {"code", "system", "status", "lifecycleStatus", "intent", "priority", "severity", "periodUnit"}
    | {"resourceType", "kind", "profile", "type"}
)


def _shape(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _shape(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [_shape(part, name) for part in value]
    return value if name in _LOOKED_UP else type(value).__name__


def _of_cases() -> Iterator[tuple[str, Proposal]]:
    for case in cases():
        protocol = load_protocol(case.pack)
        yield f"case {case.id}", propose([decode(case.bundle)], protocol, case.as_of, SITE)


def _of_cohort() -> Iterator[tuple[str, Proposal]]:
    with as_file(cohort_dir()) as folder:
        records = files.read([folder])
    for patient in records.patients:
        made = propose(records.of(patient), load_protocol(), AS_OF, SITE, patient=patient)
        yield f"cohort {patient}", made


def _of_proposal(name: str, proposal: Proposal) -> Iterator[Piece]:
    """What is composed; of a case also all that a signature, a rejection or a withdrawal writes.

    A transaction as a whole shows that its links lead to what they should.
    """
    bundle = proposal.bundle()
    if bundle is None:
        return
    if name.startswith("cohort"):
        for number, entry in enumerate(bundle["entry"]):
            yield _held(f"{name} {number}", entry["resource"])
        return
    sent = answered_for(proposal, bundle, "create", "No plan stands yet.")
    yield Piece(f"{name} proposed", "", sent)
    for act, written in lived(proposal, bundle):
        yield Piece(f"{name} {act}", "", written)


def _of_card(name: str, proposal: Proposal) -> Iterator[Piece]:
    """What a click on a card would write into an EHR, by R4 alone; of orders being signed as well.

    A wrong order is signed beside each case: what mends it is made of what a client sent.
    """
    if not name.startswith("case"):
        return
    patient = proposal.patient_reference
    opened = Call(Hook.PATIENT_VIEW, patient, "Practitioner/dr1", Role.PRESCRIBER)
    wrong = {**calls.sandbox_order(), "subject": {"reference": patient}, "intent": "order"}
    wrong["category"] = [wrong["category"]]
    draft = Draft("MedicationRequest/request-123", wrong, wrong)
    signed = replace(opened, hook=Hook.ORDER_SIGN, drafts=(draft,))
    for call, made in ((opened, proposal), (signed, _beside(name, proposal, wrong))):
        for number, resource in enumerate(_suggested(advise(made, call))):
            yield Piece(f"card {name} {call.hook.value} {number}", "", resource)


def _beside(name: str, proposal: Proposal, order: Any) -> Proposal:
    """The same case with an order that is being written."""
    case = next(one for one in cases() if name == f"case {one.id}")
    resources = [decode(case.bundle), order]
    return propose(resources, proposal.protocol, proposal.as_of, SITE)


def _suggested(cards: Iterable[Card]) -> Iterator[Any]:
    for card in cards:
        for suggestion in card.suggestions:
            for action in suggestion.actions:
                if action.resource is not None:
                    yield action.resource


def _held(name: str, resource: Any) -> Piece:
    """A written resource, held to the profile of its type, which it may name itself."""
    kind = resource["resourceType"]
    return Piece(f"{name} {kind}", _KINDS.get(kind, ""), resource)


# What the validator cannot know offline, and advice that is none of ours. All else counts.
NOISE = tuple(
    re.compile(pattern)
    for pattern in (
        # Narrative is for people; what people read stands in the CarePlan.
        r"Constraint failed: dom-6:",
        # Terminologies that no validator holds offline; that a code is in a ValueSet is checked.
        (
            r"CodeSystem is unknown and can't be validated: http://(loinc\.org|snomed\.info/sct"
            r"|www\.nlm\.nih\.gov/research/umls/rxnorm"
            r"|hl7\.org/fhir/us/core/CodeSystem/careplan-category) "
        ),
        r"The value set references CodeSystem '[^']+' which has status 'not-present'",
        # Maps from what sites say by themselves, and to terminologies as above.
        r"The (Source|Target) Code System \S+ is not fully defined and populated",
        # A new resource stands under a temporary address, and no relative link leads from there to
        # a stored one; servers take Type/id all the same. Between stored ones the rule counts.
        (
            r"Entry \d+ matches the reference \S+ by type and id but its fullUrl \S+ does not match"
            r" the full target URL urn:uuid:"
        ),
        # A rejection has its reason in the practitioner's own words.
        r"No code provided, and a code should be provided from the value set .*PurposeOfUse",
        # Observations are the records of others.
        r"In general, all observations should have a (performer|subject)",
    )
)


def counts(text: str) -> bool:
    """Is this message about the resource, and not noise?"""
    return not any(pattern.search(text) for pattern in NOISE)
