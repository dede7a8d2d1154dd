"""What the command line needs from the rest of the program; `wiring` fills it in."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Protocol

from b12fhir.fhir.lifecycle import PlanState, State
from b12fhir.kernel.evidence import Issue
from b12fhir.ports import Resource
from b12fhir.protocol.model import Pack
from b12fhir.service import Explanation, Followed, Proposal
from b12fhir.service.gist import Gist
from b12fhir.service.hooks.rates import FeedbackReport


class Records(Protocol):
    """What was read: resources by patient, and what could not be read."""

    @property
    def patients(self) -> Mapping[str, Sequence[Resource]]:
        """Resources of each patient, by reference."""
        ...

    @property
    def issues(self) -> Sequence[Issue]:
        """What could not be read or not be used."""
        ...

    @property
    def complete(self) -> bool:
        """Whether everything could be read."""
        ...

    def of(self, patient: str) -> Sequence[Resource]:
        """Everything about one patient."""
        ...

    def only(self, patient: str) -> "Records":
        """One patient's records; raises `PatientError` if there are none."""
        ...


class Ticker(Protocol):
    """A progress bar."""

    def begin(self, total: int) -> None:
        """Say how many there are."""
        ...

    def step(self, note: str = "") -> None:
        """One more is done; ``note`` says how it stands, and names nobody."""
        ...


class Screen(Protocol):
    """One output stream."""

    def summary(self, gist: Gist) -> None:
        """The table of all patients, urgent first."""
        ...

    def detail(self, gist: Gist) -> None:
        """Everything about each patient."""
        ...

    def explanation(self, one: Explanation) -> None:
        """The pathway of one patient."""
        ...

    def feedback(self, report: FeedbackReport) -> None:
        """What became of cards."""
        ...

    def lines(self, lines: Iterable[str]) -> None:
        """Plain lines."""
        ...

    def raw(self, text: str) -> None:
        """Text as it is, for other programs."""
        ...

    def progress(self, label: str) -> AbstractContextManager[Ticker]:
        """A progress bar, while the block runs."""
        ...


@dataclass(frozen=True, slots=True)
class Round:
    """What a run over a server is to do, and as of when.

    ``full``: look at every patient; ``since``: at those of whom something changed from then on;
    ``patients``: at these only. ``files``: write reports.
    """

    as_of: datetime
    dry_run: bool = False
    full: bool = False
    since: datetime | None = None
    patients: tuple[str, ...] = ()
    files: bool = False


@dataclass(frozen=True, slots=True)
class Synced:
    """What a run over a server did, ready to be shown.

    ``problems`` need a person. ``said`` are the server's own words about refusals: they may quote a
    patient's data, so they are shown on a terminal and stand nowhere else.
    """

    gist: Gist
    lines: Sequence[str]
    problems: Sequence[str]
    said: Sequence[str]
    code: int


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found by a check, line by line, and the exit code that goes with it."""

    lines: Sequence[str]
    code: int


@dataclass(frozen=True, slots=True)
class Hearing:
    """What is to be done about a server's Subscriptions: install, remove or show.

    ``endpoint``: the address that it calls, ``""`` for that of the settings.
    """

    action: str
    endpoint: str = ""
    dry_run: bool = False
    allow_http: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """What stands on the server, line by line; ``said`` as in `Synced`."""

    lines: Sequence[str]
    said: Sequence[str]
    code: int


@dataclass(frozen=True, slots=True)
class Installed:
    """What was loaded into a server. ``problems`` and ``said`` as in `Synced`."""

    lines: Sequence[str]
    problems: Sequence[str]
    said: Sequence[str]
    code: int


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done with a plan: ``kind`` is approve, reject, withdraw or close."""

    kind: str
    plan: str
    practitioner: str = ""
    reason: str = ""
    phase: str = ""
    start: date | None = None
    despite: str = ""
    accept_changes: bool = False
    dry_run: bool = False


class Stepped(Protocol):
    """What came of it, in plain words; ``bundle`` is what was or would be sent."""

    @property
    def lines(self) -> Sequence[str]:
        """What it means."""
        ...

    @property
    def warnings(self) -> Sequence[str]:
        """What the practitioner should know."""
        ...

    @property
    def bundle(self) -> Resource:
        """The transaction."""
        ...

    @property
    def sent(self) -> bool:
        """Whether it was sent."""
        ...


@dataclass(frozen=True, slots=True)
class Doors:
    """Everything a command may do."""

    out: Screen
    err: Screen
    zone: tzinfo
    folder: Path
    now: Callable[[], datetime]
    pack: Callable[[datetime], Pack]
    packs: Callable[[], Sequence[Pack]]
    read: Callable[[Sequence[Path]], Records]
    demo: Callable[[], AbstractContextManager[Path]]
    propose: Callable[[Sequence[Resource], datetime, str], Proposal]
    page: Callable[[Gist, Sequence[str], Pack, datetime], bytes]
    write: Callable[[Path, str, Iterable[bytes]], Path]
    sync: Callable[[Round, Ticker], Synced]
    doctor: Callable[[], Diagnosis]
    artefacts: Callable[[], Sequence[Resource]]
    install: Callable[[bool], Installed]
    follow: Callable[[str, str, datetime], Sequence[Followed]]
    plans: Callable[[datetime, str, Collection[State]], Sequence[PlanState]]
    step: Callable[[Step, datetime], Stepped]
    audit_verify: Callable[[str], Diagnosis]
    audit_history: Callable[[str, str], Sequence[str]]
    new_key: Callable[[str, Path], bytes]
    public_keys: Callable[[Sequence[Path]], bytes]
    serve: Callable[[bool, bool], Diagnosis]
    subscriptions: Callable[[Hearing], Heard]
    store: Callable[[str], Diagnosis]
    feedback: Callable[[datetime | None], FeedbackReport]
    feedback_csv: Callable[[FeedbackReport], bytes]
    feedback_plot: Callable[[FeedbackReport, str], bytes]
