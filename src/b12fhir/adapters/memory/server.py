"""A FHIR server in memory: enough of one to read patients and write plans, behaving as HAPI does.

It is the shipped fake behind every test, and passes the same contract tests as a real server. It
knows the searches this program makes and refuses others loudly: a fake that answers everything with
nothing hides mistakes. Time is a counter, so that runs repeat exactly.
"""

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from threading import RLock
from typing import Any, NamedTuple

from b12fhir.adapters.memory.matching import (
    LAST_UPDATED,
    elements,
    identified,
    instant,
    matching,
    medication_of,
)
from b12fhir.errors import ConflictError, DuplicateError, InputError, RefusedError
from b12fhir.fhir.capabilities import READ_TYPES
from b12fhir.fhir.json import decode_resource
from b12fhir.fhir.links import links_in, relinked
from b12fhir.fhir.told import CLIENT_IDS, CONDITIONAL_CREATE, IF_MATCH, TRANSACTION, write_of
from b12fhir.ports import Resource, Version

_CONDITION = re.compile(r"identifier=(?P<system>[^|]*)\|(?P<value>.+)\Z")
_VERSION = re.compile(r'(?:W/)?"?(?P<version>[^"]+)"?\Z')
_PARAMETERS = ("_id", "identifier", "patient", "medication")
HISTORY = "history"
EVERYTHING = "everything"


def counting_clock() -> Callable[[], str]:
    """Instants one second apart, the same in every run."""
    moments = iter(range(60 * 60 * 24))

    def tick() -> str:
        second = next(moments)
        return f"2026-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"

    return tick


class _Past(NamedTuple):
    """One version of one resource, or its deletion."""

    kind: str
    id: str
    version: str
    at: str
    resource: dict[str, Any] | None


