"""What a newcomer starts from: the settings files and the example call of profiles/cds-hooks."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from b12fhir import config
from b12fhir.adapters.cds_hooks.messages import schema
from b12fhir.fhir.json import decode
from b12fhir.service.hooks.model import Hook
from tests.support.hook_service import asked, door

EXAMPLES = Path(__file__).parents[3] / "profiles" / "cds-hooks"
DAY = datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_the_trial_asks_nobody_and_stays_on_this_machine():
    settings = config.load({}, {"config": str(EXAMPLES / "trial.toml")})
    assert settings.hooks_auth == "off"
    assert settings.listen[0] == "127.0.0.1"


def test_the_hospital_asks_everybody_and_knows_each_client_by_its_keys():
    settings = config.load({}, {"config": str(EXAMPLES / "hospital.toml")})
    assert settings.hooks_auth == "on"
    assert all(one.jku.startswith("https://") and one.fhir_servers for one in settings.client)


def test_the_example_call_is_whole_and_gets_its_card(tmp_path):
    call = decode((EXAMPLES / "patient-view.json").read_bytes())
    Draft202012Validator(schema("patient-view")).validate(call)
    assert set(call["prefetch"]) == {query.key for query in asked()}
    with door(tmp_path, now=lambda: DAY) as whole:
        answer = whole.post(Hook.PATIENT_VIEW, call)
    (card,) = decode(answer.data)["cards"]
    # V02 of the rule book: 150 ng/L with a neurological sign is urgent.
    assert card["indicator"] == "critical"
    assert "150 ng/L" in card["summary"]


@pytest.mark.parametrize("name", ["trial.toml", "hospital.toml", "patient-view.json"])
def test_each_is_named_in_the_readme(name):
    assert f"profiles/cds-hooks/{name}" in (EXAMPLES.parents[1] / "README.md").read_text("utf-8")
