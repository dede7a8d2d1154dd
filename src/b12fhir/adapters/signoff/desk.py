"""What is needed to act on a plan, what is asked for, and what came of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from b12fhir.errors import SignOffError
from b12fhir.fhir.capabilities import Capabilities
from b12fhir.fhir.lifecycle import Clock, Signer
from b12fhir.fhir.server_profile import CHANGED, VERSIONED, ServerProfile, Source, server_profile
from b12fhir.fhir.site import Site
from b12fhir.ports import Audit, FhirServer, Resource
from b12fhir.protocol.model import Protocol
from b12fhir.service.recording import OFF


@dataclass(frozen=True, slots=True)
class Desk:
    """One server, the moment ``at`` which is asked about, and ``made``, that of the act itself.

    ``read`` gives everything about one patient as ``sync`` reads it: what was proposed is decided
    again on it before anything is signed. ``validate``: check each transaction before it is sent.
    ``dry_run``: send nothing. ``audit`` records each act before and after it is sent.
    """

    server: FhirServer
    can: Capabilities
    protocol: Protocol
    site: Site
    at: datetime
    read: Callable[[str], Sequence[Resource]]
    audit: Audit = field(default=OFF)
    validate: bool = True
    dry_run: bool = False
    made: datetime | None = None

    @property
    def clock(self) -> Clock:
        """Moment, site, and how many days ahead the next phase is asked for (R-121)."""
        return Clock(self.at, self.site, self.protocol.limits.next_phase_notice_days)

    @property
    def profile(self) -> ServerProfile:
        """What the server can do, and who says so."""
        return server_profile(self.can)

    def signer(self, practitioner: str) -> Signer:
        """Whoever acts, at this moment."""
        return Signer(practitioner, self.clock, self.made)

    def check(self) -> None:
        """Raise `SignOffError` if this server cannot keep a signed plan safely.

        A server that lists nothing is given the chance: it may still refuse. What the site says
        about it counts either way.
        """
        lacks = list(_lacks(self.can, self.profile))
        if lacks:
            raise SignOffError(
                f"The server cannot take a signature: {'; '.join(lacks)}.",
                hint="Sign in the clinical system itself; b12fhir doctor says what is missing.",
            )


@dataclass(frozen=True, slots=True)
class Asked:
    """What a practitioner asks for when signing; see `b12fhir.fhir.lifecycle.Wish`.

    ``seen`` is the version of the CarePlan that was looked at (``""``: whatever is there now).
    """

    phase: str = ""
    start: date | None = None
    despite: str = ""
    accept_changes: bool = False
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What an act did, in plain words; ``bundle`` is what was sent, or in a dry run was not."""

    key: str
    lines: tuple[str, ...]
    warnings: tuple[str, ...]
    bundle: Mapping[str, object]
    sent: bool


def _lacks(can: Capabilities, profile: ServerProfile) -> Iterator[str]:
    """What a signature needs: all or nothing, and nobody's change overwritten meanwhile."""
    if profile.transaction.truth.is_no:
        yield "no transactions"
    for kind in CHANGED:
        if profile.write[kind].truth.is_no:
            yield f"no create of {kind}"
    if profile.if_match.source is Source.OVERRIDDEN:
        if profile.if_match.truth.is_no:
            yield "no check of versions (If-Match), so a change could be overwritten unseen"
    elif can.listed:
        yield from _loose(can)


def _loose(can: Capabilities) -> Iterator[str]:
    for kind in CHANGED:
        if not can.has(kind, "update"):
            yield f"no update of {kind}"
        if can.flag(kind, "versioning") not in VERSIONED:
            yield f"no versions of {kind}"
