"""The bell: whoever has the secret rings it, whatever is sent; nobody else does."""

import io

import pytest
from flask import Flask

from b12fhir.adapters.subscriptions.figures import Figures
from b12fhir.adapters.subscriptions.routes import bells
from tests.support.phi import FAMILY, MRN

SECRET = "0123456789abcdef"  # noqa: S105 - invented
TOKEN = {"Authorization": f"Bearer {SECRET}"}
PATH = "/subscriptions/notify"


@pytest.fixture
def bell():
    """A client, how often the bell rang, and the figures."""
    rung: list[int] = []
    figures = Figures()
    app = Flask(__name__)
    app.register_blueprint(bells(lambda: rung.append(1), SECRET, figures))
    return app.test_client(), rung, figures


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", [PATH, f"{PATH}/Observation/7"])
@pytest.mark.parametrize(
    "body",
    [b"", b'{"resourceType":"Observation"}', b"{", b"\xff\xfe\x00", b"[" * 20_000, b'{"a":NaN}'],
)
def test_any_notification_is_one_bell_and_is_not_read(bell, method, path, body):
    client, rung, figures = bell
    answer = client.open(path, method=method, data=body, headers=TOKEN)
    assert (answer.status_code, answer.data) == (202, b"")
    assert len(rung) == 1
    assert figures.value("b12fhir_bells_total", outcome="heard") == 1


@pytest.mark.parametrize(
    "shown",
    [
        None,
        "",
        SECRET,
        "Bearer",
        "Bearer ",
        f"bearer {SECRET}",
        f"Bearer {SECRET}x",
        f"Bearer {SECRET[:-1]}",
        "Bearer é",
    ],
)
def test_without_the_secret_nothing_rings_and_nothing_is_said(bell, shown):
    client, rung, figures = bell
    headers = {} if shown is None else {"Authorization": shown}
    answer = client.post(PATH, data=b"x", headers=headers)
    assert (answer.status_code, answer.data) == (401, b"")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "Content-Type" not in answer.headers
    assert rung == []
    assert figures.value("b12fhir_bells_total", outcome="refused") == 1


def test_a_body_that_is_too_large_rings_and_is_not_read(bell):
    client, rung, _ = bell
    huge = io.BytesIO(b"x" * (1024 * 1024 + 1))
    answer = client.put(PATH, data=huge, headers=TOKEN)
    assert answer.status_code == 413
    assert len(rung) == 1


def test_nothing_else_is_there(bell):
    client, rung, _ = bell
    assert client.get(PATH, headers=TOKEN).status_code == 405
    assert client.options(PATH, headers=TOKEN).status_code == 405
    assert client.post(f"{PATH}/{FAMILY}", headers=TOKEN).status_code == 404
    assert client.post(f"{PATH}/Patient/{MRN}/x", headers=TOKEN).status_code == 404
    assert rung == []
