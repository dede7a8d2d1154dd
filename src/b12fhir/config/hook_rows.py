"""The settings of the CDS Hooks service."""

from datetime import timedelta

from b12fhir.config import readers
from b12fhir.config.row import Setting
from b12fhir.config.settings import LISTEN, STORE
from b12fhir.service.hooks.snooze import CRITICAL_AT_MOST, INFO_AT_MOST, WARNING_AT_MOST

_MAX_WORKERS = 64
_MAX_THREADS = 64
_MAX_BODY_MB = 100
_MAX_RATE = 1_000_000
# An answer is owed within ten seconds, so the time to fetch data ends before.
_MAX_DEADLINE = 9
_MAX_PAGES = 200
_MAX_GRACE = 300
_MAX_KEEP_DAYS = 3650
# The longest that a reader's answer may silence a card, by its indicator; a site can go below.
_INFO_DAYS = INFO_AT_MOST.days
_WARNING_DAYS = WARNING_AT_MOST.days
_CRITICAL_HOURS = CRITICAL_AT_MOST // timedelta(hours=1)


HOOK_ROWS: tuple[Setting, ...] = (
    Setting(
        "listen",
        "--listen",
        f"{LISTEN[0]}:{LISTEN[1]}",
        "Address and port at which `serve` listens. For other machines put a proxy with TLS "
        "before it: it speaks plain http.",
        readers.listen,
    ),
    Setting(
        "public_url",
        "",
        "http:// and the listen address",
        "Address under which clients call the service, with its path if a proxy adds one. A token "
        "must name exactly this address and the path of the call as its audience.",
        readers.web_address,
    ),
    Setting(
        "hooks_auth",
        "",
        "on",
        "Who must show a token. on: everybody. off: nobody, for trials: refused where other "
        "machines can call. open: nobody, other machines included.",
        readers.auth,
    ),
    Setting(
        "hooks_fhir_servers",
        "",
        "none",
        "FHIR servers that a call may name to fetch what its prefetch lacks: base addresses, with "
        "spaces or commas between. A client's own `fhir_servers` replace them.",
        readers.servers,
    ),
    Setting(
        "hooks_origins",
        "",
        "none",
        "Web origins whose pages may call (CORS), such as https://ehr.example.org, with spaces or "
        "commas between.",
        readers.origins,
    ),
    Setting(
        "hooks_services",
        "",
        "all",
        "Ids of the services that are offered, such as `b12-patient-view`, with spaces or commas "
        "between.",
        readers.words,
    ),
    Setting(
        "hooks_workers",
        "",
        "2",
        f"Processes that answer calls (1 to {_MAX_WORKERS}).",
        readers.number(_MAX_WORKERS),
    ),
    Setting(
        "hooks_threads",
        "",
        "4",
        f"Calls that one process has under way at the same time (1 to {_MAX_THREADS}): it goes on"
        " with the next where one waits for another server.",
        readers.number(_MAX_THREADS),
    ),
    Setting(
        "hooks_body_mb",
        "",
        "10",
        f"Megabytes that a call may have (1 to {_MAX_BODY_MB}).",
        readers.number(_MAX_BODY_MB),
    ),
    Setting(
        "hooks_rate",
        "",
        "600",
        f"Calls a minute that one caller may send to one process (0 to {_MAX_RATE}); 0: as "
        "many as it likes.",
        readers.number(_MAX_RATE, least=0),
    ),
    Setting(
        "hooks_deadline",
        "",
        "8",
        f"Seconds in which all that a prefetch lacks must be fetched (1 to {_MAX_DEADLINE}).",
        readers.number(_MAX_DEADLINE),
    ),
    Setting(
        "hooks_pages",
        "",
        "20",
        f"Further pages of one prefetch that are followed (1 to {_MAX_PAGES}); beyond, the data "
        "count as incomplete.",
        readers.number(_MAX_PAGES),
    ),
    Setting(
        "hooks_grace",
        "",
        "30",
        f"Seconds that calls under way have when the service is stopped (1 to {_MAX_GRACE}).",
        readers.number(_MAX_GRACE),
    ),
    Setting(
        "hooks_store",
        "",
        STORE,
        "Database of issued cards, feedback and used tokens: `sqlite:///FILE` or "
        "`postgresql://USER@HOST/NAME`. Keep the password in a password file (PGPASSFILE).",
        readers.store,
        secret=True,
    ),
    Setting(
        "hooks_keep_days",
        "",
        "400",
        f"Days that issued cards and feedback are kept (1 to {_MAX_KEEP_DAYS}).",
        readers.number(_MAX_KEEP_DAYS),
    ),
    Setting(
        "snooze_info_days",
        "",
        str(_INFO_DAYS),
        f"Days that an answered info card can be silent at most (0 to {_INFO_DAYS}).",
        readers.number(_INFO_DAYS, least=0),
    ),
    Setting(
        "snooze_warning_days",
        "",
        str(_WARNING_DAYS),
        f"Days that an answered warning can be silent at most (0 to {_WARNING_DAYS}).",
        readers.number(_WARNING_DAYS, least=0),
    ),
    Setting(
        "snooze_critical_hours",
        "",
        str(_CRITICAL_HOURS),
        f"Hours that an answered critical card can be silent at most (0 to {_CRITICAL_HOURS}).",
        readers.number(_CRITICAL_HOURS, least=0),
    ),
    Setting(
        "smart_url",
        "",
        "none",
        "Launch address of a SMART app that cards link to.",
        readers.web_address,
    ),
    Setting(
        "client",
        "",
        "none",
        "In the file only, one table a client that may call: `issuer` (`iss` of its tokens); "
        "`jku`, the https address of its public keys, or `jwks_file`, a file of them; `tenants` "
        "and `fhir_servers` it may name; `name`.",
        str,
        table=True,
    ),
)
