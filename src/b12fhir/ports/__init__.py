"""The few small protocols by which the core meets the world."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from b12fhir.errors import Defect
from b12fhir.ports.place import Expected, Found, FullRead, Place, Reader, Turn, Version, begun

__all__ = [
    "Audit",
    "AuditEntry",
    "AuditKind",
    "AuditState",
    "Caller",
    "Client",
    "Expected",
    "FhirFeed",
    "FhirReader",
    "FhirServer",
    "FhirWriter",
    "Found",
    "FullRead",
    "Gatekeeper",
    "Handover",
    "HookServer",
    "Place",
    "Reader",
    "Recalled",
    "Replays",
    "Resource",
    "Turn",
    "Version",
    "Versioned",
    "begun",
]

Resource = Mapping[str, Any]

_CODED = re.compile(r"[A-Za-z0-9._:/|+=,@-]{0,300}\Z")
_NAMES_PATIENT = re.compile(r"(?:^|/)Patient/")


class FhirReader(Protocol):
    """Reads resources from a FHIR server or from something that acts as one."""

    def capabilities(self) -> Resource:
        """The CapabilityStatement."""
        ...

    def search(self, kind: str, params: Mapping[str, str]) -> Iterator[Resource]:
        """Every match and included resource of a search, all pages, never from a cache.

        A page that reports an OperationOutcome yields it too, so that nothing is lost in silence.
        """
        ...


class FhirWriter(Protocol):
    """Writes to a FHIR server."""

    def transaction(self, bundle: Resource) -> Resource:
        """Send one transaction Bundle; the response Bundle.

        Raises `ConflictError` (409), `DuplicateError` (412), `RefusedError`, `AuthError` or
        `TemporaryServerError`.
        """
        ...


class FhirServer(FhirReader, FhirWriter, Protocol):
    """Reads and writes; ``base`` is the normalised address."""

    base: str


class FhirFeed(FhirServer, Protocol):
    """A server that can also tell what became of resources, and all about a patient in one go."""

    @property
    def requests(self) -> int:
        """How many requests were made of it so far."""
        ...

    def deleted(self, kind: str, since: datetime | None) -> Iterator["Version"]:
        """Every deletion of a resource of this type since then, by the history of the type.

        ``version`` is that of the deletion; ``at`` may be later than it was, for servers do not say
        when. Raises `RefusedError` where the server keeps no history of types.
        """
        ...

    def history(self, kind: str, id_: str) -> Iterator[Resource]:
        """The versions of one resource that the server still has, the newest first.

        Deletions are left out. Raises `RefusedError` where there is no such history.
        """
        ...

    def everything(self, patient: str, kinds: Sequence[str], count: int) -> Iterator[Resource]:
        """What ``Patient/$everything`` gives for an id, all pages of ``count``, never from a cache.

        That is more than the patient's own: whoever is referred to and whatever names the patient
        in any role comes along. Raises `RefusedError` where it is not offered, and with status 404
        or 410 for a Patient who is not there.
        """
        ...


class HookServer(FhirReader, Protocol):
    """The FHIR server that a CDS Hooks client names, with the client's token."""

    def rest(self, kind: str, page: Resource) -> Iterator[Resource]:
        """What is on the pages after ``page``, a searchset that the client sent.

        The token goes to the origin of the server only; raises `ServerError` for a link elsewhere,
        for more pages than the cap, and for a page that cannot be had.
        """
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who called: issuer and tenant of the token, and base addresses of the servers it may name.

    Where no token is asked for: no issuer, and the servers of the settings.
    """

    issuer: str = ""
    tenant: str = ""
    fhir_servers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Client:
    """A client that may call, as the site registered it.

    Its public keys are fetched from ``jku``; if there is a ``jwks_file`` they are read from it
    instead, and ``jku`` only says what tokens may name. ``tenants``: those it may call for; without
    any, its tokens must name none. ``fhir_servers``: those it may name, in place of the settings'.
    """

    name: str
    issuer: str
    jku: str = ""
    jwks_file: Path | None = None
    tenants: frozenset[str] = frozenset()
    fhir_servers: tuple[str, ...] = ()


class Replays(Protocol):
    """Knows which tokens were used, for all workers and over restarts."""

    def first(self, issuer: str, jti: str, until: datetime) -> bool:
        """Is this the first use of the token id? It is kept until the token is over."""
        ...


class Gatekeeper(Protocol):
    """Decides who may call."""

    def admit(self, authorization: str, url: str, now: datetime) -> Caller:
        """Check the ``Authorization`` header of a call to ``url``. Raises `UntrustedError`."""
        ...


class AuditKind(Enum):
    """What happened.

    The engine runs, decides, writes drafts and exports; a practitioner signs, rejects and
    withdraws; ``REPAIR`` is the record mending itself after a crash.
    """

    RUN = "run"
    DECISION = "decision"
    WRITE = "write"
    SIGNATURE = "signature"
    REJECTION = "rejection"
    WITHDRAWAL = "withdrawal"
    EXPORT = "export"
    REPAIR = "repair"


class AuditState(Enum):
    """How far it got.

    ``INTENDED`` stands before anything is sent. ``REFUSED``: nothing was changed. ``UNCLEAR``: the
    server did not say whether it was. ``OVERTAKEN``: the patient was read again and it was not
    found as intended; whether it never was or somebody changed it since, what holds now was decided
    anew.
    """

    INTENDED = "intended"
    DONE = "done"
    REFUSED = "refused"
    UNCLEAR = "unclear"
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True)
class Versioned:
    """One resource in one version: what was read or written, without any of its content.

    ``digest`` is a fingerprint of the content, so that it can be told later whether it is the same.
    """

    reference: str
    version: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing done, for the audit record: who, for whom, from what, and what came of it.

    ``actor`` is the engine with its version, or ``Practitioner/<id>``. ``patient`` is the pseudonym
    of `fhir.identity.patient_key`, ``plan`` a plan key, ``decision`` the decision digest, ``as_of``
    the instant decided for. ``answers`` is what `Audit.record` gave for the intended entry that
    this one ends. ``outcome`` is a word or two of code, never a sentence.

    Raises `Defect` for a field that holds anything but a code, a reference or a digest: a record
    that is kept for years and read by many must hold no name and no free text, and a reference to
    the Patient would undo the pseudonym.
    """

    kind: AuditKind
    actor: str
    state: AuditState = AuditState.DONE
    patient: str = ""
    plan: str = ""
    as_of: str = ""
    decision: str = ""
    inputs: tuple[Versioned, ...] = ()
    written: tuple[Versioned, ...] = ()
    pack: str = ""
    rules: str = ""
    outcome: str = ""
    answers: str = ""

    def __post_init__(self) -> None:
        own = (self.actor, self.patient, self.plan, self.as_of, self.decision, self.pack)
        parts = ((v.reference, v.version, v.digest) for v in (*self.inputs, *self.written))
        held = [text for part in parts for text in part]
        for text in (*own, self.rules, self.outcome, self.answers, *held):
            if not _CODED.match(text) or _NAMES_PATIENT.search(text):
                raise Defect(
                    "An audit entry holds a text that is no code, reference or digest, so it was "
                    "not recorded.",
                    hint="Give references and codes; keep sentences and Patient references out.",
                )


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the audit record knows of one patient.

    ``decision`` is the digest of the last decision. ``unfinished`` names the last intended entry
    that nothing answers (``""`` if there is none), ``digests`` what it was about to write and
    ``outcome`` the word it bears.
    """

    decision: str = ""
    unfinished: str = ""
    digests: frozenset[str] = frozenset()
    outcome: str = ""


class Audit(Protocol):
    """Keeps for good what was done; see `b12fhir.adapters.audit`."""

    def record(self, entry: AuditEntry) -> str:
        """Keep one entry; its name, which a later entry can answer.

        Raises `AuditError` if it cannot be kept: what it announces must then not be done.
        """
        ...

    def recall(self, patient: str) -> Recalled:
        """What is known of a patient, by pseudonym. Raises `AuditError` if it cannot be read."""
        ...


class Handover(Protocol):
    """Keeps transactions that a server is not sent, until a person has loaded them."""

    def waiting(self, patient: str) -> Mapping[str, Resource]:
        """The Bundles that wait for a patient (by pseudonym), by plan key."""
        ...

    def keep(self, patient: str, plans: Mapping[str, Resource]) -> None:
        """Let exactly these wait for the patient: what waited before is out of date.

        Raises `ConfigError` if they cannot be kept.
        """
        ...
