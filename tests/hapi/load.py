"""Load a folder of Bulk-Data-style NDJSON into a FHIR server, ids kept: load.py FOLDER BASE_URL.

Every resource is PUT under its own id, so a second run changes nothing. The text of a line is sent
as it stands: a parse and a print would turn 1.00 into 1.0, and precision is part of a laboratory
result. What the server refuses is named with the server's reason, and the rest is loaded.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import requests

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

BUNDLE_SIZE = 400
PARALLEL = 2
TIMEOUT_S = (10, 300)  # to connect, to answer one bundle
FHIR_JSON = "application/fhir+json"


class LoadError(Exception):
    """What stopped the load, in words for the person at the terminal."""


class Record(NamedTuple):
    """One resource: its line as read, and the references inside it."""

    line: bytes
    references: frozenset[str]


class Stored(NamedTuple):
    """What became of some resources: how many are stored, and why others were refused."""

    count: int
    refused: tuple[str, ...] = ()


def read_folder(folder: Path) -> dict[str, Record]:
    """All resources of a folder by "Type/id"."""
    files = sorted([*folder.glob("*.ndjson"), *folder.glob("*.ndjson.gz")])
    if not files:
        raise LoadError(f"{folder}: no *.ndjson or *.ndjson.gz file here")
    return dict(record for file in files for record in _read_file(file))


def _read_file(file: Path) -> Iterator[tuple[str, Record]]:
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _record(line.strip(), f"{file.name}:{number}")


def _record(line: bytes, where: str) -> tuple[str, Record]:
    try:
        resource = json.loads(line)
        key = f"{resource['resourceType']}/{resource['id']}"
    except (ValueError, TypeError, KeyError) as error:
        raise LoadError(f"{where}: not a FHIR resource with type and id ({error})") from error
    if resource["id"].isdigit():
        raise LoadError(
            f"{where}: {key} cannot be loaded: HAPI keeps ids of digits only for itself. "
            f"Give it an id with a letter, such as 'x{resource['id']}'."
        )
    return key, Record(line, frozenset(_references(resource)) - {key})


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(target := node.get("reference"), str):
            yield target
        node = node.values()
    elif not isinstance(node, list):
        return
    for child in node:
        yield from _references(child)


def waves(records: Mapping[str, Record]) -> Iterator[tuple[str, ...]]:
    """Keys in waves: what a wave refers to is in an earlier one, as referential integrity asks."""
    sorter = TopologicalSorter(
        {key: rec.references & records.keys() for key, rec in records.items()}
    )
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise LoadError(f"resources refer to each other in a circle: {circle}") from error
    while wave := sorter.get_ready():
        yield wave
        sorter.done(*wave)


def transaction(base: str, keys: Sequence[str], records: Mapping[str, Record]) -> bytes:
    """One transaction Bundle of PUTs, made of the lines themselves."""
    entries = (
        b'{"fullUrl":"%b/%b","resource":%b,"request":{"method":"PUT","url":"%b"}}'
        % (base.encode(), key.encode(), records[key].line, key.encode())
        for key in keys
    )
    return b'{"resourceType":"Bundle","type":"transaction","entry":[%b]}' % b",".join(entries)


def store(base: str, keys: Sequence[str], records: Mapping[str, Record]) -> Stored:
    """Store these resources; of a refused bundle all but the culprits, found by halving."""
    problem = post(base, transaction(base, keys, records))
    if not problem:
        return Stored(len(keys))
    if len(keys) == 1:
        return Stored(0, (f"{keys[0]}: {problem}",))
    middle = len(keys) // 2
    one, other = store(base, keys[:middle], records), store(base, keys[middle:], records)
    return Stored(one.count + other.count, one.refused + other.refused)


def post(base: str, body: bytes) -> str:
    """Send one transaction; why it was refused in the server's own words, or nothing."""
    headers = {"Content-Type": FHIR_JSON, "Accept": FHIR_JSON}
    try:
        answer = requests.post(base, data=body, headers=headers, timeout=TIMEOUT_S)
    except requests.RequestException as error:
        raise LoadError(f"{base}: no answer ({error})") from error
    if answer.ok:
        return ""
    if answer.status_code in {400, 409, 412, 422}:
        return _outcome_text(answer)
    raise LoadError(f"{base}: answered {answer.status_code}: {_outcome_text(answer)}")


def _outcome_text(answer: requests.Response) -> str:
    try:
        issues = answer.json()["issue"]
        return "; ".join(issue.get("diagnostics") or issue["code"] for issue in issues)
    except (ValueError, TypeError, KeyError, AttributeError):
        return f"no OperationOutcome in the answer, which begins {answer.text[:200]!r}"


def load(folder: Path, base: str) -> Iterator[Stored]:
    """Load a folder; yields what became of each bundle, as it is done."""
    records = read_folder(folder)
    with ThreadPoolExecutor(PARALLEL) as pool:
        for wave in waves(records):
            bundles = (wave[i : i + BUNDLE_SIZE] for i in range(0, len(wave), BUNDLE_SIZE))
            yield from pool.map(lambda keys: store(base, keys, records), bundles)


def show(results: Iterable[Stored]) -> list[str]:
    """Print a running count to stderr; returns what was refused."""
    count, refused, began = 0, [], time.monotonic()
    for result in results:
        count += result.count
        refused += result.refused
        say(f"\rload: {count} resources stored in {time.monotonic() - began:.0f} s", end="")
    say()
    return refused


def say(text: str = "", end: str = "\n") -> None:
    """Speak to the person at the terminal."""
    print(text, end=end, file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line: 0 all stored, 1 some resources refused, 2 stopped."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of *.ndjson and *.ndjson.gz files")
    parser.add_argument("base_url", help="e.g. http://127.0.0.1:8080/fhir")
    args = parser.parse_args(argv)
    try:
        refused = show(load(args.folder, args.base_url.rstrip("/")))
    except LoadError as error:
        say(f"load: stopped: {error}")
        return 2
    for problem in refused:
        say(f"load: refused: {problem}")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
