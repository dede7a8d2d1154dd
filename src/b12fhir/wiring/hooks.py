"""The CDS Hooks service put together from its parts. It needs what the extra `server` installs."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from b12fhir.adapters.cds_hooks import Application, HookLimits, Metrics, Parts, create_app
from b12fhir.adapters.database.book import SqlBook, UsedTokens, book_store
from b12fhir.adapters.server import Limits, RestServer, SearchesByGet
from b12fhir.adapters.server.retry import Patience
from b12fhir.adapters.serving import waits
from b12fhir.adapters.trust import (
    KeyRing,
    Loader,
    OpenGate,
    Refusal,
    TokenGate,
    from_file,
    from_url,
)
from b12fhir.adapters.trust.jwks import KeysError, read_keys
from b12fhir.config.settings import AUTH_ON
from b12fhir.errors import ConfigError
from b12fhir.ports import Client, Gatekeeper, HookServer
from b12fhir.service.hooks.model import Link
from b12fhir.service.hooks.services import SERVICES
from b12fhir.service.hooks.snooze import Limits as SilenceLimits
from b12fhir.wiring.house import House

_MEGABYTE = 1024 * 1024
# Seconds to reach a client's FHIR server, and for the next byte of it.
_CONNECT_S = 2
_READ_S = 5
_PATIENCE = Patience(retries=1, first=0.2, most=1)
_APP = "Open the vitamin B12 plan"


@dataclass(frozen=True)
class Hooks:
    """The application, and the book that each worker starts and ends. ``add`` adds routes."""

    app: Application
    book: SqlBook
    add: Callable[..., None]

    def begin(self) -> None:
        """In a worker: know what was answered before, so that the first call need not wait."""
        self.book.start()

    def end(self) -> None:
        """In a worker: write what waits."""
        self.book.close()


def make_hooks(
    house: House, folder: Path | None = None, *, beside: Callable[[], str] = str
) -> Hooks:
    """The service as the settings want it.

    ``folder`` is where several workers keep their figures; ``beside`` tells what else runs here.
    Raises `ConfigError` or `ProtocolError` for what would keep it from working.
    """
    settings = house.settings
    metrics = Metrics(folder)
    store = book_store(settings.hooks_store)
    keep = timedelta(days=settings.hooks_keep_days)
    book = SqlBook(store, house.clock, keep=keep)
    parts = Parts(
        gate=_gate(house, UsedTokens(store), metrics),
        book=book,
        open_server=partial(_open, house, SearchesByGet()),
        protocol=house.protocol,
        site=house.site,
        clock=house.clock,
        public=settings.base_url(),
        metrics=metrics,
        beside=beside,
        origins=frozenset(settings.hooks_origins),
        services=_services(settings.hooks_services),
        links=_links(settings.smart_url),
        limits=HookLimits(settings.hooks_body_mb * _MEGABYTE, settings.hooks_rate),
        silence=SilenceLimits(
            timedelta(days=settings.snooze_info_days),
            timedelta(days=settings.snooze_warning_days),
            timedelta(hours=settings.snooze_critical_hours),
        ),
    )
    app = create_app(parts)
    return Hooks(app, book, app.register_blueprint)


def _gate(house: House, used: UsedTokens, metrics: Metrics) -> Gatekeeper:
    settings = house.settings
    servers = frozenset(settings.hooks_fhir_servers)
    if settings.hooks_auth != AUTH_ON:
        return OpenGate(servers)

    def tell(reason: Refusal) -> None:
        metrics.refused(reason.value)

    down = partial(tell, Refusal.KEYS_DOWN)
    clients = [(client, KeyRing(_source(client), down)) for client in settings.client]
    return TokenGate(clients, servers, used, tell)


def _source(client: Client) -> Loader:
    """Where its keys come from. A file that holds none is a mistake that should not wait."""
    if not client.jwks_file:
        return from_url(client.jku)
    load = from_file(client.jwks_file)
    try:
        usable = [key for key in read_keys(load().body) if key.public is not None]
    except KeysError:
        usable = []
    if not usable:
        raise ConfigError(
            f"{client.jwks_file} holds no key that could check a token of {client.name}.",
            hint="It must be a JWKS with an RSA key of 2048 bits or more, or an EC key of P-384.",
        )
    return load


def _open(house: House, by_get: SearchesByGet, base: str, token: str) -> HookServer:
    """A client's FHIR server for one call: all that is asked of it ends at one moment."""
    # It is opened when something is to be asked of it.
    waits()
    seconds = house.settings.hooks_deadline
    limits = Limits(
        connect_s=_CONNECT_S, read_s=_READ_S, total_s=seconds, until=time.monotonic() + seconds
    )
    return RestServer(
        base,
        token=lambda: token,
        limits=limits,
        patience=_PATIENCE,
        max_pages=house.settings.hooks_pages,
        by_get=by_get,
        clock=house.clock,
    )


def _services(wanted: Sequence[str]) -> frozenset[str]:
    known = frozenset(one.id for one in SERVICES)
    if strange := sorted(set(wanted) - known):
        msg = f"hooks_services names what is no service: {', '.join(strange)}."
        raise ConfigError(msg, hint=f"Known: {', '.join(sorted(known))}.")
    return frozenset(wanted) or known


def _links(address: str) -> tuple[Link, ...]:
    return (Link(_APP, address, "smart"),) if address else ()
