"""What a site can set, in one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path

from b12fhir.config.files import read_codes, read_key, read_token
from b12fhir.fhir.codemap import CodeMap
from b12fhir.fhir.site import APPROVE_DAYS, APPROVER, CANONICAL

# Where a sync that writes keeps its record unless it is told another place: beside `out`.
AUDIT_FILE = Path("state/audit.jsonl")
OFF = "off"


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
        return read_codes(self.code_map, self.pack) if self.code_map else CodeMap()

    def token(self) -> str:
        """The bearer token in the token file, or ``""`` without one. Never logged, never shown."""
        return read_token(self.token_file) if self.token_file else ""

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
