"""What happens to a request: who asks, what is asked, the record, the proposal, the cards."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from werkzeug.http import parse_options_header
from werkzeug.wsgi import get_input_stream

from b12fhir.adapters.cds_hooks.access import Access, read_access
from b12fhir.adapters.cds_hooks.gather import Gatherer
from b12fhir.adapters.cds_hooks.parts import Parts
from b12fhir.adapters.cds_hooks.rates import Rates
from b12fhir.adapters.cds_hooks.refusals import RefusedCallError, too_often
from b12fhir.fhir.bundle import Unfolded
from b12fhir.fhir.extract.tree import obj
from b12fhir.fhir.identity import patient_key, reader_key
from b12fhir.fhir.json import decode, encode
from b12fhir.fhir.site import Site
from b12fhir.kernel.evidence import Issue, Severity
from b12fhir.ports import Caller, HookServer, Resource
from b12fhir.protocol.fingerprint import fingerprint
from b12fhir.service.hooks.advise import advise
from b12fhir.service.hooks.answer import EXTENSION, Issuing, answer
from b12fhir.service.hooks.call import read_call
from b12fhir.service.hooks.feedback import read_feedback
from b12fhir.service.hooks.keeping import Held
from b12fhir.service.hooks.model import Call, Card
from b12fhir.service.hooks.rehearsal import rehearse
from b12fhir.service.hooks.services import SERVICES, Service, discovery, queries
from b12fhir.service.hooks.snooze import parted
from b12fhir.service.propose import propose

Environ = dict[str, Any]

_JSON = "application/json"
_LOCAL = "local"


class Desk:
    """Answers requests with the parts of one application.

    Of a request it sees the WSGI environment and the path that was asked for.
    `COUNTS` is where a request's environment keeps what may be logged of its answer.
    """

    COUNTS = "b12fhir.counts"

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._services = {one.id: one for one in SERVICES if one.id in parts.services}
        self._rates = Rates(parts.limits.calls_per_minute)
        # One for each server and client of the settings: few, and asked for with each call.
        self._site = lru_cache(maxsize=256)(parts.site)
        home = self._site(_LOCAL)
        self._queries = queries(parts.protocol(parts.clock()), home)
        self._told = encode(discovery(self._queries, home, wanted=parts.services))

    def rehearse(self) -> None:
        """Build what a first call would have to wait for; nobody is answered, nothing is kept."""
        now = self._parts.clock()
        rehearse(self._parts.protocol(now), self._site(_LOCAL), now)

    def discovery(self, environ: Environ, path: str) -> bytes:
        """The services that are on, as JSON."""
        self._admitted(environ, path)
        return self._told

    def call(self, service_id: str, environ: Environ, path: str) -> bytes:
        """The cards for one call, as JSON."""
        caller = self._admitted(environ, path)
        service = self._service(service_id)
        return self._answer(service, caller, self._sent(environ), environ)

    def feedback(self, service_id: str, environ: Environ, path: str) -> None:
        """Keep what came of cards."""
        caller = self._admitted(environ, path)
        service = self._service(service_id)
        now, client = self._parts.clock(), _client(caller)
        heard = read_feedback(service.id, self._sent(environ), now, client)
        self._parts.book.hear(heard)
        for one in heard:
            self._parts.metrics.heard(service.id, one.outcome)
        environ[self.COUNTS] = f" entries={len(heard)}"

    def _admitted(self, environ: Environ, path: str) -> Caller:
        """Who calls. The address that a token must be made out to is never read from the call."""
        parts, given = self._parts, environ.get("HTTP_AUTHORIZATION", "")
        caller = parts.gate.admit(given, parts.public + path, parts.clock())
        who = _client(caller) or environ.get("REMOTE_ADDR", "")
        wait = self._rates.wait(who, time.monotonic())
        if wait:
            raise too_often(wait)
        return caller

    def _sent(self, environ: Environ) -> object:
        return _body(environ, self._parts.limits.body_bytes)

    def _service(self, service_id: str) -> Service:
        service = self._services.get(service_id)
        if service is None:
            raise RefusedCallError(404)
        return service

    def _answer(self, service: Service, caller: Caller, sent: object, environ: Environ) -> bytes:
        parts, now = self._parts, self._parts.clock()
        call, body = read_call(service.hook, sent), obj(sent)
        own = call.patient.removeprefix("Patient/")
        access = read_access(body, caller, own)
        carried = (*(draft.resource for draft in call.drafts), *call.context)
        gatherer = Gatherer(self._queries, own, self._opener(access), parts.limits.lanes)
        found, unchecked = gatherer.gather(body.get("prefetch"), carried)
        site, protocol = self._site(access.base or _name_of(caller)), parts.protocol(now)
        record = Unfolded(found)
        known: Iterable[Resource] = (*record, *carried) if carried else record
        proposal = propose(known, protocol, now, site, call.patient)
        cards = advise(proposal, call, unchecked, record)
        shown = self._shown(service, cards, call, site, now)
        rules = fingerprint(protocol.pack.id)
        issuing = Issuing(service.id, now, rules, parts.uuids, _client(caller), parts.links)
        told, issued = answer(shown, proposal, call, issuing)
        if issued:
            parts.book.issue(issued)
        silent = len(cards) - len(shown)
        aside = _set_aside(proposal.issues)
        self._count(service, shown, silent, aside)
        more = {"unchecked": unchecked, "silent": silent, "setAside": aside}
        told["extension"][EXTENSION] |= {name: part for name, part in more.items() if part}
        environ[self.COUNTS] = (
            f" cards={len(shown)} silent={silent} unchecked={len(unchecked)}"
            f" set-aside={sum(aside.values())}"
        )
        return encode(told)

    def _shown(
        self, service: Service, cards: tuple[Card, ...], call: Call, site: Site, now: datetime
    ) -> tuple[Card, ...]:
        """Those cards that nobody asked to be spared of for a while; the others are put on file."""
        if not cards:
            return cards
        book, patient = self._parts.book, patient_key(call.patient, site)
        user = reader_key(call.user, site)
        shown, silences = parted(cards, book.recall(patient), user, now, self._parts.silence)
        if silences:
            book.hold([Held(now, service.id, patient, one) for one in silences])
        return shown

    def _opener(self, access: Access) -> Callable[[], HookServer] | None:
        if not access.base:
            return None
        return partial(self._parts.open_server, access.base, access.token)

    def _count(
        self, service: Service, shown: Sequence[Card], silent: int, aside: Mapping[str, int]
    ) -> None:
        metrics = self._parts.metrics
        for card in shown:
            metrics.shown(service.id, card.rule, card.indicator.value)
        if silent:
            metrics.silenced(service.id, silent)
        for code, count in aside.items():
            metrics.set_aside(service.id, code, count)


def _client(caller: Caller) -> str:
    """Who called; ``""`` where no token says so."""
    return f"{caller.issuer}|{caller.tenant}" if caller.issuer else ""


def _name_of(caller: Caller) -> str:
    """What stands for the server where none was named: never an address.

    A client may send a record whose addresses are not its own: compared with it, every result
    would seem to be another server's.
    """
    client = _client(caller)
    return f"client:{client}" if client else _LOCAL


def _set_aside(issues: Sequence[Issue]) -> Mapping[str, int]:
    """How many resources were not used, by kind of fault."""
    if not issues:
        return {}
    return Counter(one.code for one in issues if one.severity is Severity.ERROR)


def _body(environ: Environ, most: int) -> object:
    """The JSON that was sent; refused unread if it is no JSON, compressed or too large."""
    packed = environ.get("HTTP_CONTENT_ENCODING", "identity")
    stated = environ.get("CONTENT_TYPE", "")
    kind = _JSON if stated == _JSON else parse_options_header(stated)[0].lower()
    if packed.strip().lower() != "identity" or not (
        kind == _JSON or (kind.startswith("application/") and kind.endswith("+json"))
    ):
        raise RefusedCallError(415)
    raw = get_input_stream(environ, max_content_length=most).read()
    if len(raw) >= most:
        # Where no length was stated, Werkzeug may stop at the limit without a word.
        raise RefusedCallError(413)
    return decode(raw, where="The body")
