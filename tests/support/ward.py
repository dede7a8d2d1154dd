"""One patient with pernicious anaemia on one server, and everything that can be done with the plan.

The real engine decides on the real record; only the server may be the one in memory.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from b12fhir.adapters.signoff import Asked, Desk, Done, list_plans, sign
from b12fhir.adapters.sync import SyncReport, SyncSettings, sync
from b12fhir.adapters.sync.reading import PatientReader
from b12fhir.adapters.sync.report import PatientResult
from b12fhir.fhir.capabilities import NOTHING, read_capabilities
from b12fhir.fhir.lifecycle import PlanState
from b12fhir.fhir.site import Site
from b12fhir.ports import Handover
from b12fhir.protocol.load import load_protocol

ZONE = ZoneInfo("Europe/Berlin")
PROTOCOL = load_protocol()
LOINC, UCUM, SNOMED = "http://loinc.org", "http://unitsofmeasure.org", "http://snomed.info/sct"


def on(day: str) -> datetime:
    """Ten o'clock at the site."""
    return datetime.fromisoformat(f"{day}T10:00:00").replace(tzinfo=ZONE)


class Ward:
    """A patient, a practitioner, and the server they are on."""

    def __init__(
        self,
        server: Any,
        fresh: str,
        store: Any,
        *,
        told: Mapping[str, bool] = NOTHING,
        handover: Handover | None = None,
    ) -> None:
        self.server, self.store = server, store
        self.told, self.handover = told, handover
        self.patient = f"Patient/{fresh}"
        self.doctor = f"Practitioner/dr-{fresh}"
        self.site = Site(server_id=fresh, site_key="contract", zone=ZONE)
        self.can = read_capabilities(server.capabilities(), told)
        self.fresh = fresh
        store(
            {"resourceType": "Patient", "id": fresh, "gender": "female", "birthDate": "1970-01-01"},
            {"resourceType": "Practitioner", "id": f"dr-{fresh}", "active": True},
        )
        store(
            {
                "resourceType": "Condition",
                "id": fresh,
                "subject": {"reference": self.patient},
                "clinicalStatus": _coded("condition-clinical", "active"),
                "verificationStatus": _coded("condition-ver-status", "confirmed"),
                "code": {"coding": [{"system": SNOMED, "code": "84027009"}]},
                "recordedDate": "2026-10-01",
            }
        )
        self.result(120)

    def result(self, value: int, *, id_: str = "b12", day: str = "2026-11-10") -> None:
        """A total B12 in ng/L."""
        self.store(
            {
                "resourceType": "Observation",
                "id": f"{self.fresh}-{id_}"[:64],
                "status": "final",
                "subject": {"reference": self.patient},
                "code": {"coding": [{"system": LOINC, "code": "2132-9"}]},
                "effectiveDateTime": day,
                "valueQuantity": {"value": value, "unit": "ng/L", "system": UCUM, "code": "ng/L"},
            }
        )

    def once(self, day: str, server: Any = None) -> PatientResult:
        """Run sync for this patient, perhaps through another server; what it did."""
        (result,) = self.run(day, server).results
        assert result.kind not in ("failed", "undecided"), result.reason
        return result

    def propose(self, day: str) -> str:
        """Run sync for this patient; what it did with the plan."""
        return self.once(day).kind

    def run(self, day: str, server: Any = None) -> SyncReport:
        """Run sync for this patient."""
        settings = SyncSettings(patients=(self.patient,), workers=1, told=self.told)
        to = server or self.server
        return sync(to, PROTOCOL, self.site, on(day), settings, handover=self.handover)

    def desk(self, day: str, **changes: Any) -> Desk:
        read = PatientReader(self.server, self.can, 200, self.site).everything
        given = {"audit": changes.pop("audit")} if "audit" in changes else {}
        return Desk(
            changes.pop("server", self.server),
            self.can,
            PROTOCOL,
            self.site,
            on(day),
            read,
            **given,
            **changes,
        )

    def plans(self, day: str) -> tuple[PlanState, ...]:
        return list_plans(self.desk(day), patient=self.patient)

    def plan(self, day: str) -> PlanState:
        (found,) = self.plans(day)
        return found

    def sign(self, day: str, **asked: Any) -> Done:
        key = self.plans(day)[0].key
        return sign(self.desk(day), key, self.doctor, Asked(**asked))

    def stored(self, kind: str) -> list[dict[str, Any]]:
        return [dict(r) for r in self.server.search(kind, {"patient": self.fresh})]

    def orders(self) -> dict[str, str]:
        """Status of each order of medicine, by phase."""
        system = self.site.system("order")
        return {
            one["identifier"][0]["value"].rpartition(":")[2]: one["status"]
            for one in self.stored("MedicationRequest")
            if one["identifier"][0]["system"] == system
        }


def _coded(system: str, code: str) -> dict[str, Any]:
    base = "http://terminology.hl7.org/CodeSystem"
    return {"coding": [{"system": f"{base}/{system}", "code": code}]}
