"""How a run over a server goes about it."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """How a run goes about it.

    ``patients`` limits it to some references. ``tries`` is how often a lost race is run again,
    ``give_up_after`` after how many patients in a row a silent server is believed to be down.
    ``pause`` waits seconds, ``jitter`` returns 0 to 1, ``clock`` counts seconds. ``told`` is what
    the site knows better about the server than the server itself (`b12fhir.fhir.told`).

    ``wait_s`` is how long to wait for another run: for the lease to look for changes, and for a
    patient who was named. ``stop`` tells whether somebody wants the run to end: those under way
    then have ``grace_s``. ``keep_results``: the report holds every result, proposal and all; for
    a few patients, not for a million.
    """

    workers: int = 2
    dry_run: bool = False
    validate: bool = True
    page_size: int = 200
    patients: tuple[str, ...] = ()
    tries: int = 3
    give_up_after: int = 5
    pause: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic
    told: Mapping[str, bool] = field(default_factory=dict)
    wait_s: float = 30
    grace_s: float = 30
    stop: Callable[[], bool] = _never
    keep_results: bool = True
