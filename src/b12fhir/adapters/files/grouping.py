"""Resources of many patients, put together by the patient they name."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from b12fhir.adapters.files.kinds import CLINICAL, R4_TYPES, SHARED
from b12fhir.errors import PatientError
from b12fhir.kernel.evidence import Issue, Severity
from b12fhir.ports import Resource

_PATIENT = re.compile(r"(?:\A|/)(Patient/[A-Za-z0-9.\-]{1,64})(?:/_history/[^/]+)?\Z")
_SAFE_NAME = re.compile(r"[A-Za-z]{1,40}\Z")
_SAFE_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}\Z")
_UUID = re.compile(r"urn:uuid:([A-Za-z0-9\-]{1,64})\Z")
_OWNER = ("subject", "patient", "beneficiary", "individual")
_LISTED = 20


class Item(NamedTuple):
    """A resource as read: the address it stood under in a Bundle, and whether that had more."""

    resource: Resource
    url: str = ""
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Records:
    """What an input held: resources by patient, shared ones, and what could not be used.

    ``issues`` name files and lines, never content.
    """

    patients: Mapping[str, tuple[Resource, ...]]
    shared: tuple[Resource, ...] = ()
    issues: tuple[Issue, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Every file and line was read, and every patient named was there."""
        return all(issue.severity is not Severity.ERROR for issue in self.issues)

    def of(self, patient: str) -> tuple[Resource, ...]:
        """Everything about one patient (``Patient/123``), and what all share."""
        return self.patients[patient] + self.shared

    def only(self, patient: str) -> "Records":
        """The records of one patient, given as ``Patient/123`` or ``123``."""
        reference = patient if patient.startswith("Patient/") else f"Patient/{patient}"
        if reference not in self.patients:
            asked = reference if _PATIENT.fullmatch(reference) else "The patient asked for"
            hint = f"In it: {_some(sorted(self.patients))}."
            raise PatientError(f"{asked} is not in the input.", hint=hint)
        kept = {reference: self.patients[reference]}
        return Records(kept, self.shared, self.issues, self.counts)


def group(items: Iterable[Item], issues: Sequence[Issue]) -> Records:
    """Sort resources to their patients. The order of the input does not matter for the groups."""
    everything = list(items)
    counts = Counter(_kind(item.resource) for item in everything)
    addresses = _addresses(everything)
    mine: dict[str, list[Item]] = {}
    shared: list[Resource] = []
    nobody: list[Item] = []
    for item in everything:
        patient = _patient_of(item, addresses)
        if _kind(item.resource) in SHARED:
            shared.append(item.resource)
        elif patient is None:
            nobody.append(item)
        else:
            mine.setdefault(patient, []).append(item)
    orphans = _adopted(nobody, mine)
    present = {key for key, own in mine.items() if any(_is_patient(one) for one in own)}
    found = (*issues, *_unknown(counts), *_unowned(orphans), *_absent(mine, present))
    patients = {key: _held(mine[key]) for key in sorted(present)}
    return Records(patients, tuple(shared), found, dict(sorted(counts.items())))


def _patient_of(item: Item, addresses: Mapping[str, str]) -> str | None:
    """Key of the patient a resource is or names; ``None`` if it names none.

    This only sorts. Whether the reference is exactly the patient's is judged again, strictly, when
    facts are extracted: a foreign address with the same id ends there, with an issue.
    """
    if _is_patient(item):
        return _key(item)
    for name in _OWNER:
        owner = item.resource.get(name)
        reference = owner.get("reference") if isinstance(owner, dict) else None
        if not isinstance(reference, str):
            continue
        if reference in addresses:
            return addresses[reference]
        if match := _PATIENT.search(reference):
            return match[1]
    return None


def _addresses(items: Iterable[Item]) -> dict[str, str]:
    """Bundle addresses of patients, for references like ``urn:uuid:...``."""
    found = {}
    for item in items:
        if _is_patient(item) and item.url and (key := _key(item)):
            found[item.url] = key
    return found


