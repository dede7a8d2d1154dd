"""Whose signed plan it is: from a plan's key to its patient on a server."""

from b12fhir.errors import PatientError, UsageError
from b12fhir.fhir.identity import APPROVED_PLAN, parse_plan_key
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import patient_of
from b12fhir.ports import FhirReader


def no_signed_plan(what: str) -> PatientError:
    """Nobody has signed a plan, or not the one that was asked for."""
    return PatientError(
        f"{what} on this server: doses are counted from signed orders only.",
        hint="Proposals wait for a clinician; see the plans and who has signed them.",
    )


def owner_of(server: FhirReader, site: Site, key: str) -> str:
    """``Patient/<id>`` of the signed plan with this key.

    Raises `UsageError` if it is no key, `PatientError` if no patient or more than one has it.
    """
    if parse_plan_key(key) is None:
        hint = "A key looks like a1b2c3d4e5f60718:e1:r1."
        raise UsageError(f"--plan {key[:40]!r} is no key of a plan.", hint=hint)
    wanted = {"identifier": f"{site.system(APPROVED_PLAN)}|{key}"}
    found = (one for one in server.search("CarePlan", wanted) if one["resourceType"] == "CarePlan")
    owners = {patient_of(one) for one in found}
    if len(owners) > 1:
        raise PatientError(
            "This plan's key stands in the records of more than one patient.",
            hint="Do not rely on either plan; have the records compared by hand.",
        )
    if not owners:
        raise no_signed_plan("There is no signed plan with this key")
    return owners.pop()
