"""`b12fhir serve`: is it safe, is all there, where do the workers count; then serve.

Nothing of the extra `server` is imported before it is needed: the other commands work without.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

from b12fhir.adapters import cli
from b12fhir.config import Settings, shown
from b12fhir.config.settings import AUTH_OFF, AUTH_ON
from b12fhir.errors import OK, ConfigError
from b12fhir.wiring.extra import not_installed
from b12fhir.wiring.house import House

# The library of figures decides when it is imported whether it counts for one process or several.
_FIGURES = "PROMETHEUS_MULTIPROC_DIR"
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - looked for, not listened at


def serve(house: House, check: bool, subscriptions: bool) -> cli.Diagnosis:  # noqa: FBT001 - a port
    """Serve until stopped; with ``check`` only look whether it could, and show the settings.

    ``subscriptions``: also listen for changes on the FHIR server of the settings.

    Raises `ConfigError` for what is missing, wrong or unsafe, before anything is opened.
    """
    settings = house.settings
    _refuse_unsafe(settings, listens=subscriptions)
    for line in _warnings(settings):
        house.say(line)
    if check:
        _running().try_out(house, listens=subscriptions)
        return cli.Diagnosis([*shown(settings), "The settings are good."], OK)
    with _folder() as folder:
        return cli.Diagnosis([], _running().run(house, folder, listens=subscriptions))


def _running() -> ModuleType:
    try:
        from b12fhir.wiring import running  # noqa: PLC0415 - needs the extra, and see _FIGURES
    except ModuleNotFoundError as error:
        raise not_installed(error, "nothing can be served") from None
    return running


def _refuse_unsafe(settings: Settings, *, listens: bool) -> None:
    """Without tokens anybody who reaches the service can ask; with them somebody must have one.

    But for one that is there to listen for changes: then CDS Hooks may answer nobody.
    """
    host = settings.listen[0]
    if host in _EVERYWHERE and not settings.public_url:
        msg = f"{host} is no address that a client can call or a token be made out to."
        raise ConfigError(msg, hint="Set B12FHIR_PUBLIC_URL.")
    hosts = (host, urlsplit(settings.base_url()).hostname or "")
    if settings.hooks_auth == AUTH_OFF and not all(_is_here(one) for one in hosts):
        raise ConfigError(
            "hooks_auth is off, but other machines can call: they would need no token.",
            hint="Set hooks_auth=on and name the clients. If that is really wanted, write open.",
        )
    if settings.hooks_auth == AUTH_ON and not settings.client and not listens:
        raise ConfigError(
            "No client may call: there is no [[client]] table.",
            hint="Name them in a settings file (--config). For a trial on this machine: "
            "B12FHIR_HOOKS_AUTH=off.",
        )


def _is_here(host: str) -> bool:
    """Does only this machine reach it?"""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _warnings(settings: Settings) -> Iterator[str]:
    if settings.hooks_auth != AUTH_ON:
        yield (
            "WARNING: NO TOKEN IS ASKED FOR (hooks_auth). Whoever reaches the service can send it "
            "records and feedback. Never with real patients."
        )
    if settings.hooks_auth == AUTH_ON and urlsplit(settings.base_url()).scheme == "http":
        yield "WARNING: public_url is not https: tokens and records travel in the clear."
    if settings.hooks_auth == AUTH_ON and not settings.has_own_key:
        yield (
            "WARNING: no site_key is set: whoever knows a patient's id can tell which plans and "
            "which entries of the audit record are his. Set one before the first plan is written."
        )


@contextmanager
def _folder() -> Iterator[Path]:
    """Where the workers count, as long as the block runs in this process."""
    own = os.getpid()
    folder = Path(tempfile.mkdtemp(prefix=f"b12fhir-figures-{own}-"))
    os.environ[_FIGURES] = str(folder)
    try:
        yield folder
    finally:
        # The workers, which are forked inside the block, leave by this way as well.
        if os.getpid() == own:
            del os.environ[_FIGURES]
            shutil.rmtree(folder, ignore_errors=True)
