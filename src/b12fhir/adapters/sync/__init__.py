"""The main job on a FHIR server: read every patient, decide, write proposals."""

from b12fhir.adapters.sync.report import PatientResult, SyncReport
from b12fhir.adapters.sync.run import SyncSettings, sync

__all__ = ["PatientResult", "SyncReport", "SyncSettings", "sync"]
