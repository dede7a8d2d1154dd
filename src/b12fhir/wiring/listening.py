"""Listening for changes put together: the bell's address, and the pass that it wakes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from b12fhir.adapters import cli
from b12fhir.adapters.subscriptions.figures import Figures
from b12fhir.adapters.subscriptions.routes import Door, bells
from b12fhir.adapters.subscriptions.watcher import Pace, Pass, Passed, Watcher
from b12fhir.adapters.sync import SyncReport
from b12fhir.errors import ConfigError
from b12fhir.wiring.house import House
from b12fhir.wiring.place import check_place
from b12fhir.wiring.syncing import Watch, one_sync

# How long another run may be looking for changes before this one tries again later.
_WAIT_S = 120


@dataclass(frozen=True)
class Ear:
    """The routes for the application, and the thread that each worker starts and ends."""

    door: Door
    watcher: Watcher


def make_ear(house: House, pass_: Pass | None = None) -> Ear:
    """As the settings want it; raises `ConfigError` without a server, a secret or a place."""
    settings = house.settings
    secret = settings.subscription_secret()
    if not settings.sync_place():
        raise ConfigError(
            "sync_store is off, so each notification would read every patient.",
            hint="Name a database in B12FHIR_SYNC_STORE, or leave it out.",
        )
    # Opened only to see now whether they are named well: nobody is asked anything yet.
    with house.server():
        check_place(house)
    figures = Figures()
    pace = Pace(every_s=settings.sync_every_s)
    watcher = Watcher(pass_ or partial(one_pass, house), pace, figures)
    return Ear(bells(watcher.ring, secret, figures), watcher)


def one_pass(house: House, stop: Callable[[], bool]) -> Passed:
    """What `sync` does, for whoever has changed, as of now.

    ``stop`` tells whether the process is to end: those under way are then finished, if they can be
    in the time that calls have. Raises `B12Error` if nobody could be looked at.
    """
    asked = cli.Round(house.clock().astimezone(house.settings.zone))
    watch = Watch(stop=stop, wait_s=_WAIT_S, grace_s=house.settings.hooks_grace)
    done, _ = one_sync(house, asked, watch)
    return summed(done)


def summed(done: SyncReport) -> Passed:
    """A run in counts; raises what kept it from knowing how far it came.

    Types whose changes could not be had count as undone: they are asked for again soon.
    """
    if done.error is not None:
        raise done.error
    return Passed(done.counts, done.undone + len(done.troubles), looked=bool(done.looked))
