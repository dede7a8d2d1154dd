"""Searches as the server in memory understands them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from b12fhir.errors import RefusedError
from b12fhir.kernel.dates import parse_when
from b12fhir.ports import Resource

_WHO = ("subject", "patient")
_ABOUT = (*_WHO, "for")
# Search parameters by code, and the element that each looks at.
_CODED = {"code": "code", "value-concept": "valueCodeableConcept"}
_OF_THE_ANSWER = ("_count", "_include", "_sort", "_total", "_elements")
LAST_UPDATED = "_lastUpdated"
SORT = "_sort"
_ALWAYS = ("resourceType", "id", "meta")


def matching(
    resources: Iterable[Resource], params: Mapping[str, str], ignored: Iterable[str] = ()
) -> list[Any]:
    """Which match, in the order asked for; ``ignored`` are parameters passed over, as some do."""
    kept = {name: value for name, value in params.items() if name not in ignored}
    tests = [matcher(name, value) for name, value in kept.items()]
    found = [resource for resource in resources if all(test(resource) for test in tests)]
    order = kept.get(SORT, "")
    if order.lstrip("-") == LAST_UPDATED:
        found.sort(key=stamp, reverse=order.startswith("-"))
    return found


def stamp(resource: Resource) -> datetime:
    """When this version came about."""
    return instant(resource["meta"]["lastUpdated"])


def instant(text: str) -> datetime:
    """A moment as FHIR writes it."""
    when = parse_when(text, UTC)
    if when is None or when.instant is None:
        raise RefusedError("Not an instant.", status=400)
    return when.instant


def elements(resource: dict[str, Any], wanted: str) -> dict[str, Any]:
    """A resource with the elements asked for only; all of it without any."""
    kept = (*_ALWAYS, *wanted.split(","))
    return {key: resource[key] for key in kept if key in resource} if wanted else resource


def matcher(name: str, value: str) -> Callable[[Resource], bool]:
    """A test for one search parameter; unknown ones are refused, as HAPI does."""
    if name in _OF_THE_ANSWER:
        return lambda _: True
    if name in _WHO:
        return lambda resource: _is_about(resource, value)
    if name in _CODED:
        element = _CODED[name]
        return lambda resource: _is_coded(resource.get(element, {}), value)
    if name not in _TESTS:
        raise RefusedError(f"Unknown search parameter {name}.", status=400)
    return _TESTS[name](value)


def _any_of(value: str, element: Callable[[Resource], object]) -> Callable[[Resource], bool]:
    wanted = value.split(",")
    return lambda resource: element(resource) in wanted


def _since(value: str) -> Callable[[Resource], bool]:
    """Only ``ge``: HAPI's cache takes one prefix for another, so nothing else is asked."""
    if not value.startswith("ge"):
        raise RefusedError("Only ge is understood here.", status=400)
    moment = instant(value[2:])
    return lambda resource: stamp(resource) >= moment


def medication_of(resource: Resource) -> str:
    """The Medication that a resource is about, as it names it."""
    return str(resource.get("medicationReference", {}).get("reference", ""))


def _is_about(resource: Resource, value: str) -> bool:
    wanted = value.rpartition("/")[2]
    links = (resource.get(name, {}).get("reference", "") for name in _ABOUT)
    return any(link == f"Patient/{wanted}" or link.endswith(f"/Patient/{wanted}") for link in links)


def _identified_by(value: str) -> Callable[[Resource], bool]:
    tests = [identified(token) for token in value.split(",")]
    return lambda resource: any(test(resource) for test in tests)


def identified(token: str) -> Callable[[Resource], bool]:
    """A test for ``system|value``, ``system|`` or a bare value."""
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


_TESTS: Mapping[str, Callable[[str], Callable[[Resource], bool]]] = {
    LAST_UPDATED: _since,
    "identifier": _identified_by,
    "medication": lambda value: _any_of(value, medication_of),
    "_id": lambda value: _any_of(value, lambda resource: resource["id"]),
    "status": lambda value: _any_of(value, lambda resource: resource.get("status")),
}
