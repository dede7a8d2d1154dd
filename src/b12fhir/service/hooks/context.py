"""The resources that a call carries in its context, opened however they were packed."""

from collections.abc import Iterator
from typing import NamedTuple

from b12fhir.errors import CallError
from b12fhir.fhir.extract.tree import obj, text
from b12fhir.fhir.owner import Owner, owner
from b12fhir.ports import Resource


class Packed(NamedTuple):
    """One resource of the context, and what was said of it in words."""

    resource: Resource
    place: str
    url: str = ""


class Opened(NamedTuple):
    """What a member of the context holds: the patient's resources, and what could not be read.

    ``medications`` are the Medications among them, by every name another one can use.
    """

    resources: tuple[Packed, ...]
    medications: dict[str, Resource]
    unread: tuple[str, ...]


def opened(value: object, member: str, patient: str, server: str) -> Opened:
    """The resources of one member, say ``draftOrders``.

    Clients send a Bundle (often without type or entries), a list, one resource, or one wrapped as
    ``{"resource": ...}``. Raises `CallError` if one of them is another patient's: then nobody can
    tell whose screen this is.
    """
    if not isinstance(value, dict | list):
        raise CallError(
            f"context.{member} is no Bundle and no resource.",
            hint="Send it as the hook's own page asks for.",
            where=f"context.{member}",
        )
    packed = list(_unpacked(value, member))
    beside = {name: one.resource for one in packed for name in _names(one)}
    kept, unread = [], []
    for one in packed:
        whose = owner(one.resource, patient, server, beside)
        if whose is Owner.OTHER:
            raise _mismatch(one.place)
        if not text(one.resource.get("resourceType")):
            unread.append(f"{one.place} is no resource")
        elif whose is Owner.UNCLEAR:
            unread.append(f"{one.place} does not say clearly whose it is")
        else:
            kept.append(one)
    medicines = {
        name: one for name, one in beside.items() if one.get("resourceType") == "Medication"
    }
    return Opened(tuple(kept), medicines, tuple(unread))


def _unpacked(value: Resource | list[object], member: str) -> Iterator[Packed]:
    place = f"context.{member}"
    if isinstance(value, list):
        yield from _several(value, place)
    elif _is_bundle(value):
        entries = value.get("entry")
        yield from _several(entries if isinstance(entries, list) else [], f"{place}.entry")
    else:
        yield Packed(_unwrapped(value), place)


def _several(values: list[object], place: str) -> Iterator[Packed]:
    for number, one in enumerate(values):
        yield Packed(_unwrapped(one), f"{place}[{number}]", text(obj(one).get("fullUrl")))


def _is_bundle(value: Resource) -> bool:
    """A Bundle, also one that does not say so; not a wrapper."""
    kind = text(value.get("resourceType"))
    return kind == "Bundle" or (not kind and "resource" not in value)


def _unwrapped(value: object) -> Resource:
    """The resource itself, out of an entry or a wrapper."""
    held = obj(value)
    return held if "resourceType" in held else obj(held.get("resource"))


def _names(one: Packed) -> set[str]:
    """Every name by which another resource of the same call can mean this one."""
    kind, own = text(one.resource.get("resourceType")), text(one.resource.get("id"))
    return {one.url, f"{kind}/{own}", f"urn:uuid:{own}"} - {"", f"{kind}/", "urn:uuid:"}


def _mismatch(place: str) -> CallError:
    return CallError(
        f"{place} is about another patient than context.patientId, so no advice is given.",
        hint="Send orders and records of the patient who is open.",
        where=place,
    )
