"""What a sync costs, on a real HAPI with 1,000 patients of about 21 resources.

Run it with ``make bench-sync`` (``PATIENTS=100`` for a short one); a thousand take some six minutes
on a quiet machine. The patients have the shapes of the bundled cohort; a third of them has a
vitamin B12. Four runs of the real program:

- the first reads everybody and writes;
- one at once after it. A look for changes reaches back by ``sync_overlap_s`` (600) before the
  newest change, and everything on this server came within that time: all of it is listed again,
  twice (by stamp, and by history for deletions), and found to be known. So it measures the lists of
  the server;
- one with an overlap of a second: as on a server whose records came in the course of years. This
  is the one that is held to the bar;
- one that finds ten changes, with the same overlap.

Beside them a floor: some of the first run's reads sent again, by bare ``requests`` calls, with as
many threads and no thought, and reckoned up to all of its requests. It says what the wire costs us
and the server takes at the least; writes, which cost the server more, are not sent twice. Numbers
are for reading; no test depends on them. CPU for each patient is the figure to compare: the time on
the clock, and with it the share, is the server's and the machine's.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

from b12fhir import demo
from tests.support.hapi_server import start, stop

ROOT = Path(__file__).parents[2]
DAY = "2026-11-21"
# Ids of its own, so that a server that runs already can be used again.
NAME = f"bench-{uuid4().hex[:6]}"
RESOURCES, AT_ONCE, LOADERS, CHANGES = 21, 10, 2, 10
CPU_BAR, SECOND_BAR = 0.15, 0.2
FIRST, AT_ONCE_AFTER, SECOND, FLOOR = "first run", "at once after it", "second run", "floor"
# A second holds a few of the patients that were loaded last.
SHORT = {"B12FHIR_SYNC_OVERLAP_S": "1"}
# What else stands in a record: nothing that a decision rests on.
FILLERS = (("8867-4", "/min", 72), ("29463-7", "kg", 70), ("8480-6", "mm[Hg]", 128))
_REFERS = re.compile(r'"reference":"([^"#]+)"')
_WRITTEN = re.compile(r"Resources written: (\d+)")


@dataclass(frozen=True)
class Cost:
    """What one process cost, by its own account."""

    requests: int
    cpu: float
    wall: float
    megabytes: float
    written: int = 0

    @property
    def share(self) -> float:
        """CPU as a share of wall time."""
        return self.cpu / self.wall

    def times(self, requests: int) -> "Cost":
        """The same for so many requests."""
        factor = requests / self.requests
        return replace(self, requests=requests, cpu=factor * self.cpu, wall=factor * self.wall)


def shapes() -> list[list[str]]:
    """The records of each patient of the cohort, as lines.

    Without those that refer to what is not loaded: a few do so on purpose, and HAPI refuses them.
    """
    files = sorted(Path(str(demo.cohort_dir())).glob("*.ndjson"))
    kept = {file.stem: file.read_text("utf-8").splitlines() for file in files}
    kept.pop("Group", None)
    there = {f"{kind}/{json.loads(line)['id']}" for kind, rows in kept.items() for line in rows}
    lines: dict[str, list[str]] = {}
    for line in (line for kind, rows in kept.items() if kind != "Medication" for line in rows):
        owner = re.search(r'"id":"demo-(\d+)', line)
        if owner and {name.partition("/_history")[0] for name in _REFERS.findall(line)} <= there:
            lines.setdefault(owner[1], []).append(line)
    return [lines[number] for number in sorted(lines)]


def medications() -> list[dict[str, Any]]:
    """What orders refer to."""
    text = (Path(str(demo.cohort_dir())) / "Medication.ndjson").read_text("utf-8")
    return [json.loads(line.replace("demo-", f"{NAME}-")) for line in text.splitlines()]


def patient(number: int, shape: list[str]) -> list[dict[str, Any]]:
    """One patient; two of three have no B12 on record."""
    found = [
        json.loads(re.sub(r"demo-(?!med)", f"{NAME}-{number}-", line).replace("demo-", f"{NAME}-"))
        for line in shape
    ]
    if number % 3:
        found = [one for one in found if not one["id"].endswith("-b12")]
    owner = next(one["id"] for one in found if one["resourceType"] == "Patient")
    for index in range(RESOURCES - len(found)):
        code, unit, value = FILLERS[index % len(FILLERS)]
        found.append(
            {
                "resourceType": "Observation",
                "id": f"{NAME}-{number}-x{index}",
                "status": "final",
                "subject": {"reference": f"Patient/{owner}"},
                "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "effectiveDateTime": f"2026-0{index % 9 + 1}-10",
                "valueQuantity": {
                    "value": value,
                    "unit": unit,
                    "system": "http://unitsofmeasure.org",
                    "code": unit,
                },
            }
        )
    return found


def load(base: str, count: int) -> list[str]:
    """Fill the server; the ids of the patients' B12 results."""
    known = shapes()
    everyone = [patient(number, known[number % len(known)]) for number in range(count)]
    put(base, medications())
    bundles = [everyone[at : at + AT_ONCE] for at in range(0, count, AT_ONCE)]
    with ThreadPoolExecutor(LOADERS) as pool:
        list(pool.map(lambda many: put(base, [r for one in many for r in one]), bundles))
    return [r["id"] for one in everyone for r in one if r["id"].endswith("-b12")]


