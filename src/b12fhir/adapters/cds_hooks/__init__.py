"""CDS Hooks over HTTP: discovery, calls, feedback, and what the service says of itself."""

from b12fhir.adapters.cds_hooks.app import Application, create_app
from b12fhir.adapters.cds_hooks.metrics import Metrics
from b12fhir.adapters.cds_hooks.parts import HookLimits, Parts

__all__ = ["Application", "HookLimits", "Metrics", "Parts", "create_app"]
