"""The address of our public keys: whoever registers it need not be told when they change."""

from flask import Blueprint, Response

PATH = "/.well-known/jwks.json"


def published(jwks: bytes) -> Blueprint:
    """The route. It asks for no token: public keys prove nothing to whoever has them."""
    door = Blueprint("published", __name__)

    @door.get(PATH)
    def keys() -> Response:
        return Response(jwks, mimetype="application/json")

    return door
