"""The record of one patient: what the client sent, and what it let us fetch.

A key that was sent is used as it is. One that was not sent is asked for at the client's server.
What cannot be had is never taken for "there is nothing": without a required answer there is none
(412), and what else is lacking is told in words, for the card.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import takewhile
from typing import Any, NamedTuple

from b12fhir.errors import CallError, MissingDataError, ServerError
from b12fhir.fhir.bundle import entries, is_incomplete
from b12fhir.fhir.extract.tree import items, obj, text
from b12fhir.fhir.outcome import read_outcome, whole
from b12fhir.ports import HookServer, Resource
from b12fhir.service.hooks.services import PATIENT, Query

_IDS_AT_ONCE = 50
_DRUGS = Query("medications", "Medication", "the drugs behind some orders")
_NAME_DRUGS = "Medication"
_NOTHING: Resource = {}
_NO_ROWS: list[Resource] = []


class Gathered(NamedTuple):
    """The resources to decide on, and in words what could not be read."""

    resources: tuple[Resource, ...]
    unchecked: tuple[str, ...]


class Gatherer:
    """Gathers for one call.

    ``patient`` is the bare id. ``open_server`` gives the client's server and is asked at most once,
    when something must be fetched; ``None``: the client named none. ``lanes``: queries sent at a
    time.
    """

    def __init__(
        self,
        queries: Sequence[Query],
        patient: str,
        open_server: Callable[[], HookServer] | None,
        lanes: int,
    ) -> None:
        self._queries = queries
        self._patient = patient
        self._open = open_server
        self._lanes = lanes
        self._server: HookServer | None = None
        self._unchecked: list[str] = []
        self._medicines: list[Resource] = []
        # Place of the first required query that is known to have failed: those after it are of no
        # use any more. Those before it go on, so that the same fault is always named.
        self._end = len(queries)

    def gather(self, prefetch: object, more: Iterable[Resource] = ()) -> Gathered:
        """Everything about the patient; ``more`` are resources of the call that name drugs.

        Raises `CallError` for a prefetch that is no prefetch or holds another patient, and
        `MissingDataError`, naming the key, for a required answer that cannot be had.
        """
        given = _checked(prefetch)
        self._medicines += more
        try:
            found: list[Resource] = []
            lacking = []
            for query in self._queries:
                if query.key not in given:
                    lacking.append(query)
                elif taken := self._taken(query, given[query.key]):
                    self._keep(query, taken, found)
            if lacking:
                self._fetch(lacking, found)
            if self._open is not None:
                found += self._drugs(self._open)
        finally:
            if self._server is not None:
                self._server.close()
        return Gathered(tuple(found), tuple(dict.fromkeys(self._unchecked)))

    def _keep(self, query: Query, answer: Sequence[Resource], found: list[Resource]) -> None:
        if query.kind.startswith(_NAME_DRUGS):
            self._medicines += answer
        found += answer

    def _taken(self, query: Query, value: object) -> tuple[Resource, ...]:
        """What a client sent under a key."""
        if value is None:
            return self._nothing(query)
        kind = value.get("resourceType") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(kind, str):
            raise CallError(
                "A value of prefetch is no FHIR resource and not null.",
                hint="Send a resource, a Bundle, or null where there is no data.",
                where=f"prefetch.{query.key}",
            )
        if kind == "OperationOutcome":
            outcome = read_outcome(value)
            said = outcome.summary() if outcome else ""
            return self._lacks(query, f"an OperationOutcome was sent ({said})")
        if query.key == PATIENT:
            self._refuse_others(value)
        return self._bundle(query, value) if kind == "Bundle" else (value,)

    def _nothing(self, query: Query) -> tuple[Resource, ...]:
        """``null``: the client has no data. A Patient of whom nothing is known is still one."""
        if query.key != PATIENT:
            return ()
        self._unchecked.append("age, sex and whether the patient lives (no Patient was sent)")
        return ({"resourceType": "Patient", "id": self._patient},)

    def _bundle(self, query: Query, bundle: dict[str, Any]) -> tuple[Resource, ...]:
        """A Bundle as it was sent, with the pages after it; of one that holds nothing, nothing."""
        rows = bundle.get("entry", _NO_ROWS)
        if not isinstance(rows, list):
            raise CallError(
                "The entries of a Bundle are no array.", where=f"prefetch.{query.key}.entry"
            )
        more = is_incomplete(bundle)
        if not rows and not more:
            return ()
        for row in rows:
            if not isinstance(row, dict) or "resource" not in row:
                return (bundle, *self._lacks(query, "a Bundle holds entries without a resource"))
        if not ("link" in bundle or "total" in bundle):
            return (bundle,)
        # What it says of being incomplete is dealt with here: not to be said or counted again.
        first = {name: part for name, part in bundle.items() if name not in ("link", "total")}
        return (first, *self._pages(query, bundle)) if more else (first,)

    def _pages(self, query: Query, bundle: Resource) -> Iterable[Resource]:
        links = items(bundle.get("link"))
        if not any(link.get("relation") == "next" for link in links):
            return self._lacks(query, "its total is above its entries, with no link to the others")
        if self._open is None:
            return self._lacks(query, "there are more pages, and no fhirServer to read them from")
        try:
            rest = self._at(self._open).rest(query.kind, bundle)
            return list(whole(rest, query.kind, ""))
        except ServerError as error:
            return self._lacks(query, error.message)

    def _fetch(self, lacking: Sequence[Query], found: list[Resource]) -> None:
        """What was not sent, several queries at a time."""
        if self._open is None:
            for query in lacking:
                self._lacks(query, "it was not sent, and there is no fhirServer to fetch it from")
            return
        server = self._at(self._open)
        with ThreadPoolExecutor(max_workers=min(self._lanes, len(lacking))) as pool:
            asked = partial(self._asked, server)
            answers = list(pool.map(asked, lacking, range(len(lacking))))
        for query, answer in zip(lacking, answers, strict=True):
            if isinstance(answer, str):
                self._lacks(query, answer)
            else:
                self._keep(query, answer, found)

    def _asked(self, server: HookServer, query: Query, place: int) -> list[Resource] | str:
        """What the server holds, or why that is not known.

        After a required query that failed nothing is asked to its end: the call is refused before
        anybody looks at it.
        """
        found: list[Resource] = []
        cause = ""
        try:
            if place < self._end:
                answer = server.search(query.kind, query.search(self._patient))
                useful = takewhile(lambda _: place < self._end, answer)
                found = list(whole(useful, query.kind, ""))
                if query.key == PATIENT and not any(map(self._is_patient, found)):
                    cause = "the FHIR server does not know this patient"
        except ServerError as error:
            cause = error.message
        if cause and query.required:
            self._end = min(self._end, place)
        return cause or found

    def _drugs(self, opener: Callable[[], HookServer]) -> list[Resource]:
        """Medications that are referred to and did not come along: templates cannot ask for them.

        What stays unresolved is reported when it is read.
        """
        missing = _missing_drugs(self._medicines)
        drugs: list[Resource] = []
        for start in range(0, len(missing), _IDS_AT_ONCE):
            ids = ",".join(missing[start : start + _IDS_AT_ONCE])
            try:
                found = self._at(opener).search("Medication", {"_id": ids})
                drugs += whole(found, "Medication", "")
            except ServerError as error:
                self._lacks(_DRUGS, error.message)
        return drugs

    def _at(self, opener: Callable[[], HookServer]) -> HookServer:
        if self._server is None:
            self._server = opener()
        return self._server

    def _lacks(self, query: Query, cause: str) -> tuple[()]:
        """Note what cannot be had; refuse the call if nothing can be decided without it."""
        if not query.required:
            self._unchecked.append(f"{query.told} ({cause.rstrip('.')})")
            return ()
        raise MissingDataError(
            f"Nothing was assessed, because {query.told} could not be had: {cause.rstrip('.')}.",
            hint="Send it as prefetch, or give fhirServer with a token that may read it.",
            where=f"prefetch.{query.key}",
        )

    def _refuse_others(self, value: Resource) -> None:
        """Nobody is assessed on the record of somebody else."""
        held = [value]
        if value["resourceType"] == "Bundle":
            held = [entry.resource for entry in entries(value)]
        people = [one for one in held if one.get("resourceType") == "Patient"]
        if not people or not all(self._is_patient(one) for one in people):
            raise CallError(
                "The Patient in prefetch is not the one of context.patientId.",
                hint="Nothing was assessed. Check how prefetch is filled.",
                where=f"prefetch.{PATIENT}",
            )

    def _is_patient(self, resource: Resource) -> bool:
        return resource.get("resourceType") == "Patient" and resource.get("id") == self._patient


def _checked(prefetch: object) -> Resource:
    if prefetch is None:
        return _NOTHING
    if not isinstance(prefetch, dict):
        raise CallError(
            "prefetch is not an object.",
            hint="Send key and resource, or leave it out.",
            where="prefetch",
        )
    return prefetch


def _missing_drugs(found: Iterable[Resource]) -> list[str]:
    wanted, held = set(), set()
    for resource in found:
        for one in _each(resource):
            if one.get("resourceType") == "Medication":
                held.add(one.get("id"))
            elif "medicationReference" in one:
                wanted.add(_drug_id(one))
    return sorted(wanted - held - {""})


def _each(resource: Resource) -> Iterator[Resource]:
    if resource.get("resourceType") == "Bundle":
        return (entry.resource for entry in entries(resource))
    return iter((resource,))


def _drug_id(resource: Resource) -> str:
    """The bare id in a reference to a Medication; ``""`` for one that is contained or logical."""
    link = text(obj(resource["medicationReference"]).get("reference"))
    kind, _, own = link.partition("/_history/")[0].rpartition("/")
    return own if kind.rpartition("/")[2] == "Medication" else ""
