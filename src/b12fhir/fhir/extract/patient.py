"""The patient: sex, age and whether a proposal may be made. No name is read."""

import re
from collections.abc import Iterator

from b12fhir.errors import PatientError
from b12fhir.facts.patient import Patient, Sex
from b12fhir.fhir.extract.issues import DATE_DROPPED, MODIFIED, quote
from b12fhir.fhir.extract.record import Source
from b12fhir.fhir.extract.tree import items, text
from b12fhir.fhir.site import Site
from b12fhir.kernel.dates import parse_when
from b12fhir.kernel.evidence import Issue

_SEXES = {"female": Sex.FEMALE, "male": Sex.MALE}


def choose(found: list[Source], wanted: str | None) -> Source:
    """The Patient meant: the one ``wanted`` (``Patient/1`` or ``1``), else the only one."""
    people = [source for source in found if source.resource.get("resourceType") == "Patient"]
    if wanted is not None:
        last = wanted.rpartition("/")[2]
        people = [
            source
            for source in people
            if last == source.resource.get("id") or _ends(source.url, last)
        ]
    if not people:
        message = "No Patient resource was found." if wanted is None else "The Patient is missing."
        raise PatientError(message, hint="Send the Patient together with the other resources.")
    if len(people) > 1:
        message = f"{len(people)} Patient resources were found, so it is not clear who is meant."
        raise PatientError(message, hint="Send one patient at a time, or say which one is meant.")
    return people[0]


def _reference(source: Source) -> str:
    """``Patient/<id>``; of a Patient without id, the last part of its address stands for it."""
    named = source.reference
    return named if named.startswith("Patient/") else f"Patient/{re.split('[/:]', named)[-1]}"


def _ends(url: str, last: str) -> bool:
    """Does an address end in the id: ``.../Patient/1`` or ``urn:uuid:...``?"""
    return bool(last) and last in {url.rpartition("/")[2], url.rpartition(":")[2]}


def read_patient(source: Source, site: Site) -> Patient:
    """What a decision needs to know of the person."""
    resource = source.resource
    death = parse_when(resource.get("deceasedDateTime"), site.zone)
    return Patient(
        reference=_reference(source),
        sex=_SEXES.get(text(resource.get("gender")), Sex.UNKNOWN),
        birth=parse_when(resource.get("birthDate"), site.zone),
        deceased=resource.get("deceasedBoolean") is True or "deceasedDateTime" in resource,
        death=death,
        active=resource.get("active") is not False,
        replaced=any(link.get("type") == "replaced-by" for link in items(resource.get("link"))),
    )


def patient_issues(source: Source, patient: Patient) -> Iterator[Issue]:
    """Doubts about the Patient resource itself, beside what was read of it."""
    resource, reference = source.resource, source.reference
    for name, read in (("birthDate", patient.birth), ("deceasedDateTime", patient.death)):
        if read is None and resource.get(name):
            yield DATE_DROPPED.issue(reference, f"has the {name} {quote(resource[name])}")
    if resource.get("modifierExtension") or resource.get("implicitRules"):
        yield MODIFIED.issue(reference, "carries a modifierExtension or implicitRules")
