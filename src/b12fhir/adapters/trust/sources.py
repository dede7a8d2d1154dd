"""Where keys come from: the client's own address, or a file."""

import re
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import requests

from b12fhir.adapters.trust.jwks import KeysError
from b12fhir.adapters.trust.keyring import Fetched, Loader

_CONNECT_S = 2
_READ_S = 3
_TOTAL_S = 5
_MAX_BYTES = 200_000
_CHUNK = 16_384
_OK = 200
# Without a word of the server; and never longer, so that a key taken back does not serve a day.
_USUAL_S = 300
_LONGEST_S = 3600
_FILE = timedelta(seconds=60)


def from_url(url: str) -> Loader:
    """A loader for an address: no redirect is followed, size and time are bounded."""

    def load() -> Fetched:
        try:
            with requests.get(
                url,
                headers={"Accept": "application/json"},
                # Else a password for that host in .netrc would be sent along.
                auth=lambda request: request,
                timeout=(_CONNECT_S, _READ_S),
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code != _OK:
                    raise KeysError("not 200")
                return Fetched(_body(response), lifetime(response.headers))
        except requests.RequestException as error:
            raise KeysError(type(error).__name__) from None

    return load


def from_file(path: Path) -> Loader:
    """A loader for a file; a changed file counts within a minute."""

    def load() -> Fetched:
        try:
            return Fetched(path.read_bytes(), _FILE)
        except OSError as error:
            raise KeysError(type(error).__name__) from None

    return load


def lifetime(headers: Mapping[str, str]) -> timedelta:
    """For how long a set may be kept, by its Cache-Control and Age."""
    control = headers.get("Cache-Control", "").lower()
    if "no-store" in control or "no-cache" in control:
        return timedelta()
    told = re.search(r"(?<![\w-])max-age=\"?([0-9]{1,9})", control)
    seconds = min(int(told[1]), _LONGEST_S) if told else _USUAL_S
    age = headers.get("Age", "").strip()
    gone = int(age) if re.fullmatch(r"[0-9]{1,9}", age) else 0
    return timedelta(seconds=max(seconds - gone, 0))


def _body(response: requests.Response) -> bytes:
    deadline = time.monotonic() + _TOTAL_S
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > _MAX_BYTES or time.monotonic() > deadline:
            raise KeysError("too much or too slow")
    return bytes(body)
