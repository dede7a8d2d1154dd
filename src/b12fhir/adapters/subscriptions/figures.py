"""Figures of the bells and passes for Prometheus. Labels hold codes only, nothing of a patient."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# Seconds from a bell to the end of the pass that it woke.
_BUCKETS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)


class Figures:
    """The figures of one process. Where several count, those of all are shown together.

    As with the other figures, the folder of several must be known before the library is imported.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._bells = Counter(
            "b12fhir_bells",
            "Notifications of changes, by what became of them: heard or refused.",
            ("outcome",),
            registry=self._registry,
        )
        self._passes = Counter(
            "b12fhir_passes",
            "Looks for changes: done, partly done, or failed.",
            ("outcome",),
            registry=self._registry,
        )
        self._patients = Counter(
            "b12fhir_pass_patients",
            "Patients that a pass looked at again, by kind of result.",
            ("kind",),
            registry=self._registry,
        )
        self._behind = Histogram(
            "b12fhir_bell_seconds",
            "From a notification to the end of the pass that it woke.",
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._failed = Gauge(
            "b12fhir_passes_failed_in_a_row",
            "Passes that failed since the last one that did not.",
            multiprocess_mode="livemax",
            registry=self._registry,
        )

    def heard(self) -> None:
        """A notification came in."""
        self._bells.labels("heard").inc()

    def refused(self) -> None:
        """Somebody called without the secret."""
        self._bells.labels("refused").inc()

    def passed(self, outcome: str, kinds: Mapping[str, int]) -> None:
        """A pass ended; ``kinds`` counts its patients by kind of result."""
        self._passes.labels(outcome).inc()
        for kind, count in kinds.items():
            self._patients.labels(kind).inc(count)

    def behind(self, seconds: float) -> None:
        """So long after its bell a pass was over."""
        self._behind.observe(seconds)

    def failed_in_a_row(self, count: int) -> None:
        """How many passes failed one after the other; 0 after one that did not."""
        self._failed.set(count)

    def value(self, name: str, **labels: str) -> float | None:
        """One figure of this process."""
        return self._registry.get_sample_value(name, labels)
