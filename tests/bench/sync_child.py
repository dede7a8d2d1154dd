"""One process of ``make bench-sync``: ``run`` is `b12fhir`, watched; ``floor`` sends what it sent.

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
    tell(len(sent))
    if path := os.environ.get("BENCH_SENT"):
        Path(path).write_bytes(pickle.dumps(sent))
    return code


def floor() -> int:
    """The same requests in the same order, by as many threads, and no thought given to them."""
    sent: list[Sent] = pickle.loads(Path(os.environ["BENCH_SENT"]).read_bytes())  # noqa: S301 - ours
    local = threading.local()

    def send(one: Sent) -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        method, url, headers, body = one
        local.session.request(method, url, headers=headers, data=body, timeout=300).content  # noqa: B018

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(send, sent):
            pass
    tell(len(sent))
    return 0


def tell(count: int) -> None:
    """CPU of all threads, wall time since the start of the process, and requests."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "requests": count,
        "cpu": used.ru_utime + used.ru_stime,
        "wall": time.time() - float(os.environ["BENCH_BEGAN"]),
        "megabytes": used.ru_maxrss / 1024,
    }
    Path(os.environ["BENCH_TOLD"]).write_text(json.dumps(told), "utf-8")


if __name__ == "__main__":
    sys.exit(run(sys.argv[2:]) if sys.argv[1] == "run" else floor())
