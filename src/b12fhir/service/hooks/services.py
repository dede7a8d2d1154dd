"""The services that are offered, and the queries whose answers they need.

A decision takes the whole record into account, so every service asks for the same queries: a client
answers them once for all hooks, and a card never differs from `assess` on the same record.

Observations are asked for by codes, never without. The lists are those of the protocol and the
site's code map, so that they cannot go stale. Codes stand without their systems: that is a quarter
of the length, and finds results whose system is spelled in an old way; what a code of another
system brings along is left out when it is read. A query is kept under `QUERY_CHARACTERS`, because
clients send them as addresses and servers commonly refuse addresses of more than 8,190 bytes; the
codes of a long map are spread over several queries.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from b12fhir.fhir.extract.status import TOPICS
from b12fhir.fhir.identity import APPROVED_PLAN, PLAN
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import ATC, DMD, RXNORM, Code
from b12fhir.protocol.model import Protocol
from b12fhir.service.hooks.model import Hook

QUERY_CHARACTERS = 4000
PATIENT = "patient"
# What the CDS Hooks 2.0 answers are written to; a field of 3.0 that older clients skip.
VERSION = "2.0.0"
_ID = "{{context.patientId}}"
# HAPI and others give at most 200 at once; whoever gives fewer links to the next page.
_PAGE = "200"
# Room for all of such a query but its codes.
_AROUND = 100
_MEDICINES = frozenset({RXNORM, ATC, DMD})
_USAGE = (
    "Send the prefetch whole, or give fhirServer with a token that may read and search what the "
    "prefetch templates name, and Medication. What cannot be had is answered with 412, or named in "
    "the card where a decision is possible without it."
)


@dataclass(frozen=True, slots=True)
class Service:
    """One service: its id, its hook and the version of that hook, and what is said of it."""

    id: str
    hook: Hook
    hook_version: str
    title: str
    description: str


# Ids are distinct over all hooks: common clients know a service by its id alone.
SERVICES = (
    Service(
        "b12-patient-view",
        Hook.PATIENT_VIEW,
        "1.0",
        "Vitamin B12: finding",
        "Says whether the record shows a vitamin B12 deficiency, how urgent it is, what could be "
        "considered and what is missing.",
    ),
    Service(
        "b12-order-select",
        Hook.ORDER_SELECT,
        "1.0",
        "Vitamin B12: orders being chosen",
        "Looks at drug, form, dose and route of selected vitamin B12 and folic acid orders, and is "
        "silent about what is right.",
    ),
    Service(
        "b12-order-sign",
        Hook.ORDER_SIGN,
        "1.0",
        "Vitamin B12: orders being signed",
        "Looks once more at vitamin B12 and folic acid orders before they are signed, and is "
        "silent about what is right.",
    ),
    Service(
        "b12-encounter-discharge",
        Hook.ENCOUNTER_DISCHARGE,
        "1.0",
        "Vitamin B12: discharge",
        "Reminds of doses, orders and checks of vitamin B12 that must not get lost at discharge.",
    ),
    Service(
        "b12-appointment-book",
        Hook.APPOINTMENT_BOOK,
        "1.0",
        "Vitamin B12: appointment",
        "Says which dose or check of vitamin B12 is due when an appointment is booked.",
    ),
    Service(
        "b12-medication-refill",
        Hook.MEDICATION_REFILL,
        "0.1.0",
        "Vitamin B12: refill",
        "Looks at the refill of a vitamin B12 preparation and at the checks that go with it.",
    ),
    Service(
        "b12-problem-list-item-create",
        Hook.PROBLEM_CREATE,
        "0.1.0",
        "Vitamin B12: new problem",
        "Says what a new diagnosis changes for cause, route or urgency of vitamin B12 treatment.",
    ),
    Service(
        "b12-allergyintolerance-create",
        Hook.ALLERGY_CREATE,
        "0.1.0",
        "Vitamin B12: new allergy",
        "Says what a new allergy means for vitamin B12 treatment.",
    ),
)


@dataclass(frozen=True, slots=True)
class Query:
    """One query of the record: its prefetch key, the type, and the search for one patient.

    ``params`` are parameters beside the patient, values as FHIR writes them. ``required``: without
    its answer nothing is decided (412). ``told`` names its content in words, for what is missing.
    """

    key: str
    kind: str
    told: str
    params: tuple[tuple[str, str], ...] = ()
    required: bool = False

    @property
    def template(self) -> str:
        """The query as a prefetch template."""
        if self.kind == "Patient":
            return f"Patient/{_ID}"
        rest = "".join(f"&{name}={quote(value, safe=_PLAIN)}" for name, value in self.params)
        return f"{self.kind}?patient={_ID}{rest}"

    def search(self, patient: str) -> dict[str, str]:
        """The parameters of the search for a patient, given by the bare id."""
        if self.kind == "Patient":
            return {"_id": patient}
        return {"patient": patient, **dict(self.params)}


# Characters that may stand in a query as they are (RFC 3986), and the bar, as HL7's examples do.
_PLAIN = ":/,|-._~"


def queries(protocol: Protocol, site: Site) -> tuple[Query, ...]:
    """Every query of a decision, the required ones first."""
    return (
        Query(PATIENT, "Patient", "the patient", required=True),
        *_coded("labs", "code", _results(protocol, site), "results", required=True),
        Query("conditions", "Condition", "diagnoses", _paged(), required=True),
        Query("requests", "MedicationRequest", "orders of medicines", _paged(), required=True),
        *_coded("signs", "code", _signs(protocol, site), "signs, diet and pregnancy"),
        *_coded("answers", "value-concept", _clinical(protocol), "answers to questions"),
        Query("procedures", "Procedure", "operations and injections", _paged()),
        Query("administrations", "MedicationAdministration", "doses given", _paged()),
        Query("statements", "MedicationStatement", "medicines reported as taken", _paged()),
        Query("dispenses", "MedicationDispense", "medicines dispensed", _paged()),
        Query("allergies", "AllergyIntolerance", "allergies", _paged()),
        Query("family", "FamilyMemberHistory", "illnesses in the family", _paged()),
        Query("plans", "CarePlan", "plans of this program", (_ours(site), *_paged())),
    )


def discovery(
    asked: Iterable[Query], site: Site, *, wanted: Container[str] | None = None
) -> dict[str, Any]:
    """What ``GET /cds-services`` answers; ``wanted`` are the ids of the services that are on."""
    prefetch = {query.key: query.template for query in asked}
    on = [one for one in SERVICES if wanted is None or one.id in wanted]
    return {"services": [_entry(service, prefetch, site) for service in on]}


def _entry(service: Service, prefetch: Mapping[str, str], site: Site) -> dict[str, Any]:
    return {
        "hook": service.hook.value,
        "title": service.title,
        "description": service.description,
        "id": service.id,
        "prefetch": dict(prefetch),
        "usageRequirements": _USAGE,
        "version": VERSION,
        "hookVersion": service.hook_version,
        "extension": {"org.b12fhir": {"profiles": site.canonical}},
    }


def _results(protocol: Protocol, site: Site) -> list[str]:
    """Codes of laboratory tests, those that only say present or absent, and panels of them."""
    table = protocol.analytes
    own = {*table.codes, *table.presence, *table.panels}
    return [*sorted(own), *_local(site, own)]


def _signs(protocol: Protocol, site: Site) -> list[str]:
    own = {*_clinical(protocol), *(code.code for code in TOPICS)}
    lab = set(_results(protocol, site))
    return [*sorted(own), *_local(site, own - lab)]


def _clinical(protocol: Protocol) -> list[str]:
    """Codes of findings and diagnoses: every concept that is no medicine."""
    known: Iterable[Code] = protocol.concepts.codes
    return sorted({code.code for code in known if code.system not in _MEDICINES})


def _local(site: Site, targets: Container[str]) -> list[str]:
    """The site's own codes that stand for one of the targets."""
    return sorted({own.code for own, meant in site.code_map.items() if meant.code in targets})


