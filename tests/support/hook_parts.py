"""A CDS Hooks service put together for a test: real parts, but for the trust and the database."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask.testing import FlaskClient

from b12fhir.adapters.cds_hooks import Metrics, Parts, create_app
from b12fhir.adapters.memory import MemoryServer
from b12fhir.errors import BookError, ServerError, UntrustedError
from b12fhir.fhir.site import Site
from b12fhir.ports import Caller, HookServer, Resource
from b12fhir.protocol.load import load_protocol
from b12fhir.service.hooks.keeping import Answered, Heard, Held, Issued
from b12fhir.service.hooks.services import queries

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
PUBLIC = "https://b12.example/cds"
EHR = "https://ehr.example/fhir"
ISSUER = "https://ehr.example"
GOOD = "Bearer good"
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"


class Gate:
    """Admits whoever brings `GOOD`; keeps the addresses that tokens would have to name.

    ``changes`` are of the caller that is told.
    """

    def __init__(self, **changes: Any) -> None:
        self.asked: list[str] = []
        self.caller = replace(Caller(issuer=ISSUER, fhir_servers=frozenset({EHR})), **changes)

    def admit(self, authorization: str, url: str, _now: datetime) -> Caller:
        self.asked.append(url)
        if authorization != GOOD:
            raise UntrustedError("Not admitted.")
        return self.caller


class Book:
    """A book in memory."""

    def __init__(self) -> None:
        self.issued: list[Issued] = []
        self.heard: list[Heard] = []
        self.held: list[Held] = []
        self.ready = True

    def recall(self, patient: str) -> Sequence[Answered]:
        cards = {one.uuid: one for one in self.issued if one.patient == patient}
        return [Answered(cards[h.card], h) for h in self.heard if h.card in cards]

    def issue(self, cards: Sequence[Issued]) -> None:
        self.issued += cards

    def hold(self, held: Sequence[Held]) -> None:
        self.held += held

    def hear(self, entries: Sequence[Heard]) -> None:
        if not self.ready:
            raise BookError("The book cannot be written.", hint="Send it again.")
        self.heard += entries

    def is_ready(self) -> bool:
        return self.ready

    def close(self) -> None:
        """Nothing waits."""


class Ehr(MemoryServer):
    """A client's FHIR server: `fails` says what goes wrong with the search of a type."""

    def __init__(self, *resources: Resource, fails: Mapping[str, ServerError] | None = None):
        super().__init__(resources, base=EHR)
        self.fails = fails or {}
        self.asked: list[str] = []
        self.opened: list[tuple[str, str]] = []
        self.pages: list[Resource] = []
        self.closed = 0

    def open(self, base: str, token: str) -> HookServer:
        self.opened.append((base, token))
        return self

    def search(self, kind: str, params: Mapping[str, str]) -> Iterator[Resource]:
        self.asked.append(kind)
        if kind in self.fails:
            raise self.fails[kind]
        return super().search(kind, params)

    def rest(self, kind: str, _page: Resource) -> Iterator[Resource]:
        self.asked.append(f"rest of {kind}")
        if kind in self.fails:
            raise self.fails[kind]
        return iter(self.pages)

    def close(self) -> None:
        self.closed += 1


class House:
    """The parts, the application, and a client of it."""

    def __init__(self, *resources: Resource, ehr: Ehr | None = None, **changes: Any) -> None:
        self.gate, self.book, self.metrics = Gate(), Book(), Metrics()
        self.ehr = ehr or Ehr(*resources)
        ids = count(1)
        parts = Parts(
            gate=self.gate,
            book=self.book,
            open_server=self.ehr.open,
            protocol=lambda as_of: load_protocol(on=as_of.date()),
            site=lambda address: Site(server_id=address, zone=ZoneInfo("Europe/Berlin")),
            clock=lambda: NOW,
            public=PUBLIC,
            metrics=self.metrics,
            uuids=lambda: str(UUID(int=next(ids), version=4)),
        )
        self.parts = replace(parts, **changes)
        self.app = create_app(self.parts)
        self.client: FlaskClient = self.app.test_client()

    def call(self, body: Any, service: str = "b12-patient-view", **options: Any) -> Any:
        headers = {"Authorization": GOOD, **options.pop("headers", {})}
        path = f"/cds-services/{service}"
        return self.client.post(path, json=body, headers=headers, **options)

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers={"Authorization": GOOD, **headers})


def observation(
    id_: str, value: str, code: str = "2132-9", patient: str = "p1", **elements: Any
) -> dict[str, Any]:
    """A result of total B12 in ng/L, or of another test."""
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2026-11-18T08:00:00Z",
        "valueQuantity": {
            "value": int(value),
            "unit": "ng/L",
            "system": "http://unitsofmeasure.org",
            "code": "ng/L",
        },
        **elements,
    }


def patient(id_: str = "p1", **elements: Any) -> dict[str, Any]:
    """A woman of 56."""
    return {
        "resourceType": "Patient",
        "id": id_,
        "gender": "female",
        "birthDate": "1970-01-01",
        **elements,
    }


def bundle(*resources: Resource, **elements: Any) -> dict[str, Any]:
    """A searchset as a client sends it."""
    rows = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": rows, **elements}


def prefetch(*labs: Resource, of: str = "p1", **keys: Any) -> dict[str, Any]:
    """Every key of the templates; those that are not named are empty."""
    keyed = [query.key for query in queries(load_protocol(), Site())]
    empty = dict.fromkeys(keyed, bundle())
    return {**empty, "patient": patient(of), "labs": bundle(*labs), **keys}
