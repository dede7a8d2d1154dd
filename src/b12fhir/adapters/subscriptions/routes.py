"""The address that a server calls: POST or PUT, with a resource or without; all are one bell."""

import hmac
from collections.abc import Callable

from flask import Blueprint, Response, request

from b12fhir.adapters.subscriptions import PATH
from b12fhir.adapters.subscriptions.figures import Figures

# A Subscription of ours sends nothing. Another one's resource is read off the line, no more.
_BODY_BYTES = 1024 * 1024
_METHODS = ("POST", "PUT", "DELETE")

Door = Blueprint


def bells(ring: Callable[[], None], secret: str, figures: Figures) -> Door:
    """The routes. ``ring`` must not block. ``secret`` is what a caller must show as its token.

    Whoever does not is answered 401, always the same and without a body. Whoever does is heard
    whatever else is sent: the bell rings before the body is looked at.
    """
    door = Blueprint("subscriptions", __name__)
    due = f"Bearer {secret}".encode()

    def hear(kind: str = "", name: str = "") -> Response:
        del kind, name
        shown = request.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(shown, due):
            figures.refused()
            return _bare(401, **{"WWW-Authenticate": "Bearer"})
        figures.heard()
        ring()
        request.max_content_length = _BODY_BYTES
        request.get_data(cache=False)
        return _bare(202)

    for path in (PATH, f"{PATH}/<kind>/<name>"):
        door.add_url_rule(path, "hear", hear, methods=_METHODS, provide_automatic_options=False)
    return door


def _bare(status: int, **headers: str) -> Response:
    response = Response(status=status, headers=headers)
    del response.headers["Content-Type"]
    return response
