"""What can go wrong with one request, for the rules of `tests.faults.proxy`."""

import json
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

from tests.faults.proxy import FHIR, Act, Answer, Exchange, head

Page = dict[str, Any]


def lost(exchange: Exchange) -> None:
    """The request never arrives."""
    exchange.cut()


def unheard(exchange: Exchange) -> None:
    """The server does it; the answer never arrives."""
    exchange.send_on()
    exchange.cut()


def half(exchange: Exchange) -> None:
    """The answer breaks off in the middle of its body."""
    answer = exchange.send_on()
    begun = answer.body[: len(answer.body) // 2]
    exchange.cut(head(answer.status, answer.headers, len(answer.body)) + begun)


def half_json(exchange: Exchange) -> None:
    """Half of the body, sent as if it were whole."""
    answer = exchange.send_on()
    cut = Answer(answer.status, answer.headers, answer.body[: len(answer.body) // 2])
    exchange.reply(cut)


def web_page(exchange: Exchange) -> None:
    """A portal answers in the server's place, with 200."""
    exchange.reply(Answer(200, {"Content-Type": "text/html"}, b"<html>Log in</html>"))


def status(code: int, **headers: str) -> Act:
    """A gateway refuses; the server is not asked. ``Retry_After`` and the like are headers."""

    def act(exchange: Exchange) -> None:
        exchange.reply(_outcome(code), **headers)

    return act


def denied(exchange: Exchange) -> None:
    """The token is none, or none any more."""
    exchange.reply(_outcome(401), WWW_Authenticate="Bearer")


def said(body: Page) -> Act:
    """This is answered, whatever the server would say."""
    answer = Answer(200, {"Content-Type": "application/json"}, json.dumps(body).encode())
    return lambda exchange: exchange.reply(answer)


def status_after(code: int) -> Act:
    """The server does it, and the gateway says that it failed."""

    def act(exchange: Exchange) -> None:
        exchange.send_on()
        exchange.reply(_outcome(code))

    return act


def busy_for(seconds: float) -> Act:
    """429 with a `Retry-After` that is a date, so far from the moment of the answer."""

    def act(exchange: Exchange) -> None:
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
        exchange.reply(_outcome(429), Retry_After=date)

    return act


def changed(change: Callable[[Exchange, Page], object]) -> Act:
    """The answer arrives changed: ``change`` edits it in place."""

    def act(exchange: Exchange) -> None:
        answer = exchange.send_on()
        body = answer.json
        change(exchange, body)
        exchange.reply(answer.saying(body))

    return act


def slowly(seconds: float, pieces: int = 10) -> Act:
    """The answer drips."""

    def act(exchange: Exchange) -> None:
        answer = exchange.send_on()
        whole = head(answer.status, answer.headers, len(answer.body)) + answer.body
        size = len(whole) // pieces + 1
        for start in range(0, len(whole), size):
            exchange.drip(whole[start : start + size])
            exchange.proxy.stopped.wait(seconds / pieces)

    return act


def meanwhile(happens: Callable[[], object]) -> Act:
    """Something happens while the request is under way, before the server has it."""

    def act(exchange: Exchange) -> None:
        happens()
        exchange.reply(exchange.send_on())

    return act


def skewed(by: timedelta) -> Act:
    """Every stamp of the answer is off, its `Date` header included."""

    def act(exchange: Exchange) -> None:
        answer = exchange.send_on()
        shown = json.loads(answer.body, object_hook=lambda node: _moved(node, by))
        date = format_datetime(datetime.now(UTC) + by, usegmt=True)
        exchange.reply(answer.saying(shown), Date=date)

    return act


def _moved(node: Page, by: timedelta) -> Page:
    stamp = node.get("lastUpdated")
    if isinstance(stamp, str):
        node["lastUpdated"] = (datetime.fromisoformat(stamp) + by).isoformat("T", "milliseconds")
    return node


def next_is(url: Callable[[str, Exchange], str]) -> Act:
    """The link to the next page, if there is one, is another: of the true one ``url`` makes it."""

    def change(exchange: Exchange, page: Page) -> None:
        for link in page.get("link", []):
            if link["relation"] == "next":
                link["url"] = url(link["url"], exchange)

    return changed(change)


def endless(exchange: Exchange) -> None:
    """This page says that it is the next one itself."""

    def change(page_of: Exchange, page: Page) -> None:
        there = urlsplit(page_of.proxy.base)
        own = f"{there.scheme}://{there.netloc}{page_of.asked.path}"
        page["link"] = [{"relation": "next", "url": own}]

    changed(change)(exchange)


def entries_shuffled(seed: int) -> Act:
    """The entries come in another order."""
    return changed(lambda _, body: _shuffle(body, seed))


def _shuffle(body: Page, seed: int) -> None:
    random.Random(seed).shuffle(body.get("entry", []))  # noqa: S311 - the same order again


def entries_dropped(_: Exchange, body: Page) -> None:
    """The last entry is missing."""
    body["entry"] = body.get("entry", [])[:-1]


def without_locations(_: Exchange, body: Page) -> None:
    """A transaction's answer does not say where things are."""
    for entry in body.get("entry", []):
        entry.get("response", {}).pop("location", None)


def total_is(change: Callable[[int], int]) -> Act:
    """The page announces another number of matches than there are."""

    def edit(_: Exchange, body: Page) -> None:
        found = [e for e in body.get("entry", []) if e.get("search", {}).get("mode") == "match"]
        body["total"] = change(body.get("total", len(found)))

    return changed(edit)


def remembered(kinds: Iterable[str]) -> Act:
    """The answer is fetched once, and a CapabilityStatement is cut down to these types.

    HAPI works out 1.5 MB anew whenever a client wants no cache: half of the time of a short run.
    """
    known: list[Answer] = []
    wanted = frozenset(kinds)

    def act(exchange: Exchange) -> None:
        if not known:
            answer = exchange.send_on()
            body = answer.json
            (rest,) = body["rest"]
            rest["resource"] = [one for one in rest["resource"] if one["type"] in wanted]
            known.append(answer.saying(body))
        exchange.reply(known[0])

    return act


def _outcome(code: int) -> Answer:
    said = {"severity": "error", "code": "transient", "diagnostics": "as the test wants it"}
    body = {"resourceType": "OperationOutcome", "issue": [said]}
    return Answer(code, {"Content-Type": FHIR}, json.dumps(body).encode())