def _ours(site: Site) -> tuple[str, str]:
    """A search by the systems of our identifiers, whatever the value."""
    return "identifier", ",".join(f"{site.system(name)}|" for name in (PLAN, APPROVED_PLAN))


def _paged() -> tuple[tuple[str, str], ...]:
    return (("_count", _PAGE),)


def _coded(
    key: str, name: str, codes: Sequence[str], told: str, *, required: bool = False
) -> Iterator[Query]:
    """Observations of these codes, the newest first; in as many queries as it takes."""
    for number, part in enumerate(_parts(codes), start=1):
        params = ((name, part), ("_sort", "-date"), *_paged())
        numbered = key if number == 1 else f"{key}{number}"
        yield Query(numbered, "Observation", told, params, required)


def _parts(codes: Iterable[str]) -> Iterator[str]:
    part: list[str] = []
    length = 0
    room = QUERY_CHARACTERS - len(
        f"Observation?patient={_ID}&value-concept=&_sort=-date&_count=200"
    )
    for code in dict.fromkeys(codes):
        escaped = _escaped(code)
        size = len(quote(escaped, safe=_PLAIN)) + 1
        if part and length + size > room:
            yield ",".join(part)
            part, length = [], 0
        part.append(escaped)
        length += size
    yield ",".join(part)


def _escaped(code: str) -> str:
    """A code as a search parameter: FHIR parts values by these characters."""
    for mark in "\\,|$":
        code = code.replace(mark, f"\\{mark}")
    return code
