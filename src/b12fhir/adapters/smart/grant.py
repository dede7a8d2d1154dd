"""What a token endpoint answers: a token with its time, or why there is none.

Nothing of the answer is repeated in an error: a token may stand anywhere in it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from b12fhir.errors import AuthError
from b12fhir.kernel.http import Answer

# What the specification recommends at the most, and what is believed at the most: a token that is
# taken back must not be held for good because a server wrote nonsense.
USUAL_S = 300.0
LONGEST_S = 3600.0
# Clocks that differ by less are not worth a word: see `assertion.LIFETIME_S`.
_CLOCKS_DIFFER_S = 60
_MINUTE_S = 60
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}", re.ASCII)
_SCOPES = re.compile(r"[\x21-\x7e]+( [\x21-\x7e]+)*", re.ASCII)
_OK = 200
_REDIRECTS = range(300, 400)
_NO_SERVICE = (
    "It must be a SMART Backend Services endpoint: check smart_token_url, ask its operator."
)

_HINTS: Mapping[str, str] = {
    "invalid_client": "It does not know this client or its key: compare smart_client_id and the "
    "keys it has with those of `b12fhir keys public`.",
    "invalid_grant": "It does not take what proves who we are: compare its own address with "
    "smart_token_url, and its keys of ours with those of `b12fhir keys public`.",
    "invalid_request": "It wants something else: ask its operator for SMART Backend Services "
    "(private_key_jwt).",
    "invalid_scope": "It does not grant these scopes to this client: have them granted, or set "
    "smart_scopes to what may be asked for.",
    "unauthorized_client": "It knows this client, but not for this: have client_credentials "
    "allowed.",
    "unsupported_grant_type": "It has no client_credentials: this is no endpoint for services.",
}


@dataclass(frozen=True, slots=True)
class Grant:
    """A token, for how many seconds it is good, and the scopes that were granted ("": not told)."""

    token: str = field(repr=False)
    seconds: float
    scopes: str = ""


def read_grant(answer: Answer, url: str, now: datetime) -> Grant:
    """The token in an answer of ``url``. Raises `AuthError` if there is none."""
    if answer.status in _REDIRECTS:
        raise AuthError(
            f"{url} answered {answer.status} (a redirect) while asking for a token; it is not "
            "followed, because what proves who we are would go with it.",
            hint="Set smart_token_url to the final address.",
            status=answer.status,
        )
    body = _json(answer.body)
    if answer.status != _OK:
        raise _refused(answer, body, url, now)
    token, kind = body.get("access_token"), body.get("token_type")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        msg = f"{url} answered 200, but with no token."
        raise AuthError(msg, hint=_NO_SERVICE, status=answer.status)
    if not isinstance(kind, str) or kind.lower() != "bearer":
        msg = f"{url} gave a token that is no bearer token, so it cannot be used."
        raise AuthError(msg, hint=_NO_SERVICE, status=answer.status)
    scopes = body.get("scope")
    named = isinstance(scopes, str) and _SCOPES.fullmatch(scopes)
    return Grant(token, _seconds(body.get("expires_in")), str(scopes) if named else "")


def _refused(answer: Answer, body: Mapping[str, Any], url: str, now: datetime) -> AuthError:
    code = body.get("error")
    known = code if isinstance(code, str) and code in _HINTS else ""
    said = f" ({known})" if known else ""
    clock = _clock(answer.headers.get("date"), now)
    return AuthError(
        f"{url} answered {answer.status}{said} and gave no token.{clock}",
        hint=("Set the clock first. " if clock else "") + _HINTS.get(known, _NO_SERVICE),
        status=answer.status,
    )


def _clock(date: str | None, now: datetime) -> str:
    """A sentence on our clock, if it differs from the server's: a wrong one spoils every proof."""
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return ""
    off = (now - theirs).total_seconds() if theirs.tzinfo else 0.0
    if abs(off) <= _CLOCKS_DIFFER_S:
        return ""
    way = "ahead of" if off > 0 else "behind"
    minutes = round(abs(off) / _MINUTE_S)
    return f" The clock of this machine is {minutes} min {way} the server's."


def _seconds(told: object) -> float:
    """How long a token is good, as far as that can be believed."""
    if isinstance(told, str) and re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", told.strip()):
        told = float(told)
    if isinstance(told, bool) or not isinstance(told, int | float):
        return USUAL_S
    return float(min(max(told, 0), LONGEST_S))


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, ValueError, RecursionError):
        return {}
