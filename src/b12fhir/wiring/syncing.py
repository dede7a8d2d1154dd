"""A run of `sync` put together: its state, its record, its stop, and what is told of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from b12fhir.adapters import cli, files
from b12fhir.adapters.sync import SyncReport, SyncSettings, sync
from b12fhir.adapters.sync.finding import Wish
from b12fhir.adapters.sync.report import HANDED_OVER, PatientResult
from b12fhir.wiring.house import House
from b12fhir.wiring.papers import Papers
from b12fhir.wiring.place import opened_place
from b12fhir.wiring.saying import synced
from b12fhir.wiring.stopping import stopping

HANDOVER = "handover"


@dataclass(frozen=True)
class Watch:
    """Who follows a run: is told how many patients there are and of each, and may end it.

    ``wait_s`` and ``grace_s`` as in `SyncSettings`.
    """

    begin: Callable[[int], None] = lambda _: None
    done: Callable[[PatientResult], None] = lambda _: None
    stop: Callable[[], bool] = lambda: False
    wait_s: float = 30
    grace_s: float = 30


def one_sync(house: House, asked: cli.Round, watch: Watch) -> tuple[SyncReport, int | None]:
    """One run over the server of the settings; what it did, and how many requests it took.

    Every run opens a place of its own: what one run gave back waits for the next.
    """
    settings = house.settings
    chosen = SyncSettings(
        workers=settings.workers,
        dry_run=asked.dry_run,
        validate=settings.validate,
        patients=asked.patients,
        told=settings.server_can,
        stop=watch.stop,
        wait_s=watch.wait_s,
        grace_s=watch.grace_s,
        keep_results=False,
    )
    with house.server() as server:
        site = house.site(server.base)
        with opened_place(house, site, writes=not asked.dry_run) as place:
            done = sync(
                server,
                house.protocol(asked.as_of),
                site,
                asked.as_of,
                chosen,
                audit=house.audit(writes=not asked.dry_run),
                handover=files.HandoverFolder(settings.out / HANDOVER),
                place=place,
                wish=_wish(house, asked),
                begin=watch.begin,
                done=watch.done,
            )
        return done, getattr(server, "requests", None)


def sync_and_tell(house: House, asked: cli.Round, ticker: cli.Ticker) -> cli.Synced:
    """One run, with progress, reports and a stop by Ctrl-C or SIGTERM."""
    with stopping() as stop, Papers(house, asked) as papers:

        def begin(total: int) -> None:
            stop.gentle()
            ticker.begin(total)

        def finished(result: PatientResult) -> None:
            papers.add(result)
            ticker.step(papers.stand)

        done, requests = one_sync(house, asked, Watch(begin, finished, lambda: stop.asked))
        more = [*_kept(house, asked, done), *papers.finish(done, requests)]
    return synced(done, papers.gist, house.stderr, *more)


def _wish(house: House, asked: cli.Round) -> Wish:
    settings = house.settings
    return Wish(
        now=house.clock(),
        fingerprint=_frozen(house, asked.as_of),
        full=asked.full,
        since=asked.since,
        full_every=timedelta(days=settings.sync_full_days),
        overlap=timedelta(seconds=settings.sync_overlap_s),
    )


def _frozen(house: House, as_of: datetime) -> str:
    """The day of a run that judges as of another: what it says must not stand for today's."""
    zone = house.settings.zone
    day = as_of.astimezone(zone).date()
    return "" if day == house.clock().astimezone(zone).date() else day.isoformat()


def _kept(house: House, asked: cli.Round, done: SyncReport) -> list[str]:
    """Where things are that outlive the run."""
    settings = house.settings
    writes = not asked.dry_run
    waits = f"Handover folder: {settings.out / HANDOVER}" if done.counts[HANDED_OVER] else ""
    record = settings.audit_file(writes=writes)
    kept = f"Audit record: {record or 'none is kept'}." if record or writes else ""
    return [line for line in (waits, kept) if line]
