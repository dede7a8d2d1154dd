"""One process of ``make bench-sync``: ``run`` is `b12fhir`, watched; ``floor`` reads what it read.

What is measured goes as JSON into the file named by ``BENCH_TOLD``; what was sent, for the floor,
into the one named by ``BENCH_SENT``.
"""

import json
import os
import pickle
import resource
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

Sent = tuple[str, str, dict[str, str], bytes | None]
THREADS = 2
# Reads that are sent again for the floor, spread over the run.
SAMPLE = 200


def run(argv: list[str]) -> int:
    """The program itself; its requests are noted as they are sent."""
    from b12fhir.adapters.server.transport import Request, Transport  # noqa: PLC0415 - not the floor's
    from b12fhir.wiring import entry  # noqa: PLC0415

    sent: list[Sent] = []
    true_send = Transport.send

    def noted(transport: Transport, request: Request, *more: Any) -> Any:
        sent.append((request.method, request.url, dict(request.headers), request.body))
        return true_send(transport, request, *more)

    Transport.send = noted  # type: ignore[method-assign]
    sys.argv = ["b12fhir", *argv]
    code = 0
    try:
        entry.run()
    except SystemExit as end:
        code = int(end.code or 0)
    # From the very start: what it costs to begin is part of a run.
    tell(len(sent), cpu(), time.time() - float(os.environ["BENCH_BEGAN"]))
    if path := os.environ.get("BENCH_SENT"):
        Path(path).write_bytes(pickle.dumps(sent))
    return code


def floor() -> int:
    """Some of the same reads in the same order, by as many threads, and no thought given to them.

    What it costs to start is left out, so that it can be reckoned up to more requests.
    """
    sent: list[Sent] = pickle.loads(Path(os.environ["BENCH_SENT"]).read_bytes())  # noqa: S301 - ours
    reads = [one for one in sent if is_read(one)]
    chosen = reads[:: -(-len(reads) // SAMPLE)]
    local = threading.local()

    def send(one: Sent) -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        method, url, headers, body = one
        local.session.request(method, url, headers=headers, data=body, timeout=300).content  # noqa: B018

    began, used = time.time(), cpu()
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(send, chosen):
            pass
    tell(len(chosen), cpu() - used, time.time() - began)
    return 0


def is_read(one: Sent) -> bool:
    """Not a transaction, and not a page of a search: its address is forgotten by now."""
    _, url, _, body = one
    return "_getpages" not in url and b'"transaction"' not in (body or b"")


def cpu() -> float:
    """Seconds of CPU of all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def tell(count: int, used: float, wall: float) -> None:
    """Say what so many requests cost."""
    told = {
        "requests": count,
        "cpu": used,
        "wall": wall,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    Path(os.environ["BENCH_TOLD"]).write_text(json.dumps(told), "utf-8")


if __name__ == "__main__":
    sys.exit(run(sys.argv[2:]) if sys.argv[1] == "run" else floor())
