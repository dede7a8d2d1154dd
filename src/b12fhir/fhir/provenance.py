"""Who wrote what, when, and on which records: one Provenance for each write of the engine.

A Provenance has no identifier in R4, so it cannot be created conditionally, and one that is posted
blindly stands there once more each time. Where the server takes ids of ours it therefore goes along
in the transaction, under an id that only this very write has. Elsewhere it is sent on its own, once
the answer has shown that something was written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from b12fhir.fhir.compose import device_bundle
from b12fhir.fhir.compose.entry import compact, meta
from b12fhir.fhir.digest import stored_digest
from b12fhir.fhir.site import Site
from b12fhir.ports import Resource

_OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
# By kind of `b12fhir.fhir.publish.Write`; R4's list has no word of its own for a withdrawal.
_ACTIVITY = {"create": "CREATE", "update": "UPDATE", "withdraw": "UPDATE"}
_PLAN_PARTS = 3


@dataclass(frozen=True, slots=True)
class Account:
    """What a Provenance says of a write beside its targets.

    ``kind`` is that of the write and ``reason`` its sentence. ``recorded`` is an instant with a
    zone. ``policy`` is the canonical of the protocol followed. ``inputs`` are the records the
    decision rests on, each with the version that was read (``""`` if none is known).
    """

    kind: str
    reason: str
    recorded: datetime
    policy: str
    inputs: tuple[tuple[str, str], ...]
    site: Site


def versions(references: Iterable[str], stored: Iterable[Resource]) -> tuple[tuple[str, str], ...]:
    """References with the versions that were read of them."""
    read = {
        f"{r.get('resourceType')}/{r.get('id')}": r.get("meta", {}).get("versionId", "")
        for r in stored
    }
    return tuple((reference, str(read.get(reference, ""))) for reference in references)


def with_provenance(bundle: Resource, account: Account) -> dict[str, Any]:
    """The transaction with its Provenance as last entry, under an id of our own.

    The id comes from what is written and over which versions, so the same transaction sent again
    after a lost answer writes the same Provenance, and a later write never falls upon it.
    """
    device, entries = _device(bundle, account.site)
    written = [entry for entry in entries if entry is not device]
    own = f"b12-{_write_id(written, account.site)}"
    resource = _provenance([_address(e) for e in written], device["fullUrl"], account)
    entry = {
        "fullUrl": account.site.address(f"Provenance/{own}"),
        "resource": {**resource, "id": own},
        "request": {"method": "PUT", "url": f"Provenance/{own}"},
    }
    return {**bundle, "entry": [*entries, entry]}


def provenance_after(bundle: Resource, answer: Resource, account: Account) -> dict[str, Any] | None:
    """The Provenance of a transaction that was answered, to be sent on its own.

    ``None`` if the answer shows that nothing was created or changed.
    """
    replies = answer.get("entry", [])
    targets = [t for e, r in zip(bundle["entry"], replies, strict=False) if (t := _changed(e, r))]
    if not targets:
        return None
    device = device_bundle(account.site)["entry"][0]
    entry = {
        "fullUrl": f"urn:uuid:{_write_id(bundle['entry'], account.site)}",
        "resource": _provenance(targets, device["fullUrl"], account),
        "request": {"method": "POST", "url": "Provenance"},
    }
    return {"resourceType": "Bundle", "type": "transaction", "entry": [device, entry]}


def _provenance(targets: Sequence[str], device: str, account: Account) -> dict[str, Any]:
    agent = {
        "type": {"coding": [{"system": _PARTICIPANT, "code": "assembler"}]},
        "who": {"reference": device},
    }
    return compact(
        {
            "resourceType": "Provenance",
            "meta": meta(account.site),
            "target": [{"reference": target} for target in targets],
            "recorded": account.recorded.isoformat(timespec="seconds"),
            "policy": [account.policy],
            "reason": [{"text": account.reason}],
            "activity": {"coding": [{"system": _OPERATION, "code": _ACTIVITY[account.kind]}]},
            "agent": [agent],
            "entity": [_source(*read) for read in account.inputs],
        }
    )


def _source(reference: str, version: str) -> dict[str, Any]:
    """One record that was used. Servers strip a version off the reference, so words hold it."""
    shown = f"{reference} version {version}" if version else reference
    return {"role": "source", "what": {"reference": reference, "display": shown}}


def _device(bundle: Resource, site: Site) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """The entry of our Device, and all entries with it: a withdrawal brings none along."""
    entries = list(bundle["entry"])
    found = next((e for e in entries if e["resource"]["resourceType"] == "Device"), None)
    if found is not None:
        return found, entries
    device = device_bundle(site)["entry"][0]
    return device, [device, *entries]


def _address(entry: Mapping[str, Any]) -> str:
    """A stored resource by its place, a new one by its temporary address."""
    request = entry["request"]
    return str(request["url"] if request["method"] == "PUT" else entry["fullUrl"])


def _changed(entry: Mapping[str, Any], reply: Mapping[str, Any]) -> str:
    """Where an entry stands on the server, if it was created or became a new version; else ``""``.

    A create that found its resource there wrote nothing, nor did an update that changed nothing.
    """
    request, response = entry["request"], reply.get("response", {})
    place, _, version = str(response.get("location", "")).partition("/_history/")
    if entry["resource"]["resourceType"] == "Device":
        return ""
    if request["method"] == "POST":
        created = str(response.get("status", "")).startswith("201")
        return "/".join(place.split("/")[-2:]) if created else ""
    return "" if version and request["ifMatch"] == f'W/"{version}"' else str(request["url"])


def _write_id(entries: Iterable[Mapping[str, Any]], site: Site) -> str:
    """What tells this write from every other: the plan, what is said, and over which versions."""
    parts = sorted(
        f"{stored_digest(e['resource'], site)}{e['request'].get('ifMatch', '')}" for e in entries
    )
    keys = (e["resource"]["identifier"][0]["value"] for e in entries)
    plans = sorted({":".join(key.split(":")[:_PLAN_PARTS]) for key in keys})
    return str(uuid5(NAMESPACE_URL, f"{site.canonical}/provenance/{'|'.join([*plans, *parts])}"))
