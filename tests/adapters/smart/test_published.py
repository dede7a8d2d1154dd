"""The address of our public keys, as `serve` offers it."""

import io
import json
from datetime import UTC, datetime

import pytest

from b12fhir import config, wiring
from b12fhir.adapters.smart import make_key
from b12fhir.wiring.hooks import make_hooks
from b12fhir.wiring.house import House
from b12fhir.wiring.running import _publish

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(**settings: str):
    """What a service with these settings answers at the address."""
    environ = {f"B12FHIR_{name}": value for name, value in settings.items()}
    house = House(config.load({"B12FHIR_HOOKS_AUTH": "off", **environ}, {}), lambda: NOW, None)
    hooks = make_hooks(house)
    _publish(house, hooks)
    return hooks.app.test_client().get("/.well-known/jwks.json")


def test_the_present_and_the_next_key_can_be_fetched(folder):
    now, after = (make_key(alg, folder / alg) for alg in ("ES384", "RS384"))
    answer = asked(SMART_CLIENT_ID="b12", SMART_KEY_FILE="ES384", SMART_NEXT_KEY_FILE="RS384")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.json == {"keys": [now.public, after.public]}


def test_no_private_part_is_published(folder):
    make_key("RS384", folder / "key")
    (row,) = json.loads(asked(SMART_CLIENT_ID="b12", SMART_KEY_FILE="key").data)["keys"]
    assert set(row) == {"kty", "n", "e", "alg", "kid", "use"}


def test_without_keys_there_is_no_such_address():
    assert asked().status_code == 404


def test_a_key_that_cannot_be_used_is_told_before_it_serves(folder):
    (folder / "key").write_text("nonsense")
    (folder / "key").chmod(0o600)
    environ = {"HOOKS_AUTH": "off", "SMART_CLIENT_ID": "b12", "SMART_KEY_FILE": "key"}
    named = {f"B12FHIR_{name}": value for name, value in environ.items()}
    err = io.StringIO()
    assert wiring.main(["serve", "--check"], named, io.StringIO(), err, lambda: NOW) == 12
    assert "holds no private key" in err.getvalue()
