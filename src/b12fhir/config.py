"""Every setting of the program: one table, one frozen `Settings`, one reader of the environment.

A setting comes from its option on the command line, else from its ``B12FHIR_*`` variable, else
from its default. The table below is the only list: the README's table is printed from it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from b12fhir.errors import ConfigError
from b12fhir.fhir.codemap import CodeMap, read_code_map
from b12fhir.fhir.site import APPROVE_DAYS, APPROVER, CANONICAL
from b12fhir.fhir.told import read_told
from b12fhir.protocol.load import load_protocol

PREFIX = "B12FHIR_"
# Where a sync that writes keeps its record unless it is told another place: beside `out`.
AUDIT_FILE = Path("state/audit.jsonl")
OFF = "off"
_TOKEN_SIZE = 16_384
_KEY_SIZE = 16
_MAX_WORKERS = 32
_MAX_APPROVE_DAYS = 90
_MAX_TIMEOUT = 600
_MAX_WORDS = 100


@dataclass(frozen=True, slots=True)
class Settings:
    """What a site can set. Field meanings stand in `SETTINGS`, in the same order."""

    server: str = ""
    token_file: Path | None = None
    server_id: str = ""
    server_can: Mapping[str, bool] = field(default_factory=dict)
    site_key: str = field(default="b12fhir", repr=False)
    canonical: str = CANONICAL
    zone: tzinfo = UTC
    pack: str = "seed-default"
    refuse_unreviewed: bool = False
    validate: bool = True
    workers: int = 2
    timeout: int = 60
    out: Path = Path("out")
    code_map: Path | None = None
    approver: str = APPROVER
    approve_days: int = APPROVE_DAYS
    audit: str = ""
    audit_key_file: Path | None = None

    def codes(self) -> CodeMap:
        """The site's own codes of tests and medicines, checked; empty without a map."""
        return _read_codes(self.code_map, self.pack) if self.code_map else CodeMap()

    def token(self) -> str:
        """The bearer token in the token file, or ``""`` without one. Never logged, never shown."""
        return _read_token(self.token_file) if self.token_file else ""

    def audit_file(self, *, writes: bool) -> Path | None:
        """Where to keep the audit record, or ``None``; ``writes``: does the run write to a server?

        What writes is recorded unless somebody switched that off; what only reads is recorded where
        somebody named a file.
        """
        if self.audit == OFF or not (self.audit or writes):
            return None
        return Path(self.audit) if self.audit else AUDIT_FILE

    def audit_key(self) -> bytes:
        """The key of the audit record's head; empty without one. Never logged, never shown."""
        return _read_key(self.audit_key_file) if self.audit_key_file else b""


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: field, option, default in words, meaning, and how its text is read."""

    name: str
    option: str
    default: str
    meaning: str
    read: Callable[[str], object]

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return PREFIX + self.name.upper()


def load(environ: Mapping[str, str], options: Mapping[str, str | None]) -> Settings:
    """Settings from options, else variables, else defaults; an empty text counts as not given.

    Raises `ConfigError` naming the option or variable for a faulty value, and for an unknown
    ``B12FHIR_*`` variable, because a misspelt safety switch must not be ignored.
    """
    _refuse_unknown(environ)
    given = {}
    for setting in SETTINGS:
        text, source = _given(setting, environ, options)
        if text:
            given[setting.name] = _read(setting, text, source)
    return Settings(**given)  # type: ignore[arg-type]  # each reader returns its field's type


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    known = {setting.variable for setting in SETTINGS}
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            msg = f"{name} is no setting of b12fhir, so it would have no effect."
            raise ConfigError(msg, hint=f"Known: {', '.join(sorted(known))}.")


def _given(
    setting: Setting, environ: Mapping[str, str], options: Mapping[str, str | None]
) -> tuple[str, str]:
    option = options.get(setting.name)
    if option is not None:
        return option.strip(), setting.option
    return environ.get(setting.variable, "").strip(), setting.variable


def _read(setting: Setting, text: str, source: str) -> object:
    try:
        return setting.read(text)
    except ConfigError as error:
        msg = f"{source}: {error.message}"
        raise ConfigError(msg, hint=error.hint) from None


def _server(text: str) -> str:
    try:
        address = urlsplit(text)
        address.port  # noqa: B018  # the property raises for a port that is no number
    except ValueError:
        address = urlsplit("")
    if address.scheme not in {"http", "https"} or not address.hostname:
        msg = "not the address of a FHIR server."
        raise ConfigError(msg, hint="Write it like https://ehr.example.org/fhir.")
    if address.username or address.password or address.query or address.fragment:
        msg = "the server address holds a user, a password, a query or a fragment."
        raise ConfigError(msg, hint="Give the plain base address; put a token into a token file.")
    return text.rstrip("/")


def _canonical(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s|]+", text):
        msg = "not an absolute http(s) address."
        raise ConfigError(msg, hint="Write it like https://hospital.example.org/fhir.")
    return text.rstrip("/")


def _zone(text: str) -> tzinfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        msg = f"{text[:40]!r} is not a known time zone."
        raise ConfigError(msg, hint="Use an IANA name such as Europe/Berlin or UTC.") from None


def _word(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}", text):
        msg = "only letters, digits and . _ : / - are allowed, at most 200."
        raise ConfigError(msg)
    return text


def _someone(text: str) -> str:
    if not text.isprintable() or len(text) > _MAX_WORDS:
        msg = f"not one line of at most {_MAX_WORDS} characters."
        raise ConfigError(msg, hint="Write it like Haematology, or PractitionerRole/7.")
    return text


def _pack(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}", text):
        msg = f"{text[:40]!r} is no name of a protocol pack."
        raise ConfigError(msg, hint="See b12fhir packs.")
    return text


def _switch(text: str) -> bool:
    word = text.lower()
    if word not in {"on", "off", "true", "false", "yes", "no", "1", "0"}:
        msg = f"{text[:20]!r} is neither on nor off."
        raise ConfigError(msg, hint="Write on or off.")
    return word in {"on", "true", "yes", "1"}


def _number(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= most:
            msg = f"{text[:20]!r} is not a whole number from 1 to {most}."
            raise ConfigError(msg)
        return int(text)

    return read


def _read_token(path: Path) -> str:
    try:
        raw = path.read_bytes()[: _TOKEN_SIZE + 1]
    except OSError as error:
        msg = f"The token file {path} cannot be read ({error.strerror})."
        raise ConfigError(msg, hint="Check the path and its permissions.") from None
    token = raw.removeprefix(b"\xef\xbb\xbf").strip().removeprefix(b"Bearer ")
    if not re.fullmatch(rb"[\x21-\x7e]{1,%d}" % _TOKEN_SIZE, token):
        msg = f"The token file {path} does not hold one bearer token."
        raise ConfigError(msg, hint="It must hold the bare token on one line, nothing else.")
    return token.decode("ascii")


def _read_key(path: Path) -> bytes:
    try:
        key = path.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        msg = f"The audit key file {path} cannot be read ({error.strerror})."
        raise ConfigError(msg, hint="Check the path and its permissions.") from None
    if len(key) < _KEY_SIZE:
        msg = f"The audit key file {path} holds fewer than {_KEY_SIZE} bytes."
        raise ConfigError(msg, hint="Make one with: openssl rand -hex 32 > FILE")
    return key


def _read_codes(path: Path, pack: str) -> CodeMap:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        msg = f"The code map {path} cannot be read as UTF-8 text."
        raise ConfigError(msg, hint="Check the path, its permissions and its encoding.") from None
    return _checked(text, f"The code map {path}", pack)


@lru_cache(maxsize=4)
def _checked(text: str, where: str, pack: str) -> CodeMap:
    """Checked once, not for each patient of a run."""
    return read_code_map(text, where=where, protocol=load_protocol(pack))


SETTINGS: tuple[Setting, ...] = (
    Setting("server", "--server", "none", "Base address of the FHIR R4 server.", _server),
    Setting(
        "token_file",
        "--token-file",
        "none",
        "File that holds a bearer token. The token itself is never an option or a variable, "
        "because other users can see those. Refused with plain http, except to this machine.",
        Path,
    ),
    Setting(
        "server_id",
        "",
        "the server address",
        "Logical name of the server. Set it when one server has an internal and an external "
        "address, so that both give the same plan identifiers.",
        _word,
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
    ),
    Setting(
        "canonical",
        "",
        CANONICAL,
        "Base of the identifier systems and profiles that are written.",
        _canonical,
    ),
    Setting(
        "zone",
        "--zone",
        "UTC",
        "The site's time zone (IANA name). Days are counted in it.",
        _zone,
    ),
    Setting("pack", "--pack", "seed-default", "Protocol pack; see `b12fhir packs`.", _pack),
    Setting(
        "refuse_unreviewed",
        "",
        "off",
        "on: refuse to run with a pack that no clinician has signed.",
        _switch,
    ),
    Setting(
        "validate",
        "",
        "on",
        "off: do not validate each Bundle before it is sent to a server.",
        _switch,
    ),
    Setting(
        "workers",
        "--workers",
        "2",
        f"Patients worked on at the same time by `sync` (1 to {_MAX_WORKERS}).",
        _number(_MAX_WORKERS),
    ),
    Setting(
        "timeout",
        "",
        "60",
        f"Seconds to wait for an answer of the server (1 to {_MAX_TIMEOUT}).",
        _number(_MAX_TIMEOUT),
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
        _someone,
    ),
    Setting(
        "approve_days",
        "",
        str(APPROVE_DAYS),
        f"Days in which a routine proposal should be signed (1 to {_MAX_APPROVE_DAYS}). What is "
        "urgent or concerns nerves is due the next day, what is soon after 7 days.",
        _number(_MAX_APPROVE_DAYS),
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
)


def settings_table() -> str:
    """The settings as a Markdown table, for the README."""
    head = "| variable | option | default | meaning |\n|---|---|---|---|\n"
    return head + "".join(
        f"| `{s.variable}` | {f'`{s.option}`' if s.option else '-'} | {s.default} | {s.meaning} |\n"
        for s in SETTINGS
    )
