"""The head: how many lines there are and the hash of the last, so that a cut end shows."""

import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from b12fhir.adapters.audit.disk import replace
from b12fhir.adapters.audit.line import GENESIS
from b12fhir.errors import B12Error
from b12fhir.fhir.json import canonical, decode


@dataclass(frozen=True, slots=True)
class Head:
    """State of the chain. ``problem`` says why a head cannot be believed; ``""`` if it can.

    ``unchecked``: it bears an HMAC and there was no key to check it with.
    """

    count: int = 0
    last: str = GENESIS
    problem: str = ""
    unchecked: bool = False


def head_path(path: Path) -> Path:
    """Where the head of a record stands."""
    return path.with_name(f"{path.name}.head")


def write_head(path: Path, head: Head, key: bytes) -> None:
    """Write the head whole or not at all. Raises `OSError`."""
    body: dict[str, Any] = {"count": head.count, "last": head.last}
    if key:
        body["mac"] = _mac(body, key)
    replace(head_path(path), canonical(body) + b"\n")


def read_head(path: Path, key: bytes) -> Head:
    """The head as it stands; an empty one where there is none yet. Raises `OSError`.

    Without a key the HMAC of a keyed head is not looked at.
    """
    try:
        raw = head_path(path).read_bytes()
    except FileNotFoundError:
        return Head()
    try:
        body = decode(raw, where="the head")
        mac = body.pop("mac", "")
        head = Head(int(body["count"]), str(body["last"]), unchecked=bool(mac and not key))
    except (B12Error, AttributeError, KeyError, TypeError, ValueError):
        return Head(problem="the head is not readable: it was damaged or overwritten")
    if key and not hmac.compare_digest(str(mac).encode(), _mac(body, key).encode()):
        return Head(
            head.count,
            head.last,
            "the head was not made with this key: somebody without the key wrote it, the key is "
            "another one, or the record was begun without a key",
        )
    return head


def _mac(body: dict[str, Any], key: bytes) -> str:
    return hmac.new(key, canonical(body), "sha256").hexdigest()
