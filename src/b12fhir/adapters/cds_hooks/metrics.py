"""Figures for Prometheus: how long, how many, what came of it. Labels hold codes only.

Nothing of a patient, a user or a token is a label: a metric is kept for long and read by many.
"""

from functools import cache
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST
# Seconds. A call should take about half a second at most; a client waits at most ten.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The figures of one process, or of all workers together.

    ``folder`` is where the workers keep their figures (``PROMETHEUS_MULTIPROC_DIR``), if there are
    several: each shows the sum. The variable must be set before this module is first imported.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._registry = CollectorRegistry()
        seconds = Histogram(
            "b12fhir_hook_seconds",
            "Time to answer a call, once begun, by service and class of the HTTP status.",
            ("service", "status"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        cards = Counter(
            "b12fhir_cards",
            "Cards shown, by service, rule and indicator.",
            ("service", "rule", "indicator"),
            registry=self._registry,
        )
        silent = Counter(
            "b12fhir_cards_silent",
            "Cards held back because of an earlier answer, by service.",
            ("service",),
            registry=self._registry,
        )
        aside = Counter(
            "b12fhir_set_aside",
            "Resources of calls that were not used, by service and kind of fault.",
            ("service", "fault"),
            registry=self._registry,
        )
        feedback = Counter(
            "b12fhir_feedback",
            "Entries of feedback heard, by service and outcome.",
            ("service", "outcome"),
            registry=self._registry,
        )
        refused = Counter(
            "b12fhir_hook_refused",
            "Calls that were not admitted, by reason; keys-down: a client's keys could not be had.",
            ("reason",),
            registry=self._registry,
        )
        # A series is looked up once: its labels cost more than the counting.
        self._seconds = cache(seconds.labels)
        self._cards = cache(cards.labels)
        self._silent = cache(silent.labels)
        self._aside = cache(aside.labels)
        self._feedback = cache(feedback.labels)
        self._refused = cache(refused.labels)

    def answered(self, service: str, status: int, seconds: float) -> None:
        """A call was answered."""
        self._seconds(service, f"{status // 100}xx").observe(seconds)

    def shown(self, service: str, rule: str, indicator: str) -> None:
        """A card was shown."""
        self._cards(service, rule, indicator).inc()

    def silenced(self, service: str, count: int) -> None:
        """Cards were held back."""
        self._silent(service).inc(count)

    def set_aside(self, service: str, fault: str, count: int) -> None:
        """Resources were set aside; many of another patient or server show a wrong set-up."""
        self._aside(service, fault).inc(count)

    def heard(self, service: str, outcome: str) -> None:
        """An entry of feedback was kept."""
        self._feedback(service, outcome).inc()

    def refused(self, reason: str) -> None:
        """A caller was not admitted; the reason is a word of a closed list."""
        self._refused(reason).inc()

    def text(self) -> bytes:
        """All figures in Prometheus' own format."""
        if self._folder is None:
            return generate_latest(self._registry)
        whole = CollectorRegistry()
        MultiProcessCollector(whole, str(self._folder))  # type: ignore[no-untyped-call]
        return generate_latest(whole)
