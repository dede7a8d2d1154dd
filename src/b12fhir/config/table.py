"""Every setting in one table; the README's is printed from it."""

from pathlib import Path

from b12fhir.config import readers
from b12fhir.config.auth_rows import AUTH_ROWS
from b12fhir.config.hook_rows import HOOK_ROWS
from b12fhir.config.listen_rows import LISTEN_ROWS
from b12fhir.config.row import Setting
from b12fhir.config.settings import AUDIT_FILE
from b12fhir.config.sync_rows import SYNC_ROWS
from b12fhir.fhir.site import APPROVE_DAYS, APPROVER, CANONICAL
from b12fhir.fhir.told import read_told

_MAX_WORKERS = 32
_MAX_APPROVE_DAYS = 90
_MAX_TIMEOUT = 600


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "config",
        "--config",
        "none",
        "TOML file of settings: keys are the names of this table in lower case without `B12FHIR_`, "
        "and `[[client]]` tables. An unknown key is refused.",
        Path,
        in_file=False,
    ),
    Setting("server", "--server", "none", "Base address of the FHIR R4 server.", readers.server),
    *AUTH_ROWS,
    Setting(
        "server_id",
        "",
        "the server address",
        "Logical name of the server. Set it when one server has an internal and an external "
        "address, so that both give the same plan identifiers.",
        readers.word,
    ),
    Setting(
        "server_can",
        "",
        "what the server declares",
        "What you know better about the server than it says of itself, such as "
        "`careplan_write=no,if_match=yes`; the table of abilities below has the names.",
        read_told,
    ),
    Setting(
        "site_key",
        "",
        "b12fhir",
        "Key that makes patient identifiers inside plan identifiers unreadable. Set your own once "
        "and keep it: another key means other identifiers.",
        str,
        secret=True,
    ),
    Setting(
        "site_key_file",
        "",
        "none",
        "File that holds the site key, of at least 16 characters, in place of `site_key`.",
        Path,
    ),
    Setting(
        "canonical",
        "",
        CANONICAL,
        "Base of the identifier systems and profiles that are written.",
        readers.canonical,
    ),
    Setting(
        "zone",
        "--zone",
        "UTC",
        "The site's time zone (IANA name). Days are counted in it.",
        readers.zone,
    ),
    Setting("pack", "--pack", "seed-default", "Protocol pack; see `b12fhir packs`.", readers.pack),
    Setting(
        "refuse_unreviewed",
        "",
        "off",
        "on: refuse to run with a pack that no clinician has signed.",
        readers.switch,
    ),
    Setting(
        "validate",
        "",
        "on",
        "off: do not validate each Bundle before it is sent to a server.",
        readers.switch,
    ),
    Setting(
        "workers",
        "--workers",
        "2",
        f"Patients worked on at the same time by `sync` (1 to {_MAX_WORKERS}).",
        readers.number(_MAX_WORKERS),
    ),
    Setting(
        "timeout",
        "",
        "60",
        f"Seconds to wait for an answer of the server (1 to {_MAX_TIMEOUT}).",
        readers.number(_MAX_TIMEOUT),
    ),
    Setting("out", "--out", "out", "Folder for reports and proposals.", Path),
    Setting(
        "code_map",
        "",
        "none",
        "TOML file of the site's own codes: laboratory tests (`[[code]]`), medicines (`[[drug]]`) "
        "and its codes for our products (`[[product]]`); `profiles/code-map.toml` is a template. "
        "Codes without a row are reported as unmapped.",
        Path,
    ),
    Setting(
        "approver",
        "",
        APPROVER,
        "Who is asked to sign proposals: words, or a reference such as `PractitionerRole/7`, which "
        "becomes the owner of the task.",
        readers.someone,
    ),
    Setting(
        "approve_days",
        "",
        str(APPROVE_DAYS),
        f"Days in which a routine proposal should be signed (1 to {_MAX_APPROVE_DAYS}). What is "
        "urgent or concerns nerves is due the next day, what is soon after 7 days.",
        readers.number(_MAX_APPROVE_DAYS),
    ),
    Setting(
        "audit",
        "",
        f"{AUDIT_FILE} where a server is written to, else off",
        "File of the audit record; `off`: keep none. Where one is kept, nothing is written to a "
        "server that could not be recorded first. Name it with its full path for a scheduled run, "
        "else each working folder gets a record of its own.",
        str,
    ),
    Setting(
        "audit_key_file",
        "",
        "none",
        "File that holds a key of at least 16 bytes: the head of the audit record is signed with "
        "it, so that whoever can write the file but not read the key cannot forge it unseen.",
        Path,
    ),
    *SYNC_ROWS,
    *HOOK_ROWS,
    *LISTEN_ROWS,
)


def settings_table() -> str:
    """The settings as a Markdown table, for the README."""
    head = "| variable | option | default | meaning |\n|---|---|---|---|\n"
    return head + "".join(
        f"| `{s.variable}` | {f'`{s.option}`' if s.option else '-'} | {s.default} | {s.meaning} |\n"
        for s in SETTINGS
    )
