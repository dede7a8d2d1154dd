"""gunicorn, started from the inside with our settings and nobody else's.

The application is made once, before the workers are forked, so that protocol and tables are loaded
once. What cannot be shared (a database, a thread) starts in each worker: `Worker`.
"""

import gc
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker
from prometheus_client.multiprocess import mark_process_dead

from b12fhir.adapters.serving.doors import Listening
from b12fhir.adapters.serving.log import DiscreetLogger
from b12fhir.adapters.serving.relay import Relay

# Seconds that a connection stays open for the next call, and until a worker without a sign of life
# is replaced. Longer than a proxy before us keeps them, else it sends into a closing one.
_KEEP_S = 75
_SILENT_S = 60

Application = Callable[[dict[str, Any], Callable[..., Any]], Any]


class Worker(Protocol):
    """What each process starts after it was forked, and ends before it goes."""

    def begin(self) -> None:
        """Start."""
        ...

    def end(self) -> None:
        """Write what waits, and let go of everything."""
        ...


@dataclass(frozen=True, slots=True)
class Serving:
    """How many processes and threads, and seconds for calls under way at the end."""

    workers: int
    threads: int
    grace_s: int


def run_server(
    make: Callable[[], Application], at: Listening, serving: Serving, worker: Worker
) -> int:
    """Serve until somebody stops it; the exit code, in the first process and in each worker.

    SIGTERM ends it gracefully: nothing new is accepted, calls under way are answered. SIGINT
    (Ctrl-C) ends it at once.
    """
    try:
        _Server(make, _options(at, serving, worker)).run()
    except SystemExit as end:
        if end.code:
            return end.code if isinstance(end.code, int) else 1
    return 0


def _options(at: Listening, serving: Serving, worker: Worker) -> dict[str, Any]:
    return {
        # The server takes the socket over, and closes it.
        "bind": f"fd://{at.socket.detach()}",
        "workers": serving.workers,
        "threads": serving.threads,
        "worker_class": _TakingTurns,
        "graceful_timeout": serving.grace_s,
        "timeout": max(_SILENT_S, serving.grace_s),
        "keepalive": _KEEP_S,
        "preload_app": True,
        "logger_class": DiscreetLogger,
        "proc_name": "b12fhir",
        "control_socket_disable": True,
        # On a disk the sign of life could block the worker.
        "worker_tmp_dir": "/dev/shm" if os.path.isdir("/dev/shm") else None,  # noqa: S108, PTH112
        "post_worker_init": lambda _worker: worker.begin(),
        "worker_exit": lambda _server, _worker: worker.end(),
        "child_exit": lambda _server, gone: mark_process_dead(gone.pid),  # type: ignore[no-untyped-call]
    }


class _TakingTurns(ThreadWorker):  # type: ignore[misc]  # the library has no types
    def get_thread_pool(self) -> Relay:
        return Relay(self.cfg.threads)


class _Server(BaseApplication):  # type: ignore[misc]  # the library has no types
    def __init__(self, make: Callable[[], Application], options: dict[str, Any]) -> None:
        self._make = make
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Application:
        """Make the application, and spare each call the search of it for garbage.

        What stands now (protocol, tables, modules) lives as long as the process, and a call leaves
        hardly any circle behind. Measured: a fifth of a call with 2,000 results.
        """
        made = self._make()
        gc.collect()
        gc.freeze()
        return made
