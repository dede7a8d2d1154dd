"""The service running: what needs the extra `server`, imported when it is asked for."""

from dataclasses import dataclass, replace
from pathlib import Path

from b12fhir.adapters.serving import Serving, listen, run_server, set_up_log
from b12fhir.adapters.smart.published import published
from b12fhir.adapters.subscriptions import PATH
from b12fhir.errors import BookError
from b12fhir.wiring.hooks import Hooks, make_hooks
from b12fhir.wiring.house import House
from b12fhir.wiring.keys import public_keys
from b12fhir.wiring.listening import Ear, make_ear


@dataclass(frozen=True)
class _Workers:
    """What each process starts and ends: the book, and the ear where there is one."""

    hooks: Hooks
    ear: Ear | None
    grace_s: float

    def begin(self) -> None:
        self.hooks.begin()
        if self.ear:
            self.ear.watcher.begin()

    def end(self) -> None:
        """The book first: it is quick, and a pass that takes too long is cut off by the server."""
        self.hooks.end()
        if self.ear:
            self.ear.watcher.end(self.grace_s)


def try_out(house: House, *, listens: bool = False) -> None:
    """Make everything that would serve; raises as `run` would."""
    if listens:
        make_ear(house)
    hooks = make_hooks(house)
    _publish(house, hooks)
    _prepare(house, hooks)
    hooks.end()


def run(house: House, folder: Path, *, listens: bool = False) -> int:
    """Serve until stopped; the exit code. ``folder`` is where the workers count.

    ``listens``: also for changes on the FHIR server of the settings.
    """
    settings = house.settings
    ear = make_ear(house) if listens else None
    at = listen(*settings.listen)
    # Port 0 is whichever was free.
    there = replace(house, settings=replace(settings, listen=(settings.listen[0], at.port)))
    hooks = make_hooks(there, folder, beside=ear.watcher.told if ear else str)
    _publish(there, hooks)
    _prepare(there, hooks)
    there.say(
        f"serving CDS Hooks at {there.settings.base_url()}/cds-services with "
        f"{settings.hooks_workers} processes of {settings.hooks_threads} threads; "
        f"tokens: {settings.hooks_auth}; clients: {len(settings.client)}."
    )
    if ear:
        hooks.add(ear.door)
        there.say(
            f"listening for changes on {settings.server} at {there.settings.base_url()}{PATH}; "
            f"a look every {settings.sync_every_s} s."
        )
    pack = there.protocol(there.clock()).pack
    there.say(f"pack {pack.id} {pack.version}: {pack.review.status}.")
    # Before the workers are forked: each of them has it then.
    hooks.app.rehearse()
    set_up_log(house.stderr)
    serving = Serving(settings.hooks_workers, settings.hooks_threads, settings.hooks_grace)
    return run_server(lambda: hooks.app, at, serving, _Workers(hooks, ear, settings.hooks_grace))


def _publish(house: House, hooks: Hooks) -> None:
    """Show our public keys, the next one too, so that it is known before it is used."""
    settings = house.settings
    files = [one for one in (settings.smart_key_file, settings.smart_next_key_file) if one]
    if files:
        hooks.add(published(public_keys(files)))


def _prepare(house: House, hooks: Hooks) -> None:
    """Make the tables. A database that is only away for now keeps no card from being shown."""
    try:
        hooks.book.prepare()
    except BookError as error:
        house.say(f"WARNING: {error}")
