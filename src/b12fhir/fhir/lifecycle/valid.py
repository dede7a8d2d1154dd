"""What a signature, a rejection, a withdrawal and a closing may write: checked before it is sent.

The rules for proposals hold here too, with these states instead: only what is new is an order, and
it always names who answers for it and what it was made of.
"""

from collections.abc import Iterator

from b12fhir.errors import SignOffError
from b12fhir.fhir.invariants import Rules, broken_invariants
from b12fhir.fhir.lifecycle.agree import two_things
from b12fhir.fhir.lifecycle.held import links
from b12fhir.fhir.lifecycle.words import still_says_proposal
from b12fhir.fhir.validate import structure
from b12fhir.ports import Resource

_STATES = {
    "CarePlan": "active-plan completed-plan revoked-plan completed-proposal revoked-proposal",
    "MedicationRequest": "active-order completed-order stopped-order "
    "draft-proposal completed-proposal cancelled-proposal",
    "ServiceRequest": "active-order completed-order revoked-order "
    "completed-proposal revoked-proposal",
    "Goal": "active completed cancelled",
    "RiskAssessment": "final cancelled",
    "DetectedIssue": "final cancelled",
    "Task": "requested-proposal completed-proposal rejected-proposal cancelled-proposal",
}
_RULES = Rules(
    may_write={
        kind: frozenset((word.partition("-")[0], word.partition("-")[2]) for word in words.split())
        for kind, words in _STATES.items()
    },
    # What stands on the server may hold links that somebody else added; they are none of ours.
    targets={},
    said="a state that no step of a plan's life leads to",
)
_WHO = {"CarePlan": "author", "MedicationRequest": "requester", "ServiceRequest": "requester"}
_SIGNERS = ("Practitioner/", "PractitionerRole/")


def validate(bundle: Resource) -> list[str]:
    """Every problem of the transaction; an empty list if it may be sent."""
    return [*structure(bundle), *broken_rules(bundle)]


def broken_rules(bundle: Resource) -> list[str]:
    """Every rule of ours that it breaks, with the place."""
    # The Provenance is guarded by the versions of all others, so it needs no condition of its own.
    plain = [e for e in bundle["entry"] if e["resource"]["resourceType"] != "Provenance"]
    return [*broken_invariants({**bundle, "entry": plain}, _RULES), *_unsigned(bundle)]


def check_edited(bundle: Resource) -> None:
    """Raise `SignOffError` if a draft that somebody edited would become an order of no use."""
    problems = broken_rules(bundle)
    if problems:
        raise SignOffError(
            f"The draft as it was edited cannot be signed: {'; '.join(problems)}.",
            hint="Correct it on the server, or reject it.",
        )


def _unsigned(bundle: Resource) -> Iterator[str]:
    for index, entry in enumerate(bundle["entry"]):
        resource, kind = entry["resource"], entry["resource"]["resourceType"]
        if entry["request"]["method"] == "POST" and kind in _WHO:
            where = f"entry[{index}] {kind}"
            who = resource.get(_WHO[kind], {}).get("reference", "")
            if not who.startswith(_SIGNERS):
                yield f"{where}: nobody answers for it"
            if not links(resource, "basedOn"):
                yield f"{where}: it is based on no proposal"
            if still_says_proposal(resource):
                yield f"{where}: it says of itself that it is none"
            for what in two_things(resource):
                yield f"{where}: its text and its structure differ in {what}"
