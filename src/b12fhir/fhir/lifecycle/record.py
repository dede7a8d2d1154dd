"""The Provenance of an act: who answers for it, what it rests on, and what it changed."""

from collections.abc import Iterable
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from b12fhir.errors import PractitionerError
from b12fhir.fhir.compose.entry import compact, meta
from b12fhir.fhir.extract.tree import obj, text
from b12fhir.fhir.lifecycle.entries import Entry
from b12fhir.fhir.lifecycle.signer import Signer
from b12fhir.fhir.stored import Owned

_OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def record_of(entries: Iterable[Entry], source: Owned, by: Signer, reason: str = "") -> Entry:
    """The Provenance entry of one transaction.

    It is posted without a condition, on purpose: the versions that guard the other entries make
    sure that it is written once, and a transaction that holds it is never sent again unseen after
    an unclear answer. ``source`` is the plan that was looked at, in the version that was read.
    """
    targets = [_target(entry) for entry in entries]
    created = any(entry["request"]["method"] == "POST" for entry in entries)
    resource = compact(
        {
            "resourceType": "Provenance",
            "meta": meta(by.site),
            "target": [{"reference": target} for target in targets],
            "recorded": by.instant,
            "policy": list(source.resource.get("instantiatesCanonical", [])),
            "reason": [{"text": reason}] if reason else [],
            "activity": {
                "coding": [{"system": _OPERATION, "code": "CREATE" if created else "UPDATE"}]
            },
            "agent": [_agent("verifier", by.practitioner)]
            if by.practitioner
            else [_agent("assembler", _engine(source))],
            "entity": [
                {
                    "role": "source",
                    "what": {
                        "reference": source.reference,
                        "display": f"{source.reference} version {source.version}",
                    },
                }
            ],
        }
    )
    return {
        "fullUrl": f"urn:uuid:{_id(source, by)}",
        "resource": resource,
        "request": {"method": "POST", "url": "Provenance"},
    }


def _target(entry: Entry) -> str:
    """A stored resource by its place, a new one by its temporary address."""
    request = entry["request"]
    return str(request["url"] if request["method"] == "PUT" else entry["fullUrl"])


def _agent(role: str, who: str) -> dict[str, Any]:
    kind = {"coding": [{"system": _PARTICIPANT, "code": role}]}
    return {"type": kind, "who": {"reference": who}}


def _engine(source: Owned) -> str:
    """The Device that proposed it; raises `PractitionerError` where the server dropped it."""
    engine = text(obj(source.resource.get("author")).get("reference"))
    if not engine:
        raise PractitionerError(
            f"{source.reference} does not say who wrote it, so nobody would answer for this.",
            hint="Name a practitioner with --practitioner Practitioner/ID.",
        )
    return engine


def _id(source: Owned, by: Signer) -> str:
    """Temporary address: the same for the same act on the same version."""
    return str(uuid5(NAMESPACE_URL, f"{by.site.canonical}/{source.reference}/{source.version}"))