def put(base: str, resources: list[dict[str, Any]]) -> None:
    """Store resources under their ids, the patients first."""
    ranked = sorted(resources, key=lambda one: one["resourceType"] != "Patient")
    entries = [
        {
            "fullUrl": f"{base}/{r['resourceType']}/{r['id']}",
            "resource": r,
            "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"},
        }
        for r in ranked
    ]
    body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    headers = {"Content-Type": "application/fhir+json"}
    answer = requests.post(base, data=json.dumps(body), headers=headers, timeout=300)
    if not answer.ok:
        sys.exit(f"bench-sync: the server refused the load: {answer.text[:500]}")


def change(base: str, ids: list[str]) -> None:
    """Correct some results."""
    for id_ in ids:
        found = requests.get(f"{base}/Observation/{id_}", timeout=60).json()
        if "valueQuantity" in found:
            found["valueQuantity"]["value"] = found["valueQuantity"].get("value", 100) + 1
        put(base, [{**found, "status": "corrected"}])


def child(folder: Path, *argv: str, **environ: str) -> Cost:
    """One process, measured."""
    told = folder / "told.json"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("B12FHIR_")}
    environment |= {
        "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))),
        "BENCH_TOLD": str(told),
        "BENCH_BEGAN": str(time.time()),
        **environ,
    }
    command = [sys.executable, "-m", "tests.bench.sync_child", *argv]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in {0, 30}:
        sys.exit(f"bench-sync: it ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    written = _WRITTEN.search(done.stdout)
    return Cost(**json.loads(told.read_text("utf-8")), written=int(written[1]) if written else 0)


def measure(base: str, folder: Path, results: list[str]) -> Iterator[tuple[str, Cost]]:
    """The four runs, and the floor of the first."""
    sync = ("run", "sync", "--server", base, "--as-of", DAY)
    sent = str(folder / "sent.pickle")
    first = child(folder, *sync, BENCH_SENT=sent)
    yield FIRST, first
    yield AT_ONCE_AFTER, child(folder, *sync)
    yield SECOND, child(folder, *sync, **SHORT)
    change(base, results[:CHANGES])
    yield f"after {CHANGES} changes", child(folder, *sync, **SHORT)
    yield FLOOR, child(folder, "floor", BENCH_SENT=sent).times(first.requests)


def show(name: str, cost: Cost, count: int) -> None:
    """One line of the table."""
    print(
        f"{name:20} {cost.wall:8.1f} s {cost.cpu:7.1f} s CPU ({cost.share:4.0%} of wall, "
        f"{1000 * cost.cpu / count:6.1f} ms a patient) {cost.requests:6} requests "
        f"({cost.requests / count:5.2f} a patient) {cost.written:6} written "
        f"{cost.megabytes:5.0f} MB",
        flush=True,
    )


def judge(costs: dict[str, Cost]) -> None:
    """Which bars are kept."""
    first, second, floor = costs[FIRST], costs[SECOND], costs[FLOOR]
    written = second.written + costs[AT_ONCE_AFTER].written
    ratio, at_once = second.wall / first.wall, costs[AT_ONCE_AFTER].wall / first.wall
    for text, is_kept in (
        (f"own CPU {first.share:.0%} of wall time, bar {CPU_BAR:.0%}", first.share < CPU_BAR),
        (f"the second run writes {written}, bar 0", written == 0),
        (f"it takes {ratio:.0%} of the first, bar {SECOND_BAR:.0%}", ratio < SECOND_BAR),
    ):
        print(f"{'kept  ' if is_kept else 'MISSED'} {text}")
    print(f"at once after the first, with all of the load in its overlap: {at_once:.0%}")
    print(
        "first run against the floor (its reads by a bare client, reckoned from a sample): "
        f"CPU {first.cpu / floor.cpu:.1f}, wall {first.wall / floor.wall:.1f}"
    )


def main() -> None:
    """Load, measure, show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=int(os.environ.get("PATIENTS") or 1000))
    parser.add_argument("--server", help="an empty server that runs already")
    asked = parser.parse_args()
    pid, base = (0, asked.server) if asked.server else start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            results = load(base, asked.patients)
            print(
                f"loaded {asked.patients} patients in {time.monotonic() - began:.0f} s", flush=True
            )
            costs = {}
            for name, cost in measure(base, Path(folder), results):
                costs[name] = cost
                show(name, cost, asked.patients)
            judge(costs)
    finally:
        if pid:
            stop(pid)


if __name__ == "__main__":
    main()
