"""Our own rules for a transaction: what is written stays a proposal, and every link holds.

A signature writes other states and names a practitioner: it brings `Rules` of its own.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from b12fhir.fhir.dosage import ROUTES
from b12fhir.fhir.links import links_in
from b12fhir.fhir.stored import DRAFT, WITHDRAWN, patient_of, status_element
from b12fhir.kernel.codes import UCUM
from b12fhir.ports import Resource

# (status, intent) of what may be written; a status other than that of a draft is a withdrawal.
_MAY_WRITE = {
    **{kind: {draft, (WITHDRAWN[kind], draft[1])} for kind, draft in DRAFT.items()},
    "Device": {("active", "")},
    "Provenance": {("", "")},
}
# Which types a reference may point at, by element (R4 4.0.1).
_TARGETS = {
    "subject": {"Patient"},
    "author": {"Device"},
    "requester": {"Device"},
    "addresses": {"Condition"},
    "reasonReference": {"Condition", "Observation"},
    "performer": {"Device"},
    "replaces": {"CarePlan"},
    "goal": {"Goal"},
    "detectedIssue": {"DetectedIssue"},
    "focus": {"CarePlan"},
    "for": {"Patient"},
    "patient": {"Patient"},
    "activity": {"MedicationRequest", "ServiceRequest"},
    "target": set(DRAFT),
    "agent": {"Device"},
}


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may write what: (status, intent) by type, and the types a reference may point at."""

    may_write: Mapping[str, Container[tuple[str, str]]]
    targets: Mapping[str, Container[str]]
    said: str


PROPOSALS = Rules(_MAY_WRITE, _TARGETS, "only draft proposals, and their withdrawal, are written")
_ROUTE_CODES = frozenset(code for code, _, _ in ROUTES.values())
_PUT_URL = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}\Z")
_OWN_PROVENANCE = "Provenance/b12-"
_IF_MATCH = re.compile(r'W/"[^"]+"\Z')


def broken_invariants(bundle: Resource, rules: Rules = PROPOSALS) -> list[str]:
    """Every rule a transaction breaks, with the entry it is broken in."""
    entries = bundle.get("entry") or []
    if bundle.get("type") != "transaction" or not entries:
        return ["Bundle: is no transaction with entries"]
    kinds = {e.get("fullUrl"): e.get("resource", {}).get("resourceType") for e in entries}
    found = list(_across(entries, kinds))
    for index, entry in enumerate(entries):
        resource = entry.get("resource", {})
        where = f"entry[{index}] {resource.get('resourceType')}"
        problems = (*_request(entry), *_resource(resource, rules), *_links(resource, kinds, rules))
        found.extend(f"{where}: {problem}" for problem in problems)
    return found


def _across(entries: Iterable[Resource], kinds: Mapping[str, str]) -> Iterator[str]:
    """Rules between entries: nothing twice, one patient only."""
    urls = Counter(entry.get("fullUrl") for entry in entries)
    if None in kinds or any(count > 1 for count in urls.values()):
        yield "Bundle: every entry needs a fullUrl of its own"
    identities = Counter(identity for entry in entries for identity in _identities(entry))
    if any(count > 1 for count in identities.values()):
        yield "Bundle: one identity stands in it twice"
    if len({patient_of(e["resource"]) for e in entries} - {""}) > 1:
        yield "Bundle: it is about more than one patient"


def _identities(entry: Resource) -> set[tuple[str, str]]:
    """The ways in which an entry claims to be a certain resource."""
    request, resource = entry.get("request", {}), entry.get("resource", {})
    kind = str(resource.get("resourceType"))
    # With its system: a plan and what was proposed for it bear the same key in two systems.
    claims = {
        (kind, f"{i.get('system')}|{i.get('value')}") for i in resource.get("identifier", [])[:1]
    }
    return claims | ({("url", request["url"])} if request.get("method") == "PUT" else set())


