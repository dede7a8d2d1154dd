"""The service running: what needs the extra `server`, imported when it is asked for."""

from dataclasses import replace
from pathlib import Path

from b12fhir.adapters.serving import Serving, listen, run_server, set_up_log
from b12fhir.errors import BookError
from b12fhir.wiring.hooks import Hooks, make_hooks
from b12fhir.wiring.house import House


def try_out(house: House) -> None:
    """Make everything that would serve; raises as `run` would."""
    hooks = make_hooks(house)
    _prepare(house, hooks)
    hooks.end()


def run(house: House, folder: Path) -> int:
    """Serve until stopped; the exit code. ``folder`` is where the workers count."""
    settings = house.settings
    at = listen(*settings.listen)
    # Port 0 is whichever was free.
    there = replace(house, settings=replace(settings, listen=(settings.listen[0], at.port)))
    hooks = make_hooks(there, folder)
    _prepare(there, hooks)
    there.say(
        f"serving CDS Hooks at {there.settings.base_url()}/cds-services with "
        f"{settings.hooks_workers} processes of {settings.hooks_threads} threads; "
        f"tokens: {settings.hooks_auth}; clients: {len(settings.client)}."
    )
    pack = there.protocol(there.clock()).pack
    there.say(f"pack {pack.id} {pack.version}: {pack.review.status}.")
    set_up_log(house.stderr)
    serving = Serving(settings.hooks_workers, settings.hooks_threads, settings.hooks_grace)
    return run_server(lambda: hooks.app, at, serving, hooks)


def _prepare(house: House, hooks: Hooks) -> None:
    """Make the tables. A database that is only away for now keeps no card from being shown."""
    try:
        hooks.book.prepare()
    except BookError as error:
        house.say(f"WARNING: {error}")
