"""The main job on a FHIR server: read whoever must be looked at, decide, write proposals."""

from b12fhir.adapters.sync.report import PatientResult, SyncReport
from b12fhir.adapters.sync.run import sync
from b12fhir.adapters.sync.settings import SyncSettings

__all__ = ["PatientResult", "SyncReport", "SyncSettings", "sync"]
