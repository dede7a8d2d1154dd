"""The floor under a CDS Hooks service: Flask routes that read the call and find nothing to say."""

import json

from flask import Flask, Response, request

_NOTHING = b'{"cards": []}'


def reading() -> Flask:
    """Reads the body, looks at nothing."""
    app = Flask("noop")

    @app.post("/cds-services/<name>")
    def answer(name: str) -> Response:
        request.get_data(cache=False)
        return Response(_NOTHING, mimetype="application/json")

    return app


def parsing() -> Flask:
    """Reads the body and parses it as Flask does."""
    app = Flask("parsing")

    @app.post("/cds-services/<name>")
    def answer(name: str) -> Response:
        json.loads(request.get_data(cache=False))
        return Response(_NOTHING, mimetype="application/json")

    return app
