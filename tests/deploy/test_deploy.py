"""The image and its compose file, as far as they can be tested without a container engine.

No image is built here: files, settings, commands and secrets that are named must exist and fit.
"""

import io
import json
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from b12fhir import wiring
from b12fhir.adapters.cli.parser import build
from tests.support.tokens import ec_signer, jwks

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "profiles" / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
OURS = {name: row for name, row in COMPOSE["services"].items() if name != "database"}
SETTINGS = tomllib.loads((DEPLOY / "b12fhir.toml").read_text("utf-8"))
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
INSIDE = "/etc/b12fhir/b12fhir.toml"


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile with its words, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [
        (word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines if line)
    ]


DOCKERFILE = instructions()


def words(name: str) -> list[str]:
    """What follows an instruction, wherever it stands."""
    return [rest for word, rest in DOCKERFILE if word == name]


def test_what_is_copied_exists_and_is_sent_to_the_builder():
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    sent = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    named = {
        name
        for rest in words("COPY")
        if not rest.startswith("--from")
        for name in rest.split()[:-1]
    }
    assert "*" in ignored
    assert named == sent
    assert all((ROOT / name).exists() for name in named)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["force-include"], project["project"]["readme"], "LICENSE", "NOTICE", "src"}
    assert needed <= named


def test_the_image_has_a_python_that_the_program_takes():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for rest in words("FROM"):
        (version,) = re.findall(r"^python:([0-9.]+)-slim", rest)
        assert Version(version) in SpecifierSet(project["requires-python"])
        assert f"Programming Language :: Python :: {version}" in project["classifiers"]


def test_it_runs_as_nobody_special_and_its_start_is_a_command_of_ours():
    (user,) = words("USER")
    assert int(user) > 0
    assert f"--uid {user} " in " ".join(words("RUN"))
    assert json.loads(words("ENTRYPOINT")[0]) == ["b12fhir"]
    args = build().parse_args(json.loads(words("CMD")[0]))
    assert (args.command, args.config, args.subscriptions) == ("serve", INSIDE, False)


def test_the_health_of_the_image_is_asked_for_where_the_service_answers():
    (check,) = words("HEALTHCHECK")
    code = json.loads(check.partition("CMD ")[2])[2]
    compile(code, "healthcheck", "exec")
    port = SETTINGS["listen"].rpartition(":")[2]
    assert f"http://127.0.0.1:{port}/healthz" in code
    assert words("EXPOSE") == [port]


@pytest.mark.parametrize("name", OURS)
def test_a_service_can_write_nowhere_but_where_it_must(name):
    service = OURS[name]
    assert service["read_only"] is True
    assert service["user"].startswith(words("USER")[0])
    assert service["cap_drop"] == ["ALL"]
    kept = {row.split(":")[1] for row in service["volumes"] if not row.startswith("./")}
    for place in (SETTINGS["audit"], SETTINGS["out"]):
        assert any(place.startswith(f"{folder}/") for folder in kept)
    # What a volume does not have yet is taken from the image, its owner included.
    made = " ".join(words("RUN"))
    assert all(folder in made for folder in kept)
    grace = SETTINGS.get("hooks_grace", 30)
    assert int(service["stop_grace_period"].removesuffix("s")) > grace


@pytest.mark.parametrize("name", OURS)
def test_commands_can_be_parsed_and_ports_fit(name):
    service = OURS[name]
    args = build().parse_args(service["command"])
    assert args.config == INSIDE
    assert args.subscriptions is (name == "worker")
    inside = SETTINGS["listen"].rpartition(":")[2]
    assert [row.rpartition(":")[2] for row in service["ports"]] == [inside]
    # Plain http: only this machine, where the proxy stands, may reach it.
    assert all(row.startswith("127.0.0.1:") for row in service["ports"])


def test_every_file_volume_and_secret_that_is_named_is_defined():
    for service in COMPOSE["services"].values():
        assert set(service["secrets"]) <= set(COMPOSE["secrets"])
        for row in service["volumes"]:
            source = row.partition(":")[0]
            assert (
                (DEPLOY / source).exists()
                if source.startswith("./")
                else source in COMPOSE["volumes"]
            )
    told = (DEPLOY / "compose.yaml").read_text("utf-8")
    comments = "\n".join(line for line in told.splitlines() if line.startswith("#"))
    assert all(secret in comments for secret in COMPOSE["secrets"])
    used = {value for value in SETTINGS.values() if str(value).startswith("/run/secrets/")}
    held = {f"/run/secrets/{name}" for name in OURS["worker"]["secrets"]}
    assert used | {OURS["worker"]["environment"]["PGPASSFILE"]} == held
    assert (ROOT / COMPOSE["services"]["hooks"]["build"]["dockerfile"]).exists()


def test_the_database_is_the_one_that_the_settings_name():
    environment = COMPOSE["services"]["database"]["environment"]
    user, name = environment["POSTGRES_USER"], environment["POSTGRES_DB"]
    for setting in ("hooks_store", "sync_store"):
        assert SETTINGS[setting] == f"postgresql://{user}@database/{name}"


def test_no_secret_stands_in_a_file_of_the_repository():
    assert not (DEPLOY / "secrets").exists()
    for path in DEPLOY.iterdir():
        assert not re.search(r"(?i)(password|secret|token)\s*[:=]\s*[\"']?\w{12}", path.read_text())


@pytest.mark.parametrize("argv", [row["command"] for row in OURS.values()], ids=OURS)
def test_the_service_would_start_with_these_settings(argv, tmp_path):
    """With its files under another root, a key set in a file, and SQLite for PostgreSQL."""
    text = (DEPLOY / "b12fhir.toml").read_text("utf-8")
    text = text.replace("/run/secrets", str(tmp_path)).replace("/var/lib/b12fhir", str(tmp_path))
    text = re.sub(r"postgresql://[^\"]+", f"sqlite:///{tmp_path}/db.sqlite3", text)
    (tmp_path / "keys.json").write_bytes(jwks(ec_signer()))
    for name in OURS["worker"]["secrets"]:
        (tmp_path / name).write_text("0123456789abcdef0123456789abcdef\n", "utf-8")
        (tmp_path / name).chmod(0o600)
    file = tmp_path / "b12fhir.toml"
    file.write_text(text, "utf-8")
    out, err = io.StringIO(), io.StringIO()
    words = [str(file) if word == INSIDE else word for word in argv]
    code = wiring.main([*words, "--check"], {}, out, err, lambda: NOW)
    assert (code, err.getvalue()) == (0, "")
    assert "The settings are good." in out.getvalue()
    assert "0123456789abcdef" not in out.getvalue()
