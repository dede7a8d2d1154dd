"""A secret file that others can read is told to whoever runs the program, and still used."""

import io
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from b12fhir.config import Settings
from b12fhir.wiring.house import House
from b12fhir.wiring.proof import left_open


@pytest.fixture
def token(tmp_path) -> Path:
    path = tmp_path / "token"
    path.write_text("secret-token")
    return path


@pytest.mark.parametrize(
    ("mode", "told"), [(0o600, 0), (0o400, 0), (0o640, 1), (0o604, 1), (0o644, 1), (0o622, 0)]
)
def test_a_token_that_group_or_others_can_read_is_told(token, mode, told):
    """What they can only write is no secret given away; the directory guards that."""
    token.chmod(mode)
    lines = list(left_open(Settings(token_file=token)))
    assert len(lines) == told
    assert all(f"chmod 600 {token}" in line and "token_file" in line for line in lines)


@pytest.mark.parametrize("name", ["smart_key_file", "tls_key", "token_file"])
def test_every_secret_towards_the_server_is_looked_at(token, name):
    token.chmod(0o640)
    [line] = left_open(Settings(**{name: token}))
    assert line.startswith(f"WARNING: {name}: {token} can be read by others")


def test_a_certificate_with_its_key_in_one_file_is_the_key(token):
    token.chmod(0o644)
    [line] = left_open(Settings(tls_cert=token))
    assert line.startswith("WARNING: tls_key")


def test_where_the_system_knows_no_such_modes_nothing_is_said(token, monkeypatch):
    token.chmod(0o644)
    settings = Settings(token_file=token)
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        lines = list(left_open(settings))
    assert lines == []


def test_a_file_that_is_not_there_is_told_by_whoever_reads_it(tmp_path):
    assert list(left_open(Settings(token_file=tmp_path / "none"))) == []


def test_it_is_told_once_for_a_command_and_the_token_is_used(token):
    token.chmod(0o644)
    err = io.StringIO()
    settings = Settings(server="https://fhir.example.org", token_file=token)
    house = House(settings, lambda: datetime(2026, 11, 21, tzinfo=UTC), err)
    for _ in range(2):
        house.server().close()
    assert err.getvalue().count("WARNING: token_file") == 1
    assert "secret-token" not in err.getvalue()
    assert house.proof.token() == "secret-token"
