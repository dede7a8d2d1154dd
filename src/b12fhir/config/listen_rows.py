"""The settings of listening to a FHIR server for changes."""

from pathlib import Path

from b12fhir.config import readers
from b12fhir.config.row import Setting

_MAX_EVERY_S = 86_400


LISTEN_ROWS: tuple[Setting, ...] = (
    Setting(
        "subscription_secret_file",
        "",
        "none",
        "File that holds a secret of at least 16 characters, by which `serve --subscriptions` "
        "knows that it is the FHIR server that calls.",
        Path,
    ),
    Setting(
        "sync_every_s",
        "",
        "300",
        "Seconds after which `serve --subscriptions` looks for changes although it was told of "
        f"none (0 to {_MAX_EVERY_S}); 0: never.",
        readers.number(_MAX_EVERY_S, least=0),
    ),
)
