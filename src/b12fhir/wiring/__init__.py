"""Settings to concrete parts; the entry point; the only place that has a clock."""

from b12fhir.wiring.entry import main, run

__all__ = ["main", "run"]