def _request(entry: Resource) -> Iterator[str]:
    """Every write is conditional: a create on its identifier, an update on its version."""
    request, resource = entry.get("request", {}), entry.get("resource", {})
    method, url = request.get("method"), request.get("url", "")
    if method == "POST":
        identifiers = {
            f"identifier={i.get('system')}|{i.get('value')}" for i in resource.get("identifier", [])
        }
        if request.get("ifNoneExist") not in identifiers or url != resource.get("resourceType"):
            yield "a create must be conditional on the resource's own identifier"
    elif method == "PUT":
        own = f"{resource.get('resourceType')}/{resource.get('id')}"
        if own.startswith(_OWN_PROVENANCE) and url == own:
            # Its id is that of this very write: whatever stands there is the same.
            return
        if not _PUT_URL.match(url) or url != own or not _IF_MATCH.match(request.get("ifMatch", "")):
            yield "an update must name the resource's id and the version that was read"
    else:
        yield "only POST and PUT are written"


def _resource(resource: Resource, rules: Rules) -> Iterator[str]:
    kind = str(resource.get("resourceType"))
    state = (resource.get(status_element(kind), ""), resource.get("intent", ""))
    if state not in rules.may_write.get(kind, ()):
        yield rules.said
    for activity in resource.get("activity", []) if kind == "CarePlan" else ():
        if ("reference" in activity) == ("detail" in activity):
            yield "cpl-3: an activity has either a reference or a detail"
    for repeat in _found(resource, "repeat"):
        yield from _timing(repeat)
    for dose in resource.get("dosageInstruction", []):
        yield from _dosage(dose)


def _found(node: object, name: str) -> Iterator[Mapping[str, Any]]:
    """Every object called ``name``, at any depth."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == name and isinstance(value, Mapping):
                yield value
            yield from _found(value, name)
    elif isinstance(node, list):
        for item in node:
            yield from _found(item, name)


def _timing(repeat: Mapping[str, Any]) -> Iterator[str]:
    if "period" in repeat and "periodUnit" not in repeat:
        yield "tim-2: a period needs its unit"
    if repeat.get("period", 0) < 0:
        yield "tim-5: a period is not negative"
    if "periodMax" in repeat and ("period" not in repeat or repeat["periodMax"] < repeat["period"]):
        yield "tim-6: a longest period needs a shorter period"
    if "dayOfWeek" in repeat and ("period" in repeat or "frequency" in repeat):
        yield "b12-mr-3: dayOfWeek cannot stand beside frequency or period"
    bounds = repeat.get("boundsPeriod", {})
    if bounds.get("end", "9999") < bounds.get("start", ""):
        yield "per-1: the bounds end before they start"


def _dosage(dose: Mapping[str, Any]) -> Iterator[str]:
    """A dose is a known amount by a route we know; intravenous cobalamin is never proposed."""
    routes = {coding.get("code") for coding in dose.get("route", {}).get("coding", [])}
    if not routes or not routes <= _ROUTE_CODES:
        yield "b12-mr-2: the route is missing or not permitted"
    amounts = [rate.get("doseQuantity", {}) for rate in dose.get("doseAndRate", [])]
    if not amounts or not all(_is_dose(amount) for amount in amounts):
        yield "b12-mr-2: the dose must be a positive number of UCUM ug"
    if not dose.get("text"):
        yield "b12-mr-2: the dosage needs its text"


def _is_dose(amount: Mapping[str, Any]) -> bool:
    value: Any = amount.get("value")
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return bool(is_number and value > 0) and (amount.get("system"), amount.get("code")) == (
        UCUM,
        "ug",
    )


def _links(resource: Resource, kinds: Mapping[str, str], rules: Rules) -> Iterator[str]:
    for element, value in resource.items():
        for link in links_in(value):
            kind = kinds.get(link) if link.startswith("urn:") else link.split("/")[-2:][0]
            if kind is None:
                yield f"{element}: a link leads nowhere"
            elif kind not in rules.targets.get(element, {kind}):
                yield f"{element}: a link leads to a {kind}"
