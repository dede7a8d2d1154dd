"""What proves who we are: a token of our own, signed anew for each request."""

from datetime import datetime
from urllib.parse import urlencode
from uuid import uuid4

import jwt

from b12fhir.adapters.smart.registration import Registration
from b12fhir.kernel.http import Request

# Five minutes are allowed. In the midst of them, a clock that is two minutes off does no harm.
LIFETIME_S = 120
_FORM = "application/x-www-form-urlencoded"
_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def token_request(who: Registration, url: str, now: datetime) -> Request:
    """A request for a token to the endpoint ``url``. Never send it twice: its `jti` is used up."""
    form = {
        "grant_type": "client_credentials",
        "scope": who.scopes,
        "client_assertion_type": _JWT_BEARER,
        "client_assertion": _assertion(who, url, now),
    }
    headers = {"Accept": "application/json", "Content-Type": _FORM, "Cache-Control": "no-store"}
    return Request("POST", url, "asking for a token", headers, urlencode(form).encode())


def _assertion(who: Registration, url: str, now: datetime) -> str:
    """Without `iat` and `nbf`, which nobody asks for: a server whose clock is behind refuses it."""
    claims = {
        "iss": who.client_id,
        "sub": who.client_id,
        "aud": url,
        "exp": int(now.timestamp()) + LIFETIME_S,
        "jti": str(uuid4()),
    }
    headers = {"kid": who.key.kid} | ({"jku": who.jku} if who.jku else {})
    return jwt.encode(claims, who.key.private, algorithm=who.key.algorithm, headers=headers)