class MemoryServer:
    """Reads and writes resources kept in a dictionary.

    ``check_references`` refuses a link to a resource that is not there, as HAPI does. ``lacks``
    names abilities it is to be without (`b12fhir.fhir.told`, ``history``, ``everything``): it
    declares so, and refuses whoever relies on them; ``_lastUpdated`` and ``_sort`` in searches are
    passed over instead, as real servers do. ``searches`` and ``transactions`` count requests, for
    tests that say "nothing was sent". ``software`` is the name it goes by.
    """

    def __init__(  # noqa: PLR0913 - each a way in which servers differ, by its name
        self,
        resources: Iterable[Resource] = (),
        *,
        base: str = "http://memory.invalid/fhir",
        clock: Callable[[], str] | None = None,
        check_references: bool = False,
        lacks: Iterable[str] = (),
        software: str = "b12fhir memory server",
    ) -> None:
        self.base = base
        self._software = software
        self.searches = 0
        self.transactions = 0
        self._clock = clock or counting_clock()
        self._check_references = check_references
        self.lacks = set(lacks)
        self._store: dict[tuple[str, str], dict[str, Any]] = {}
        self._past: list[_Past] = []
        self._numbers: dict[tuple[str, str], int] = {}
        self._made = count(1)
        self._lock = RLock()
        for resource in resources:
            self.put(resource)

    @property
    def requests(self) -> int:
        """Searches of every sort and transactions."""
        return self.searches + self.transactions

    def put(self, resource: Resource) -> None:
        """Store a resource under its own id, as a new version."""
        self._save(copy.deepcopy(dict(resource)), self._clock())

    def delete(self, kind: str, id_: str) -> None:
        """Delete a resource; its history stays."""
        with self._lock:
            del self._store[kind, id_]
            self._remember((kind, id_), self._clock(), None)

    def load_ndjson(self, lines: Iterable[bytes]) -> None:
        """Store one resource a line; the line number stands in the error of a bad one."""
        for number, line in enumerate(lines, start=1):
            if line.strip():
                resource = decode_resource(line, where=f"line {number}")
                if not isinstance(resource.get("id"), str):
                    raise InputError(f"Line {number}: a resource without id.", hint="Give it one.")
                self.put(resource)

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Every stored resource of one type, oldest first."""
        return [copy.deepcopy(r) for (type_, _), r in self._store.items() if type_ == kind]

    def capabilities(self) -> Resource:
        """A CapabilityStatement that says what this server can do."""
        versioning = "no-version" if IF_MATCH in self.lacks else "versioned-update"
        known = (LAST_UPDATED,) if LAST_UPDATED not in self.lacks else ()
        parameters = (*_PARAMETERS, *known)
        operations = [{"name": EVERYTHING}] if EVERYTHING not in self.lacks else []
        resources = [
            {
                "type": kind,
                "interaction": [{"code": code} for code in self._interactions(kind)],
                "versioning": versioning,
                "conditionalCreate": CONDITIONAL_CREATE not in self.lacks,
                "updateCreate": CLIENT_IDS not in self.lacks,
                "searchInclude": [f"{kind}:*"],
                "searchParam": [{"name": name} for name in parameters],
                "operation": operations if kind == "Patient" else [],
            }
            for kind in (*READ_TYPES, "Device", "Provenance")
        ]
        system = [] if TRANSACTION in self.lacks else [{"code": "transaction"}]
        rest = {"mode": "server", "interaction": system, "resource": resources}
        return {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "kind": "instance",
            "fhirVersion": "4.0.1",
            "format": ["application/fhir+json"],
            "software": {"name": self._software},
            "rest": [rest],
        }

    def _interactions(self, kind: str) -> tuple[str, ...]:
        past = ("history-type", "history-instance") if HISTORY not in self.lacks else ()
        reads = ("read", "search-type", *past)
        return reads if write_of(kind) in self.lacks else (*reads, "create", "update")

    def search(self, kind: str, params: Mapping[str, str]) -> Iterator[Resource]:
        """Matches in the order they were first stored, then what they include."""
        with self._lock:
            self.searches += 1
            stored = [r for (type_, _), r in self._store.items() if type_ == kind]
            matches = matching(stored, params, self.lacks)
            included = self._included(matches) if "_include" in params else []
        wanted = params.get("_elements", "")
        yield from (elements(copy.deepcopy(one), wanted) for one in (*matches, *included))

    def everything(self, patient: str, kinds: Sequence[str], count: int) -> Iterator[Resource]:
        """The Patient, all that names it in any role, and what those refer to; without pages."""
        del count
        if EVERYTHING in self.lacks:
            raise RefusedError("This server does not support the operation.", status=400)
        with self._lock:
            self.searches += 1
            own = f"Patient/{patient}"
            if ("Patient", patient) not in self._store:
                raise RefusedError("This resource is not here.", status=404)
            found = [r for r in self._store.values() if _names(r, own)]
            keys = {tuple(link.split("/")[-2:]) for one in found for link in links_in(one)}
            beside = [self._store[key] for key in keys if key in self._store]
            whole = {(r["resourceType"], r["id"]): r for r in (*found, *beside)}
        yield from (copy.deepcopy(r) for (kind, _), r in whole.items() if kind in kinds)

    def deleted(self, kind: str, since: datetime | None) -> Iterator[Version]:
        """Every deletion of a type, the newest first."""
        yield from (
            Version(past.kind, past.id, past.version, instant(past.at))
            for past in self._versions(kind)
            if past.resource is None and (since is None or instant(past.at) >= since)
        )

    def history(self, kind: str, id_: str) -> Iterator[Resource]:
        """The versions of one resource, the newest first."""
        yield from (
            copy.deepcopy(past.resource)
            for past in self._versions(kind)
            if past.id == id_ and past.resource is not None
        )

    def _versions(self, kind: str) -> list["_Past"]:
        if HISTORY in self.lacks:
            raise RefusedError("This server keeps no history.", status=400)
        with self._lock:
            self.searches += 1
            return [past for past in reversed(self._past) if past.kind == kind]

    def _included(self, matches: Iterable[Resource]) -> list[dict[str, Any]]:
        targets = dict.fromkeys(medication_of(resource) for resource in matches)
        keys = (tuple(target.split("/")[-2:]) for target in targets if "/" in target)
        return [self._store[key] for key in keys if key in self._store]

    def transaction(self, bundle: Resource) -> Resource:
        """All entries or none."""
        with self._lock:
            self.transactions += 1
            before, numbers, known = dict(self._store), dict(self._numbers), len(self._past)
            try:
                return self._transaction(copy.deepcopy(dict(bundle)))
            except (ConflictError, DuplicateError, RefusedError):
                self._store, self._numbers = before, numbers
                del self._past[known:]
                raise

    def _transaction(self, bundle: dict[str, Any]) -> Resource:
        entries = bundle.get("entry", [])
        if bundle.get("type") != "transaction":
            raise RefusedError("The server takes transactions only.", status=400)
        if TRANSACTION in self.lacks:
            raise RefusedError("The server takes no transactions.", status=400)
        targets = [self._target(entry) for entry in entries]
        links = {e["fullUrl"]: "/".join(t[0]) for e, t in zip(entries, targets, strict=True)}
        now = self._clock()
        answers = []
        for entry, (key, is_found) in zip(entries, targets, strict=True):
            resource = self._store[key] if is_found else relinked(entry["resource"], links)
            status = "200 OK" if is_found or key in self._store else "201 Created"
            if not is_found:
                resource = self._save({**resource, "id": key[1]}, now)
            answers.append(_answer(key, resource, status))
        for key, is_found in targets:
            if not is_found:
                self._checked(self._store[key])
        return {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}

    def _target(self, entry: Mapping[str, Any]) -> tuple[tuple[str, str], bool]:
        """Where an entry goes, and whether a conditional create found it there already."""
        request, resource = entry["request"], entry["resource"]
        kind = resource["resourceType"]
        self._refuse_what_it_lacks(kind, request)
        if request["method"] == "PUT":
            return self._update_target(kind, request), False
        if request["method"] != "POST":
            raise RefusedError("This server does not support the method.", status=400)
        found = self._matching(kind, request.get("ifNoneExist", ""))
        if len(found) > 1:
            raise DuplicateError("Several resources match one identifier.", status=412)
        if found:
            return (kind, found[0]), True
        return (kind, f"m{next(self._made)}"), False

    def _refuse_what_it_lacks(self, kind: str, request: Mapping[str, str]) -> None:
        """Real servers ignore a condition they do not know; a fake must show who relied on it."""
        used = {"ifNoneExist": CONDITIONAL_CREATE, "ifMatch": IF_MATCH}
        lacking = [name for name in used if name in request and used[name] in self.lacks]
        if lacking or write_of(kind) in self.lacks:
            raise RefusedError(f"This server does not support that for {kind}.", status=400)

    def _update_target(self, kind: str, request: Mapping[str, str]) -> tuple[str, str]:
        key = (kind, request["url"].rpartition("/")[2])
        if CLIENT_IDS in self.lacks and key not in self._store:
            raise RefusedError("The server gives every id itself.", status=405)
        wanted = _VERSION.match(request.get("ifMatch", ""))
        stored = self._store.get(key, {}).get("meta", {}).get("versionId")
        if wanted and wanted["version"] != stored:
            raise ConflictError("The resource was changed since it was read.", status=409)
        return key

    def _matching(self, kind: str, condition: str) -> list[str]:
        if not condition:
            return []
        match = _CONDITION.match(condition)
        if match is None:
            raise RefusedError("Only identifier=system|value is understood here.", status=400)
        test = identified(f"{match['system']}|{match['value']}")
        return [id_ for (type_, id_), r in self._store.items() if type_ == kind and test(r)]

    def _checked(self, resource: Resource) -> None:
        """Refuse links into nothing, if so asked."""
        if not self._check_references:
            return
        for link in links_in(resource):
            if link.startswith("urn:") or tuple(link.split("/")[-2:]) not in self._store:
                raise RefusedError("A reference leads to a resource that is not here.", status=400)

    def _save(self, resource: dict[str, Any], now: str) -> dict[str, Any]:
        """Store a new version, unless nothing but the server's own meta would change."""
        key = (resource["resourceType"], resource["id"])
        known = self._store.get(key)
        if known is not None and _bare(known) == _bare(resource):
            return known
        version = self._remember(key, now, resource)
        own = {"versionId": version, "lastUpdated": now}
        resource["meta"] = {**resource.get("meta", {}), **own}
        self._store[key] = resource
        return resource

    def _remember(self, key: tuple[str, str], now: str, resource: dict[str, Any] | None) -> str:
        """Note a version or a deletion; its number, one more than the last of either."""
        self._numbers[key] = self._numbers.get(key, 0) + 1
        version = str(self._numbers[key])
        self._past.append(_Past(*key, version, now, resource))
        return version


def _names(resource: Resource, reference: str) -> bool:
    own = f"{resource['resourceType']}/{resource['id']}"
    return own == reference or reference in links_in(resource)


def _bare(resource: Mapping[str, Any]) -> dict[str, Any]:
    meta = {
        k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")
    }
    return {**resource, "meta": meta}


def _answer(key: tuple[str, str], resource: Resource, status: str) -> dict[str, Any]:
    version = resource["meta"]["versionId"]
    location = f"{key[0]}/{key[1]}/_history/{version}"
    return {"response": {"status": status, "location": location, "etag": f'W/"{version}"'}}
