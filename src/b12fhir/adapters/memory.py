"""A FHIR server in memory: enough of one to read patients and write plans, behaving as HAPI does.

It is the shipped fake behind every test, and passes the same contract tests as a real server. It
knows the searches this program makes and refuses others loudly: a fake that answers everything with
nothing hides mistakes. Time is a counter, so that runs repeat exactly.
"""

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from threading import RLock
from typing import Any

from b12fhir.errors import ConflictError, DuplicateError, InputError, RefusedError
from b12fhir.fhir.capabilities import READ_TYPES
from b12fhir.fhir.json import decode_resource
from b12fhir.fhir.links import links_in, relinked
from b12fhir.fhir.told import CLIENT_IDS, CONDITIONAL_CREATE, IF_MATCH, TRANSACTION, write_of
from b12fhir.ports import Resource

_CONDITION = re.compile(r"identifier=(?P<system>[^|]*)\|(?P<value>.+)\Z")
_VERSION = re.compile(r'(?:W/)?"?(?P<version>[^"]+)"?\Z')
_WHO = ("subject", "patient")
_ABOUT = (*_WHO, "for")
# Search parameters by code, and the element that each looks at.
_CODED = {"code": "code", "value-concept": "valueCodeableConcept"}


def counting_clock() -> Callable[[], str]:
    """Instants one second apart, the same in every run."""
    moments = iter(range(60 * 60 * 24))

    def tick() -> str:
        second = next(moments)
        return f"2026-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"

    return tick


class MemoryServer:
    """Reads and writes resources kept in a dictionary.

    ``check_references`` refuses a link to a resource that is not there, as HAPI does. ``lacks``
    names abilities it is to be without (`b12fhir.fhir.told`): it declares so, and refuses whoever
    relies on them. ``searches`` and ``transactions`` count requests, for tests that say "nothing
    was sent".
    """

    def __init__(
        self,
        resources: Iterable[Resource] = (),
        *,
        base: str = "http://memory.invalid/fhir",
        clock: Callable[[], str] | None = None,
        check_references: bool = False,
        lacks: Iterable[str] = (),
    ) -> None:
        self.base = base
        self.searches = 0
        self.transactions = 0
        self._clock = clock or counting_clock()
        self._check_references = check_references
        self.lacks = set(lacks)
        self._store: dict[tuple[str, str], dict[str, Any]] = {}
        self._made = count(1)
        self._lock = RLock()
        for resource in resources:
            self.put(resource)

    def put(self, resource: Resource) -> None:
        """Store a resource under its own id, as a new version."""
        self._save(copy.deepcopy(dict(resource)), self._clock())

    def delete(self, kind: str, id_: str) -> None:
        """Forget a resource."""
        del self._store[kind, id_]

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
        resources = [
            {
                "type": kind,
                "interaction": [{"code": code} for code in self._interactions(kind)],
                "versioning": versioning,
                "conditionalCreate": CONDITIONAL_CREATE not in self.lacks,
                "updateCreate": CLIENT_IDS not in self.lacks,
                "searchInclude": [f"{kind}:*"],
                "searchParam": [{"name": name} for name in ("_id", "identifier", "patient")],
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
            "software": {"name": "b12fhir memory server"},
            "rest": [rest],
        }

    def _interactions(self, kind: str) -> tuple[str, ...]:
        reads = ("read", "search-type")
        return reads if write_of(kind) in self.lacks else (*reads, "create", "update")

    def search(self, kind: str, params: Mapping[str, str]) -> Iterator[Resource]:
        """Matches in the order they were first stored, then what they include."""
        tests = [_matcher(name, value) for name, value in params.items()]
        with self._lock:
            self.searches += 1
            found = [r for (type_, _), r in self._store.items() if type_ == kind]
            matches = [resource for resource in found if all(test(resource) for test in tests)]
            included = self._included(matches) if "_include" in params else []
        yield from (copy.deepcopy(resource) for resource in (*matches, *included))

    def _included(self, matches: Iterable[Resource]) -> list[dict[str, Any]]:
        targets = dict.fromkeys(
            resource.get("medicationReference", {}).get("reference", "") for resource in matches
        )
        keys = (tuple(target.split("/")[-2:]) for target in targets if "/" in target)
        return [self._store[key] for key in keys if key in self._store]

    def transaction(self, bundle: Resource) -> Resource:
        """All entries or none."""
        with self._lock:
            self.transactions += 1
            before = dict(self._store)
            try:
                return self._transaction(copy.deepcopy(dict(bundle)))
            except (ConflictError, DuplicateError, RefusedError):
                self._store = before
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
        test = _identified(f"{match['system']}|{match['value']}")
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
        version = 1 if known is None else int(known["meta"]["versionId"]) + 1
        own = {"versionId": str(version), "lastUpdated": now}
        resource["meta"] = {**resource.get("meta", {}), **own}
        self._store[key] = resource
        return resource


def _bare(resource: Mapping[str, Any]) -> dict[str, Any]:
    meta = {
        k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")
    }
    return {**resource, "meta": meta}


def _answer(key: tuple[str, str], resource: Resource, status: str) -> dict[str, Any]:
    version = resource["meta"]["versionId"]
    location = f"{key[0]}/{key[1]}/_history/{version}"
    return {"response": {"status": status, "location": location, "etag": f'W/"{version}"'}}


def _matcher(name: str, value: str) -> Callable[[Resource], bool]:
    """A test for one search parameter; unknown ones are refused, as HAPI does."""
    if name in ("_count", "_include", "_sort", "_total"):
        return lambda _: True
    if name in _WHO:
        return lambda resource: _is_about(resource, value)
    if name == "identifier":
        tests = [_identified(token) for token in value.split(",")]
        return lambda resource: any(test(resource) for test in tests)
    if name in _CODED:
        element = _CODED[name]
        return lambda resource: _is_coded(resource.get(element, {}), value)
    wanted = value.split(",")
    if name == "_id":
        return lambda resource: resource["id"] in wanted
    if name == "status":
        return lambda resource: resource.get("status") in wanted
    raise RefusedError(f"Unknown search parameter {name}.", status=400)


def _is_about(resource: Resource, value: str) -> bool:
    wanted = value.rpartition("/")[2]
    links = (resource.get(name, {}).get("reference", "") for name in _ABOUT)
    return any(link == f"Patient/{wanted}" or link.endswith(f"/Patient/{wanted}") for link in links)


def _identified(token: str) -> Callable[[Resource], bool]:
    system, bar, value = token.rpartition("|")
    any_value = bool(bar and system and not value)
    return lambda resource: any(
        (any_value or entry.get("value") == value)
        and (not bar or entry.get("system", "") == system)
        for entry in resource.get("identifier", ())
    )


def _is_coded(concept: Resource, value: str) -> bool:
    pairs = {(coding.get("system", ""), coding.get("code")) for coding in concept.get("coding", ())}
    for token in value.split(","):
        system, bar, code = token.rpartition("|")
        if any(code == c and (not bar or system == s) for s, c in pairs):
            return True
    return False
