"""Whose a resource is. What is not surely the patient's own is never used."""

from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.issues import NO_SUBJECT, OTHER_PATIENT, Kind
from b12fhir.fhir.extract.record import Record, Source
from b12fhir.fhir.extract.tree import first_code, obj, text


def base_of(url: str) -> str:
    """The server's address within the address of a resource; ``""`` if it has none."""
    if not url.startswith(("http://", "https://")):
        return ""
    return url.partition("/_history/")[0].rsplit("/", 2)[0]


def not_ours(source: Source, record: Record, element: str = "subject") -> tuple[Kind, str] | None:
    """Why the resource is not the patient's, or ``None`` if it is.

    A relative reference counts on the server the resource came from; the same id on another
    server is another person. Logical, conditional and contained subjects are not followed: they
    name someone who is not the patient's own resource.
    """
    owner = source.resource.get(element)
    target = text(owner.get("reference")) if isinstance(owner, dict) else ""
    if not target and _is_withdrawn(source.resource):
        # Servers may strip what they withdraw to id and status: nothing of it is used anyway.
        return None
    if not target:
        return NO_SUBJECT, f"has no {element} that can be followed"
    if target.startswith("#"):
        return OTHER_PATIENT, f"is about a contained {element}, not about the patient"
    if target.partition("/_history/")[0] not in record.aliases:
        return OTHER_PATIENT, f"is about someone else than the patient ({element})"
    if "://" not in target and record.base and base_of(source.url) not in {"", record.base}:
        return OTHER_PATIENT, "comes from another server than the patient"
    return None


def names_other(resource: Resource, record: Record) -> bool:
    """Does a resource of any type name another subject or patient?"""
    owner = obj(resource.get("subject") or resource.get("patient"))
    target = text(owner.get("reference"))
    return bool(target) and target.partition("/_history/")[0] not in record.aliases


def _is_withdrawn(resource: Resource) -> bool:
    verification = first_code(resource.get("verificationStatus"))
    return "entered-in-error" in {text(resource.get("status")), verification}


def subjects_of(aliases: frozenset[str]) -> frozenset[str]:
    """The aliases that `not_ours` takes as they stand: nothing of them is cut off or odd."""
    return frozenset(
        one
        for one in aliases
        if one == one.strip().partition("/_history/")[0] and not one.startswith("#")
    )


def aliases_of(resource: Resource, url: str, server: str) -> tuple[frozenset[str], str]:
    """The references that mean this Patient, and the address of its server (``""`` if unknown)."""
    relative = f"Patient/{text(resource.get('id'))}"
    bare = url.partition("/_history/")[0]
    base = base_of(bare) or (server.rstrip("/") if base_of(f"{server}/Patient/x") else "")
    names = {relative, bare, f"{base}/{relative}" if base else ""}
    if not text(resource.get("id")):
        names.discard(relative)
    return frozenset(names - {""}), base
