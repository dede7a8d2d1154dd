"""The settings of how `sync` keeps its place."""

from b12fhir.config import readers
from b12fhir.config.row import Setting
from b12fhir.config.settings import SYNC_STORE

_MAX_DAYS = 365
_MAX_OVERLAP_S = 86_400

SYNC_ROWS: tuple[Setting, ...] = (
    Setting(
        "sync_store",
        "",
        f"{SYNC_STORE}, if the extra `server` is installed",
        "Database in which `sync` keeps how far it has come: `sqlite:///FILE`, or "
        "`postgresql://USER@HOST/NAME` where several machines sync one server; `off`: nothing is "
        "kept and each run reads every patient. Its loss costs only time. Keep a password in a "
        "password file (PGPASSFILE).",
        readers.store_or_off,
    ),
    Setting(
        "sync_full_days",
        "",
        "7",
        f"Days after which `sync` reads every patient again, changed or not (1 to {_MAX_DAYS}).",
        readers.number(_MAX_DAYS),
    ),
    Setting(
        "sync_overlap_s",
        "",
        "600",
        "Seconds by which a look for changes reaches back before the last one, for what the server "
        f"stamps early and stores late (0 to {_MAX_OVERLAP_S}).",
        readers.number(_MAX_OVERLAP_S, least=0),
    ),
)
