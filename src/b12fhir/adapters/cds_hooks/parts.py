"""What the web application is put together from; only wiring knows where each part comes from."""

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from datetime import datetime

from b12fhir.adapters.cds_hooks.metrics import Metrics
from b12fhir.adapters.cds_hooks.uuids import fresh_uuid
from b12fhir.fhir.site import Site
from b12fhir.ports import Gatekeeper, HookServer
from b12fhir.protocol.model import Protocol
from b12fhir.service.hooks.keeping import CardBook
from b12fhir.service.hooks.model import Link
from b12fhir.service.hooks.services import SERVICES
from b12fhir.service.hooks.snooze import Limits as SilenceLimits


@dataclass(frozen=True, slots=True)
class HookLimits:
    """What one call may cost.

    ``body_bytes`` of a request; ``calls_per_minute`` of one caller at one worker, 0 for as many as
    it likes; ``lanes``: queries sent to the client's FHIR server at the same time.
    """

    body_bytes: int = 10 * 1024 * 1024
    calls_per_minute: int = 600
    lanes: int = 4


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that the application needs.

    ``open_server`` gives the FHIR server at a base address with a token (``""``: none) for one
    call; whoever makes it bounds its time, its retries and its pages. ``site`` gives the site as
    seen from a server or a caller. ``public`` is the address under which clients reach the service,
    without a slash at the end: tokens are made out to it. ``origins`` are those that a browser may
    call from. ``services`` are the ids that are on. ``links`` stand on every card. ``silence``
    bounds for how long an answered card is held back. ``beside`` is a line of `/readyz` on what
    else runs in this process: no card waits for that.
    """

    gate: Gatekeeper
    book: CardBook
    open_server: Callable[[str, str], HookServer]
    protocol: Callable[[datetime], Protocol]
    site: Callable[[str], Site]
    clock: Callable[[], datetime]
    public: str
    metrics: Metrics
    origins: frozenset[str] = frozenset()
    services: Container[str] = frozenset(one.id for one in SERVICES)
    links: tuple[Link, ...] = ()
    limits: HookLimits = field(default_factory=HookLimits)
    silence: SilenceLimits = field(default_factory=SilenceLimits)
    beside: Callable[[], str] = str
    uuids: Callable[[], str] = fresh_uuid
