"""A run over a server: who must be looked at, then one patient after the other, by several threads.

Whatever stops it, and wherever, the next run goes on: a patient waits in the place until the turn
was ended, and what is sent to the server is safe to send again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from b12fhir.adapters.sync import report
from b12fhir.adapters.sync.brake import Brake
from b12fhir.adapters.sync.crew import Crew
from b12fhir.adapters.sync.finding import Look, Wish, look
from b12fhir.adapters.sync.fingerprint import fingerprint
from b12fhir.adapters.sync.handing import Desk, HandoverInMemory
from b12fhir.adapters.sync.kit import Kit
from b12fhir.adapters.sync.known import Recent
from b12fhir.adapters.sync.patient import LeftError, Visit
from b12fhir.adapters.sync.place import PlaceInMemory
from b12fhir.adapters.sync.reading import PatientReader
from b12fhir.adapters.sync.report import PatientResult, SyncReport
from b12fhir.adapters.sync.settings import SyncSettings
from b12fhir.adapters.sync.shadow import Shadow
from b12fhir.adapters.sync.turns import Named, Turns, Waiting
from b12fhir.errors import B12Error, Defect, PatientError, StoreError
from b12fhir.fhir.capabilities import read_capabilities
from b12fhir.fhir.server_profile import server_profile
from b12fhir.fhir.site import Site
from b12fhir.ports import Audit, FhirFeed, Handover, Place, Turn
from b12fhir.protocol.model import Protocol
from b12fhir.service.forming import FormedWriter
from b12fhir.service.recording import OFF, record_run

# How often the main thread looks whether somebody wants the run to end.
_LISTEN_S = 0.2
_ELSEWHERE = "another run is at work on this patient and was not done in time"
_BUSY = "Another run is looking for changes: this one works on whoever waits already."
_NOBODY = "The server has no such patient."
_SLIP = "Look for a slip in the id."
_ASK_AGAIN_S = 0.5
_USUAL = SyncSettings()


def sync(  # noqa: PLR0913 - two callbacks and some records beside the four things a run is about
    server: FhirFeed,
    protocol: Protocol,
    site: Site,
    as_of: datetime,
    settings: SyncSettings = _USUAL,
    *,
    audit: Audit = OFF,
    handover: Handover | None = None,
    place: Place | None = None,
    wish: Wish | None = None,
    begin: Callable[[int], None] = lambda _: None,
    done: Callable[[PatientResult], None] = lambda _: None,
) -> SyncReport:
    """Process whoever waits: every patient, those of whom something changed, or those named.

    ``place`` keeps how far runs have come; without one each run reads every patient. It is the
    caller's to close. ``wish`` says what to look for. In a dry run the place stays as it is.

    ``begin`` is told how many patients there are, ``done`` each result as it comes. Raises
    `ServerError` only if the run cannot begin at all; whatever befalls one patient stands in that
    patient's result and all others are still processed. `StoreError`: the place cannot be used;
    once the run has begun, the report says so. ``audit`` is told of each new decision, of each
    transaction before and after, and of the run; raises `AuditError` if that cannot be recorded at
    the end. ``handover`` keeps what the server cannot take (`b12fhir.fhir.server_profile`); without
    one it waits in memory only.
    """
    can = read_capabilities(server.capabilities(), settings.told)
    profile = server_profile(can)
    reader = PatientReader(server, can, settings.page_size, site)
    told = SyncReport(
        (*reader.check(), *profile.notes()), dry_run=settings.dry_run, keep=settings.keep_results
    )
    day = as_of.astimezone(site.zone).date()
    real = PlaceInMemory() if place is None else place
    used = Shadow(real, day) if settings.dry_run else real
    wish = wish or Wish(now=as_of)
    asked = fingerprint(protocol, site, can, more=wish.fingerprint)
    # What is only this run's, such as a day to judge as of, must not keep others from going on.
    wish = replace(wish, fingerprint=asked, follows=place is not None, lasts=not wish.fingerprint)
    if not settings.patients:
        used.wake(day)
        if _find(used, settings.wait_s, told, partial(look, server, reader, can, used, wish)):
            return told
    kit = Kit(
        server=FormedWriter(server, profile),
        protocol=protocol,
        site=site,
        as_of=as_of,
        settings=settings,
        reader=reader,
        audit=audit,
        can=can,
        desk=Desk(profile, handover or HandoverInMemory(), audit, site),
        # What only this run would know need not be kept in mind.
        recent=Recent() if place is None else Recent(used.marks(), wish.overlap),
        now=wish.now,
        full_every=timedelta() if place is None or settings.dry_run else wish.full_every,
    )
    begin(len(settings.patients) or used.waiting())
    _Round(kit, used, told, done, rules=asked if place is not None else "").work()
    record_run(audit, as_of.isoformat(), told.counts, dry_run=settings.dry_run)
    return told


def _find(place: Place, wait_s: float, told: SyncReport, looking: Callable[[], Look]) -> bool:
    """Note who must be looked at, unless another run is about it; is nobody to be looked at?"""
    with place.finding(wait_s) as has_it:
        found = looking() if has_it else None
    if found is None:
        told.looked, told.notes = "", (*told.notes, _BUSY)
        return False
    told.looked = report.ALL if found.is_full else report.CHANGES
    told.notes = (*told.notes, *found.notes)
    told.troubles = found.problems
    return found.gives_way


@dataclass(frozen=True, slots=True)
class _Outcome:
    """One patient's result, if there was a turn, and why the place could not keep it."""

    result: PatientResult | None = None
    error: StoreError | None = None


