"""The words of CDS Hooks 2.0: the call as it was understood, and the cards that answer it."""

from dataclasses import dataclass, field

from b12fhir.kernel.words import Word
from b12fhir.ports import Resource


class Hook(Word):
    """The hooks that are served; values are HL7's names."""

    PATIENT_VIEW = "patient-view"
    ORDER_SELECT = "order-select"
    ORDER_SIGN = "order-sign"
    ENCOUNTER_DISCHARGE = "encounter-discharge"
    APPOINTMENT_BOOK = "appointment-book"
    MEDICATION_REFILL = "medication-refill"
    PROBLEM_CREATE = "problem-list-item-create"
    ALLERGY_CREATE = "allergyintolerance-create"


class Role(Word):
    """Who reads the cards, as far as ``userId`` tells; wording and suggestions go by it."""

    PRESCRIBER = "prescriber"
    NURSE = "nurse"
    PHARMACIST = "pharmacist"
    PATIENT = "patient"
    UNKNOWN = "unknown"


class Indicator(Word):
    """How much a card matters: `CRITICAL` only for nerves, or for an order that is forbidden."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Draft:
    """One order that is being written, readable for `b12fhir.service.extract`.

    ``reference`` is its ``Type/id`` in the decision, always a made-up one: under the client's own
    id the record may hold another version, which stays what it is. ``resource`` is what the client
    sent, mended so far that it can be judged (status draft, intent order), never what is sent back.
    ``given`` is what the client sent, as it stands. ``selected``: it is among the ``selections``,
    or the hook knows none.
    """

    reference: str
    resource: Resource
    given: Resource
    selected: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a service, understood.

    ``patient`` is ``Patient/<id>``; ``user`` is the ``userId`` as sent, or ``""``. ``drafts`` are
    orders being written; ``context`` holds the other resources of the context (appointments, new
    conditions, a new allergy, medicines to refill), each with a reference. ``unread`` says in words
    what of the context could not be read.
    """

    hook: Hook
    patient: str
    user: str = ""
    role: Role = Role.UNKNOWN
    encounter: str = ""
    drafts: tuple[Draft, ...] = ()
    context: tuple[Resource, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """One change that a suggestion would make: ``kind`` is create, update or delete.

    ``resource`` is whole and a draft; a delete names its ``target`` (``Type/id``) instead.
    """

    kind: str
    description: str
    resource: Resource | None = None
    target: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing the reader may accept: all its actions together."""

    label: str
    actions: tuple[Action, ...]
    recommended: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a card; ``kind`` is absolute or smart. ``app_context`` is an opaque id, if any."""

    label: str
    url: str
    kind: str = "absolute"
    app_context: str = ""


@dataclass(frozen=True, slots=True)
class Grade:
    """How bad it stood when a card was issued, to tell later whether it became worse.

    ``classes``, ``severity`` and ``urgency`` are ranks (higher is worse); ``b12`` is the newest
    total B12 as an exact text in ng/L, ``""`` without one; ``dangers`` are the stable ids of what
    is forbidden or warned of.
    """

    classes: int = 0
    severity: int = 0
    urgency: int = 0
    neuro: bool = False
    b12: str = ""
    dangers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Card:
    """One card.

    ``key`` says what it is about, the same on every call (``finding``, ``draft:order-iv``, ...);
    with patient and user it is what a reader can silence. ``rule`` is the rule it rests on.
    ``summary`` is one line of at most 139 characters, ``detail`` GitHub Markdown in which every
    text of a record is escaped. ``overrides`` are codes of HL7's override reasons.
    ``fingerprint`` is that of the decision and its inputs.
    """

    key: str
    rule: str
    indicator: Indicator
    summary: str
    detail: str
    topic: str
    fingerprint: str
    grade: Grade = field(default_factory=Grade)
    source_url: str = ""
    suggestions: tuple[Suggestion, ...] = ()
    links: tuple[Link, ...] = ()
    overrides: tuple[str, ...] = ()
