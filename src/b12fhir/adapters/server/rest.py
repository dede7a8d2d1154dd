"""The FHIR REST API as `FhirFeed`: searches with all their pages, histories, transactions."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Self
from urllib.parse import quote, urlencode

from b12fhir.adapters.server.answers import Failure, judge
from b12fhir.adapters.server.habits import SearchesByGet
from b12fhir.adapters.server.pages import Pages, next_link
from b12fhir.adapters.server.past import Past
from b12fhir.adapters.server.retry import Patience, Waits
from b12fhir.adapters.server.tls import Tls
from b12fhir.adapters.server.transport import Limits, Transport
from b12fhir.errors import ConfigError, RefusedError, ServerError, TemporaryServerError
from b12fhir.fhir.extract.tree import items, obj
from b12fhir.fhir.json import encode
from b12fhir.fhir.outcome import read_outcome
from b12fhir.kernel.address import next_url, parse_address
from b12fhir.kernel.http import Request
from b12fhir.ports import Resource, Version

_JSON = "application/fhir+json"
# HAPI answers an identical search from a cache for a minute; what decides is never read from there.
_READ = {"Accept": _JSON, "Cache-Control": "no-cache"}
_FORM = {**_READ, "Content-Type": "application/x-www-form-urlencoded"}
_WRITE = {"Accept": _JSON, "Content-Type": _JSON}
_NO_POST_SEARCH = frozenset({404, 405, 501})
_GONE = 410
_RESTARTS = 2
_UNAUTHORIZED = 401
_HISTORY_PAGE = 200
# What a resource was before is told by its newest versions.
_FEW_VERSIONS = 10


class RestServer:
    """A FHIR R4 server.

    ``token`` returns the bearer token or ``""``; it is asked at each request, so a renewed token
    file counts. ``refused`` is told of one that the server answered with 401; if ``token`` then
    gives another, the request is sent once more. ``tls`` is whom to trust and who we are.
    ``rewrite_links`` follows page links that name a server's inner address behind a
    proxy at ``base`` instead of refusing them. ``by_get`` knows which servers refuse searches by
    POST, if several of this class share it. ``pause`` waits seconds. Safe to use from threads.
    """

    def __init__(  # noqa: PLR0913 - what a site may set, each by its name
        self,
        base: str,
        *,
        token: Callable[[], str] = str,
        refused: Callable[[str], None] = lambda _: None,
        tls: Tls | None = None,
        limits: Limits | None = None,
        patience: Patience | None = None,
        max_pages: int = 2000,
        rewrite_links: bool = False,
        by_get: SearchesByGet | None = None,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._address = parse_address(base)
        self.base = self._address.base
        if not self._address.is_private and token():
            raise ConfigError(
                f"The token would travel unencrypted to {self.base}.",
                hint="Use the https address, or leave the token away.",
            )
        self._token = token
        self._refused = refused
        self._transport = Transport(self.base, limits or Limits(), tls)
        self._patience = patience or Patience()
        self._max_pages = max_pages
        self._rewrite = rewrite_links
        self._pause = pause
        self._clock = clock
        self._by_get = by_get or SearchesByGet()
        self._requests = 0
        self._counting = Lock()

    @property
    def requests(self) -> int:
        """How many requests were sent so far, those that were tried again each time."""
        return self._requests

    @property
    def searches_by_get(self) -> bool:
        """True once the server refused POST searches: patient ids then stand in its URLs."""
        return self.base in self._by_get

    def capabilities(self) -> Resource:
        """The CapabilityStatement; raises `ServerError` if something else is answered."""
        doing = "reading its capabilities"
        request = Request("GET", f"{self.base}/metadata", doing, _READ)
        return self._expect("CapabilityStatement", self._ask(request), doing)

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def search(self, kind: str, params: Mapping[str, str]) -> Iterator[Resource]:
        """Every match and included resource, each once, and every OperationOutcome on the way.

        Page addresses expire on HAPI (410): the search then starts again and yields what is new.
        """
        pages = Pages(f"searching {kind}", self.base, self._max_pages)
        yield from self._whole(lambda: self._first(kind, params), pages)

    def everything(self, patient: str, kinds: Sequence[str], count: int) -> Iterator[Resource]:
        """The record of one patient in one walk; see `b12fhir.ports.FhirFeed`.

        Asked of the type and by POST, so that the patient's id stands in no URL.
        """
        asked = [
            {"name": "_id", "valueString": patient},
            {"name": "_type", "valueString": ",".join(kinds)},
            {"name": "_count", "valueInteger": count},
        ]
        pages = Pages("reading a whole record", self.base, self._max_pages)
        url = f"{self.base}/Patient/$everything"
        body = encode({"resourceType": "Parameters", "parameter": asked})
        request = Request("POST", url, pages.doing, {**_READ, **_WRITE}, body)
        yield from self._whole(lambda: self._ask(request), pages)

    def deleted(self, kind: str, since: datetime | None) -> Iterator[Version]:
        """Deletions of a type, by its history: HAPI does not show them in searches."""
        query = {"_count": str(_HISTORY_PAGE)} | ({"_since": _instant(since)} if since else {})
        past = self._past(kind)
        for _ in self._history(f"{kind}/_history?{urlencode(query)}", past):
            pass
        yield from past.deletions

    def history(self, kind: str, id_: str) -> Iterator[Resource]:
        """The versions of one resource, page by page as they are asked for.

        HAPI 8.8.0 may leave out what was before a deletion, and gives it by number all the same.
        """
        url = f"{kind}/{quote(id_, safe='')}/_history"
        past = self._past(kind)
        yield from self._history(f"{url}?_count={_FEW_VERSIONS}", past)
        for number in range(past.lowest - 1, 0, -1):
            try:
                request = Request("GET", f"{self.base}/{url}/{number}", past.doing, _READ)
                yield self._expect(kind, self._ask(request), past.doing)
            except RefusedError as error:
                if error.status != _GONE:
                    return

    def _past(self, kind: str) -> Past:
        doing = f"reading the history of {kind}"
        return Past(doing, self.base, self._max_pages, self._clock())

    def _history(self, url: str, past: Past) -> Iterator[Resource]:
        request = Request("GET", f"{self.base}/{url}", past.doing, _READ)
        yield from self._whole(lambda: self._ask(request), past)

    def rest(self, kind: str, page: Resource) -> Iterator[Resource]:
        """What stands on the pages after one that a client sent; see `b12fhir.ports.HookServer`.

        What that page holds is noted, so that it does not come again and counts towards the total.
        """
        pages = Pages(f"reading the other pages of {kind}", self.base, self._max_pages)
        for _ in pages.take(page):
            pass
        try:
            yield from self._onwards(page, pages)
        except _PageExpiredError:
            raise TemporaryServerError(
                f"{self.base} has forgotten the next page while {pages.doing}.",
                hint="Nothing was decided on the part that was sent. Search again.",
            ) from None
        pages.check_total()

    def transaction(self, bundle: Resource) -> Resource:
        """Send a transaction; tried again only when every entry of it is conditional.

        After an unclear answer that is safe: what was written is found again, not written twice.
        """
        doing = "writing a plan"
        request = Request("POST", self.base, doing, _WRITE, encode(bundle))
        repeat = all(_is_conditional(entry) for entry in bundle.get("entry", []))
        answer = self._expect("Bundle", self._ask(request, repeat=repeat), doing)
        refused = [e for e in items(answer.get("entry")) if not _succeeded(e)]
        if refused or answer.get("type") != "transaction-response":
            raise self._not_a_transaction(refused)
        return answer

    def _whole(self, first: Callable[[], dict[str, Any]], pages: Pages) -> Iterator[Resource]:
        """Walk from the first page to the last, again from the first if pages expire."""
        for _ in range(1 + _RESTARTS):
            page = first()
            try:
                yield from pages.take(self._expect("Bundle", page, pages.doing))
                yield from self._onwards(page, pages)
            except _PageExpiredError:
                pages.restart()
            else:
                pages.check_total()
                return
        raise TemporaryServerError(
            f"{self.base}: the next pages kept expiring while {pages.doing}.",
            hint="Nothing was decided on the part that was read. Try again.",
        )

    def _onwards(self, page: Resource, pages: Pages) -> Iterator[Resource]:
        """Follow the links of a page that was taken."""
        while (link := next_link(page)) is not None:
            url = next_url(link, self._address, rewrite=self._rewrite)
            pages.visit(url)
            page = self._next(Request("GET", url, pages.doing, _READ))
            yield from pages.take(self._expect("Bundle", page, pages.doing))

    def _first(self, kind: str, params: Mapping[str, str]) -> dict[str, Any]:
        """Search by POST, which keeps ids out of URLs; by GET where the server cannot."""
        doing, form = f"searching {kind}", urlencode(params)
        get = Request("GET", f"{self.base}/{kind}?{form}", doing, _READ)
        if self.searches_by_get:
            return self._ask(get)
        try:
            url = f"{self.base}/{kind}/_search"
            return self._ask(Request("POST", url, doing, _FORM, form.encode()))
        except ServerError as error:
            if error.status not in _NO_POST_SEARCH:
                raise
        page = self._ask(get)
        self._by_get.add(self.base)
        return page

    def _next(self, request: Request) -> dict[str, Any]:
        try:
            return self._ask(request)
        except RefusedError as error:
            if error.status == _GONE:
                raise _PageExpiredError from None
            raise

    def _ask(self, request: Request, *, repeat: bool = True) -> dict[str, Any]:
        """Send, and send again while that may help: ``repeat`` says that it can do no harm.

        Once with another token, whatever is asked: who answers 401 has done nothing of it.
        """
        waits = Waits(self._patience)
        token, renewed = self._token(), False
        while True:
            answer = self._try(request, token)
            if not isinstance(answer, Failure):
                return answer
            if answer.error.status == _UNAUTHORIZED and not renewed:
                old, token, renewed = token, self._another(token), True
                if token != old:
                    continue
            wait = waits.after(answer.wait) if repeat and answer.again else None
            if wait is None:
                raise answer.error
            self._pause(wait)
            token = self._token()

    def _another(self, token: str) -> str:
        """The token to use after one that the server refused."""
        self._refused(token)
        return self._token()

    def _try(self, request: Request, token: str) -> dict[str, Any] | Failure:
        with self._counting:
            self._requests += 1
        try:
            answer = self._transport.send(request, token)
        except TemporaryServerError as error:
            return Failure(error, again=True)
        asked = self._patience.asked(answer.headers.get("retry-after"), self._clock())
        return judge(answer, request, self.base, asked)

    def _expect(self, kind: str, resource: dict[str, Any], doing: str) -> dict[str, Any]:
        if resource.get("resourceType") == kind:
            return resource
        outcome = read_outcome(resource)
        said = f" ({outcome.summary()})" if outcome else ""
        raise ServerError(
            f"{self.base} did not answer with a {kind}{said} while {doing}.",
            hint="Check that the address is the base of a FHIR R4 server.",
            detail=outcome.detail() if outcome else "",
        )

    def _not_a_transaction(self, refused: list[Any]) -> RefusedError:
        """Word the error of a server that ran a transaction as if it were a batch."""
        outcomes = [read_outcome(obj(entry.get("response")).get("outcome")) for entry in refused]
        return RefusedError(
            f"{self.base} did not treat a transaction as one: {len(refused)} entries were refused.",
            hint="The plan may be half written. See the server, and run doctor.",
            detail="; ".join(outcome.detail() for outcome in outcomes if outcome),
        )


class _PageExpiredError(Exception):
    """The server has forgotten the search whose next page was asked for."""


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _is_conditional(entry: Mapping[str, Any]) -> bool:
    """Does sending it again write nothing new? A Provenance of ours has the id of its write."""
    request = entry.get("request", {})
    if request.get("method") == "PUT" and str(request.get("url")).startswith("Provenance/"):
        return True
    needed = "ifNoneExist" if request.get("method") == "POST" else "ifMatch"
    return bool(request.get(needed))


def _succeeded(entry: Mapping[str, Any]) -> bool:
    return str(obj(entry.get("response")).get("status", "")).startswith("2")
