"""What a site can set, in one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path

from b12fhir.config.files import read_codes, read_key, read_secret, read_site_key, read_token
from b12fhir.config.readers import OFF
from b12fhir.fhir.codemap import CodeMap
from b12fhir.fhir.site import APPROVE_DAYS, APPROVER, CANONICAL
from b12fhir.ports import Client

# Where a sync that writes keeps its record unless it is told another place: beside `out`.
AUDIT_FILE = Path("state/audit.jsonl")
# Who must show a token: every caller; nobody, on this machine only; nobody, wherever he calls from.
AUTH_ON, AUTH_OFF, AUTH_OPEN = "on", "off", "open"
LISTEN = ("127.0.0.1", 8000)
STORE = "sqlite:///state/hooks.sqlite3"
# Known to everybody who has the program.
SITE_KEY = "b12fhir"
SYNC_STORE = "sqlite:///state/sync.sqlite3"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a site can set. Field meanings stand in `SETTINGS`, in the same order."""

    config: Path | None = None
    server: str = ""
    token_file: Path | None = None
    smart_client_id: str = ""
    smart_key_file: Path | None = None
    smart_next_key_file: Path | None = None
    smart_token_url: str = ""
    smart_scopes: str = ""
    smart_jku: str = ""
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    server_id: str = ""
    server_can: Mapping[str, bool] = field(default_factory=dict)
    site_key: str = field(default=SITE_KEY, repr=False)
    site_key_file: Path | None = None
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
    sync_store: str = field(default="", repr=False)
    sync_full_days: int = 7
    sync_overlap_s: int = 600
    listen: tuple[str, int] = LISTEN
    public_url: str = ""
    hooks_auth: str = AUTH_ON
    hooks_fhir_servers: tuple[str, ...] = ()
    hooks_origins: tuple[str, ...] = ()
    hooks_services: tuple[str, ...] = ()
    hooks_workers: int = 2
    hooks_threads: int = 4
    hooks_body_mb: int = 10
    hooks_rate: int = 600
    hooks_deadline: int = 8
    hooks_pages: int = 20
    hooks_grace: int = 30
    hooks_store: str = field(default=STORE, repr=False)
    hooks_keep_days: int = 400
    snooze_info_days: int = 90
    snooze_warning_days: int = 30
    snooze_critical_hours: int = 24
    smart_url: str = ""
    client: tuple[Client, ...] = ()
    subscription_secret_file: Path | None = None
    sync_every_s: int = 300

    def base_url(self) -> str:
        """The address under which clients call us, without a slash at its end."""
        host, port = self.listen
        name = f"[{host}]" if ":" in host else host
        return self.public_url or f"http://{name}:{port}"

    def codes(self) -> CodeMap:
        """The site's own codes of tests and medicines, checked; empty without a map."""
        return read_codes(self.code_map, self.pack) if self.code_map else CodeMap()

    def token(self) -> str:
        """The bearer token in the token file, or ``""`` without one. Never logged, never shown."""
        return read_token(self.token_file) if self.token_file else ""

    def subscription_secret(self) -> str:
        """What a FHIR server shows that tells of changes. Never logged, never shown."""
        return read_secret(self.subscription_secret_file)

    def sync_place(self) -> str:
        """The database of how far a sync has come; ``""`` where nothing is kept."""
        return "" if self.sync_store == OFF else self.sync_store or SYNC_STORE

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
        return read_key(self.audit_key_file) if self.audit_key_file else b""

    def pseudonym_key(self) -> str:
        """What patients' pseudonyms are made with. Never logged, never shown."""
        return read_site_key(self.site_key_file) if self.site_key_file else self.site_key

    @property
    def has_own_key(self) -> bool:
        """Can nobody else work out the pseudonym of a patient whose id he knows?"""
        return self.site_key_file is not None or self.site_key != SITE_KEY
