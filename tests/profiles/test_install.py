"""Loading into a server: once, in order, over its own only, and plain words when refused."""

import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from b12fhir import wiring
from b12fhir.adapters.install import install, refusals
from b12fhir.adapters.memory import MemoryServer
from b12fhir.errors import RefusedError
from b12fhir.fhir.profiles import artefacts, file_name
from b12fhir.fhir.profiles.loading import loads, transaction
from b12fhir.protocol.load import load_protocol
from b12fhir.wiring import house

ALL = artefacts(load_protocol())
ANYTHING: Mapping[str, Any] = {"resourceType": "CapabilityStatement", "rest": []}


class Server(MemoryServer):
    """A memory server that takes artefacts, but not those named in ``refuses``."""

    def __init__(self, statement: Mapping[str, Any] = ANYTHING, refuses: str = "") -> None:
        super().__init__()
        self.statement, self.refuses = statement, refuses

    def capabilities(self):
        return self.statement

    def transaction(self, bundle):
        if self.refuses and any(e["resource"]["id"] == self.refuses for e in bundle["entry"]):
            raise RefusedError("Refused.", status=422, detail="the server's own words")
        return super().transaction(bundle)


def _counts(done) -> list[tuple[int, int, int]]:
    return [
        (
            sum(kind.created for kind in done),
            sum(kind.updated for kind in done),
            sum(kind.unchanged for kind in done),
        )
    ]


def test_a_second_run_writes_nothing():
    server = Server()
    assert _counts(install(server, ALL)) == [(len(ALL), 0, 0)]
    written = server.transactions
    assert _counts(install(server, ALL)) == [(0, 0, len(ALL))]
    assert server.transactions == written == 8


def test_each_kind_follows_what_it_needs():
    """A profile that arrives before its value sets cannot be used in between."""
    assert [kind.kind for kind in install(Server(), ALL)] == [
        "CodeSystem",
        "ValueSet",
        "StructureDefinition",
        "ConceptMap",
        "Library",
        "ActivityDefinition",
        "PlanDefinition",
        "CapabilityStatement",
    ]


def test_what_is_old_is_written_over_and_no_more():
    server = Server()
    install(server, ALL)
    newer = [one | {"title": "Other"} if one["id"] == "b12-route" else one for one in ALL]
    assert _counts(install(server, newer)) == [(0, 1, len(ALL) - 1)]
    (stored,) = server.search("ValueSet", {"_id": "b12-route"})
    assert (stored["title"], stored["meta"]["versionId"]) == ("Other", "2")


def test_a_dry_run_tells_and_writes_nothing():
    server = Server()
    assert _counts(install(server, ALL, dry_run=True)) == [(len(ALL), 0, 0)]
    assert server.transactions == 0


def test_one_that_is_refused_does_not_stop_the_others():
    server = Server(refuses="b12-careplan")
    done = install(server, ALL)
    profiles = next(kind for kind in done if kind.kind == "StructureDefinition")
    assert profiles.line() == "StructureDefinition: 12 created, 0 updated, 0 unchanged, 1 refused"
    (told,) = refusals(done)
    assert told.startswith("StructureDefinition/b12-careplan: the server refused it (HTTP 422).")
    assert "own words" not in told
    assert list(server.search("PlanDefinition", {"_id": "b12-seed-default"}))


def test_a_refusal_without_a_status_is_told_without_one():
    done = install(Server(refuses="b12fhir"), ALL)
    done[-1].refused[0][1].status = None
    (told,) = refusals(done)
    assert told.startswith("CapabilityStatement/b12fhir: the server refused it. ")


def test_a_type_the_server_lacks_is_left_out_and_told():
    rows = [
        {"type": kind, "interaction": [{"code": "update"}, {"code": "search-type"}]}
        for kind in ("CodeSystem", "ValueSet")
    ]
    rows.append({"type": "StructureDefinition", "interaction": [{"code": "search-type"}]})
    rows.append({"type": "Library", "interaction": [{"code": "update"}]})
    server = Server({"rest": [{"mode": "server", "resource": rows}]})
    done = {kind.kind: kind for kind in install(server, ALL)}
    assert [name for name, kind in done.items() if not kind.lacking] == ["CodeSystem", "ValueSet"]
    assert (
        done["StructureDefinition"].line()
        == "StructureDefinition: the server does not take this type; 13 left out."
    )
    assert server.transactions == 2


def test_only_the_version_that_was_read_is_written_over():
    one = ALL[0]
    name = f"{one['resourceType']}/{one['id']}"
    held = one | {"title": "Other", "meta": {"versionId": "7"}}
    (new,), (old,) = loads([one], []), loads([one], [held])
    (entry,) = transaction("http://s/fhir", [old])["entry"]
    assert entry["request"] == {"method": "PUT", "url": name, "ifMatch": 'W/"7"'}
    assert entry["fullUrl"] == f"http://s/fhir/{name}"
    assert new.entry("http://s/fhir")["request"] == {"method": "PUT", "url": name}


def test_what_a_server_adds_is_no_difference():
    one = ALL[0]
    text = {"status": "generated", "div": "..."}
    assert loads([one], [one | {"meta": {"versionId": "1"}, "text": text}]) == ()


def _run(*argv: str, now) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    code = wiring.main(argv, {}, out, err, lambda: now)
    return code, out.getvalue(), err.getvalue()


def test_export_writes_what_is_committed(tmp_path: Path, now):
    """What a site exports is what reviewers saw in the repository."""
    code, out, err = _run("protocol", "export", "--out", str(tmp_path), now=now)
    assert (code, err) == (0, "")
    assert out == f"{tmp_path}: {len(ALL)} FHIR artefacts. Nothing was sent anywhere.\n"
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json")}
    assert made == {file_name(one) for one in ALL}
    root = Path(__file__).parents[2] / "profiles"
    for name in made:
        assert (tmp_path / name).read_text() == (root / name).read_text()


def test_export_without_a_folder_goes_to_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now
):
    monkeypatch.chdir(tmp_path)
    assert _run("protocol", "export", now=now)[0] == 0
    path = tmp_path / "out/profiles/plandefinitions/PlanDefinition-b12-seed-default.json"
    assert json.loads(path.read_text())["id"] == "b12-seed-default"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch):
    """A memory server in the place of the one that the command line names."""

    def _served(server: Server) -> Server:
        class _Door:
            def __enter__(self):
                return server

            def __exit__(self, *_):
                return None

        monkeypatch.setattr(house, "RestServer", lambda *_, **__: _Door())
        return server

    return _served


def test_the_command_tells_what_it_did(served, now):
    server = served(Server())
    argv = ("install-profiles", "--server", "http://127.0.0.1:9/fhir")
    code, out, _ = _run(*argv, "--dry-run", now=now)
    assert (code, out.splitlines()[-1]) == (0, f"Would write {len(ALL)} artefacts.")
    assert server.transactions == 0
    assert _run(*argv, now=now)[1].splitlines()[-1] == f"Wrote {len(ALL)} artefacts."
    code, out, err = _run(*argv, now=now)
    assert (code, out.splitlines()[-1], err) == (0, "Wrote 0 artefacts.", "")


def test_the_command_tells_what_was_refused(served, now):
    served(Server(refuses="b12-goal"))
    code, _, err = _run("install-profiles", "--server", "http://127.0.0.1:9/fhir", now=now)
    assert code == 30
    assert "b12fhir: StructureDefinition/b12-goal: the server refused it (HTTP 422)" in err
    assert "own words" not in err
