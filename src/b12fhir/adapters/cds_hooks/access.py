"""Where a client lets us read, and with which token: read from a call, checked against a list."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from b12fhir.errors import CallError, ConfigError
from b12fhir.kernel.address import parse_address
from b12fhir.ports import Caller, Resource

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}\Z")
_SERVER, _GRANT = "fhirServer", "fhirAuthorization"


@dataclass(frozen=True, slots=True)
class Access:
    """Base address of the client's FHIR server and its token; ``""`` where none was given."""

    base: str = ""
    token: str = field(default="", repr=False)


def read_access(body: Resource, caller: Caller, patient: str) -> Access:
    """The access that a call grants for ``patient`` (a bare id).

    Raises `CallError` for a server that is no web address or not on the caller's list, for a token
    without a server, a token that is none, and one made out for another patient.
    """
    named, grant = body.get(_SERVER), body.get(_GRANT)
    if named is None:
        if grant is not None:
            raise CallError(
                "fhirAuthorization was sent without fhirServer, so its token fits no server.",
                hint="Send both or none.",
                where=_SERVER,
            )
        return Access()
    return Access(_listed(named, caller), _token(grant, patient) if grant is not None else "")


def _listed(named: object, caller: Caller) -> str:
    try:
        base = parse_address(named if isinstance(named, str) else "").base
    except ConfigError as error:
        raise CallError(error.message, hint=error.hint, where=_SERVER) from None
    if base not in caller.fhir_servers:
        raise CallError(
            "fhirServer is not on the list of servers that this client may name, so it was not "
            "contacted.",
            hint="Have the server added to the client's entry in the settings.",
            where=_SERVER,
        )
    return base


def _token(grant: object, patient: str) -> str:
    if not isinstance(grant, Mapping):
        raise CallError("fhirAuthorization is not an object.", where=_GRANT)
    token, kind, owner = grant.get("access_token"), grant.get("token_type"), grant.get("patient")
    if not isinstance(token, str) or not _TOKEN.match(token):
        raise CallError(
            "fhirAuthorization has no access_token that can be sent in a header.",
            where=f"{_GRANT}.access_token",
        )
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise CallError(
            "fhirAuthorization has a token_type that is not Bearer.", where=f"{_GRANT}.token_type"
        )
    if owner is not None and owner != patient:
        raise CallError(
            "fhirAuthorization was given for another patient than context.patientId.",
            hint="Nothing was read. Send the token of this patient.",
            where=f"{_GRANT}.patient",
        )
    return token