def _key(patient: Item) -> str | None:
    """``Patient/<id>``, the id taken from the address where the resource has none."""
    identity = patient.resource.get("id")
    if isinstance(identity, str) and _SAFE_ID.match(identity):
        return f"Patient/{identity}"
    if match := _UUID.match(patient.url):
        return f"Patient/{match[1]}"
    match = _PATIENT.search(patient.url)
    return match[1] if match else None


def _held(items: Sequence[Item]) -> tuple[Resource, ...]:
    """What is handed on: bare resources, and those with an address inside a Bundle again.

    Addresses are kept because references may use them. A Bundle that had more than it held keeps
    its ``next`` link, so that nobody takes it for the whole record (ruling 30).
    """
    bare = tuple(item.resource for item in items if not item.url and not item.partial)
    addressed = [item for item in items if item.url or item.partial]
    if not addressed:
        return bare
    entries = [
        {"fullUrl": item.url, "resource": item.resource}
        if item.url
        else {"resource": item.resource}
        for item in addressed
    ]
    bundle: dict[str, object] = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    if any(item.partial for item in addressed):
        bundle["link"] = [{"relation": "next", "url": ""}]
    return (*bare, bundle)


def _adopted(orphans: Sequence[Item], mine: Mapping[str, list[Item]]) -> list[Item]:
    """Give a version without subject to the patient who owns the same resource; return the rest.

    Servers strip a retracted resource to id and status. Without this, the version that was
    retracted would stand (US Core lets patient-facing servers strip everything else).
    """
    if not orphans:
        return []
    owners = {
        _reference(item.resource): patient for patient in sorted(mine) for item in mine[patient]
    }
    left = []
    for orphan in orphans:
        known = orphan.resource.get("id") is not None
        owner = owners.get(_reference(orphan.resource)) if known else None
        if owner is None:
            left.append(orphan)
        else:
            mine[owner].append(orphan)
    return left


def _unknown(counts: Mapping[str, int]) -> list[Issue]:
    return [
        Issue(
            "unknown-resource-type",
            Severity.WARNING,
            "",
            f"{number} x '{kind}' is no resource type of FHIR R4. Not used. "
            "Check the spelling, or the FHIR version of the export.",
        )
        for kind, number in sorted(counts.items())
        if kind not in R4_TYPES
    ]


def _unowned(orphans: Sequence[Item]) -> list[Issue]:
    """Resources that name no patient: some one by one, the rest as a count."""
    kinds = CLINICAL | {"Patient"}
    named = sorted(_reference(o.resource) for o in orphans if _kind(o.resource) in kinds)
    listed = [
        Issue(
            "no-patient-named",
            Severity.WARNING,
            reference,
            f"{reference} names no patient. Not used, since it could be anyone's. "
            "Add its subject (a Patient needs an id) if it matters.",
        )
        for reference in named[:_LISTED]
    ]
    if len(named) > _LISTED:
        text = f"{len(named) - _LISTED} more resources name no patient. Not used."
        listed.append(Issue("no-patient-named", Severity.WARNING, "", text))
    return listed


def _absent(mine: Mapping[str, Sequence[Item]], present: set[str]) -> list[Issue]:
    return [
        Issue(
            "patient-not-in-input",
            Severity.ERROR,
            patient,
            f"{patient} is named by {len(mine[patient])} resources, but the input holds no such "
            "Patient. Not assessed, since age and sex are not known. Add the Patient resource.",
        )
        for patient in sorted(set(mine) - present)
    ]


def _is_patient(item: Item) -> bool:
    return item.resource.get("resourceType") == "Patient"


def _kind(resource: Resource) -> str:
    kind = resource.get("resourceType")
    return kind if isinstance(kind, str) and _SAFE_NAME.match(kind) else "(unreadable type)"


def _reference(resource: Resource) -> str:
    identity = resource.get("id")
    safe = isinstance(identity, str) and _SAFE_ID.match(identity)
    return f"{_kind(resource)}/{identity if safe else '(no id)'}"


def _some(references: Sequence[str]) -> str:
    more = f" and {len(references) - _LISTED} more" if len(references) > _LISTED else ""
    return ", ".join(references[:_LISTED]) + more