class _Round:
    """The turns of one run. `work` is for one thread; it lets others see to the patients.

    ``rules``: the fingerprint of what decides here; none where the place is this run's alone.
    """

    def __init__(
        self,
        kit: Kit,
        place: Place,
        told: SyncReport,
        done: Callable[[PatientResult], None],
        *,
        rules: str,
    ) -> None:
        self._kit = kit
        self._place = place
        self._told = told
        self._done = done
        self._rules = rules
        self._settings = kit.settings
        self._brake = Brake(kit.settings.give_up_after, kit.reader.answers)
        self._untried = 0

    def work(self) -> None:
        """See to everybody whose turn can be had. After it no thread of the run begins anything."""
        try:
            self._see_to_all()
        finally:
            self._kit.left.set()

    def _see_to_all(self) -> None:
        turns = self._turns()
        with Crew(self._settings.workers, self._turn) as crew:
            try:
                self._hand_out(turns, crew)
            except StoreError as error:
                self._give_up(error)
            # Also then: nobody else is to have a patient who is still being written.
            self._wait_for_the_rest(crew)
            try:
                self._leave(turns, crew)
            except StoreError as error:
                self._give_up(error)
        for patient in turns.missed:
            self._count(PatientResult(patient, report.NOT_TRIED, _ELSEWHERE))
        self._told.stopped = self._brake.reason
        self._told.interrupted = self._settings.stop() and self._told.undone > 0

    def _turns(self) -> Turns:
        one = self._settings
        if one.patients:
            return Named(self._place, one.patients, one.wait_s, one.clock)
        return Waiting(self._place, one.workers, one.clock)

    def _hand_out(self, turns: Turns, crew: Crew[Turn, _Outcome]) -> None:
        """Keep everybody busy, one turn ahead, until nobody waits or the run is to end."""
        while not self._is_over():
            turn = turns.next() if crew.busy <= self._settings.workers else None
            if turn is not None:
                crew.give(turn)
            elif crew.busy:
                self._take(crew)
            elif turns.may_come:
                self._settings.pause(_ASK_AGAIN_S)
            else:
                return

    def _wait_for_the_rest(self, crew: Crew[Turn, _Outcome]) -> None:
        """Those under way may finish, but not for ever."""
        until = self._settings.clock() + self._settings.grace_s
        while crew.busy and self._settings.clock() < until:
            self._take(crew)
        self._kit.left.set()
        # Who was ending a turn just then is still heard: what that found is told by no other run.
        while crew.busy and self._take(crew):
            pass

    def _leave(self, turns: Turns, crew: Crew[Turn, _Outcome]) -> None:
        self._untried += turns.give_back() + crew.busy
        others = 0 if self._settings.patients else self._place.waiting()
        self._told.waiting = self._untried + others

    def _take(self, crew: Crew[Turn, _Outcome]) -> bool:
        """Hear of one turn, if one ends now."""
        outcome = crew.take(_LISTEN_S)
        if outcome is None:
            return False
        if outcome.error is not None:
            self._give_up(outcome.error)
        if outcome.result is None:
            self._untried += 1
        else:
            self._count(outcome.result)
        return True

    def _count(self, result: PatientResult) -> None:
        self._told.add(result)
        self._done(result)

    def _give_up(self, error: StoreError) -> None:
        self._brake.note(error)
        self._told.error = error

    def _is_over(self) -> bool:
        return self._brake.is_on or self._settings.stop()

    def _turn(self, turn: Turn) -> _Outcome:
        """One turn, in a thread of the crew."""
        result = None if self._is_over() else self._guarded(turn)
        try:
            self._end(turn, result)
        except StoreError as error:
            self._brake.note(error)
            return _Outcome(result, error)
        return _Outcome(result)

    def _end(self, turn: Turn, result: PatientResult | None) -> None:
        """Only who is done with waits no more, and only if the run still hears of it."""
        late = self._kit.left.is_set()
        if late or result is None or not result.is_done:
            # A record that cannot be read must not have the first turn of each run.
            self._place.give_back(turn, tried=result is not None and not result.is_done)
        elif self._rules:
            self._place.end(turn, result.seen, result.again_on, self._rules)
        else:
            self._place.end(turn)

    def _guarded(self, turn: Turn) -> PatientResult | None:
        """One patient; no error leaves here, because the next patient must have a turn.

        Nothing if the run ended before.
        """
        visit = Visit(self._kit, turn)
        try:
            result = visit.result()
            if result.kind == report.GONE and self._settings.patients:
                result = self._failed(visit, PatientError(_NOBODY, hint=_SLIP))
        except LeftError:
            return None
        except B12Error as error:
            result = self._failed(visit, error)
        except Exception as problem:  # noqa: BLE001 - one odd record must not stop the others
            defect = Defect(f"Our own mistake ({type(problem).__name__}). Please report it.")
            defect.__cause__ = problem
            result = self._failed(visit, defect)
        self._brake.note(result.error)
        return result

    @staticmethod
    def _failed(visit: Visit, error: B12Error) -> PatientResult:
        """What was decided is told all the same: it may be urgent."""
        kind, text = report.FAILED, str(error)
        return PatientResult(visit.patient, kind, text, visit.proposal, error=error)
