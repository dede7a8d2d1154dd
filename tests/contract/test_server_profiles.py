"""What a server lacks has a stated fallback: shown on one made to lack it, and on a real one.

The memory server lacks it, says so, and refuses whoever relies on it. HAPI lacks nothing: there the
site says so, and nothing that the site denies may be used.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from b12fhir.adapters.files import HandoverFolder
from b12fhir.adapters.memory import MemoryServer
from b12fhir.adapters.server import RestServer
from b12fhir.adapters.signoff import refuse
from b12fhir.errors import SignedError, SignOffError
from b12fhir.fhir.compose.entry import DEVICE_KEY
from b12fhir.fhir.identity import plan_key
from b12fhir.fhir.json import decode
from b12fhir.fhir.stored import KINDS
from b12fhir.fhir.told import CLIENT_IDS, CONDITIONAL_CREATE, IF_MATCH, TRANSACTION, write_of
from b12fhir.fhir.validate import validate
from tests.support.ward import Ward

DAY, NEXT = "2026-11-21", "2026-11-22"
Make = Callable[..., Ward]


@pytest.fixture(params=["memory", pytest.param("hapi", marks=pytest.mark.hapi)])
def without(request: Any, fresh: str, tmp_path: Path) -> Iterator[Make]:
    """A ward on a server without some abilities; ``has``: what the site says it can do."""
    closing: list[RestServer] = []

    def make(*lacks: str, has: tuple[str, ...] = ()) -> Ward:
        folder = HandoverFolder(tmp_path)
        told = dict.fromkeys(has, True)
        if request.param == "memory":
            memory = MemoryServer(check_references=True, lacks=lacks)

            def put(*resources: Any) -> None:
                for resource in resources:
                    memory.put(resource)

            return Ward(memory, fresh, put, told=told, handover=folder)
        rest = RestServer(request.getfixturevalue("hapi"))
        closing.append(rest)
        denied = dict.fromkeys(lacks, False)
        return Ward(rest, fresh, _putting(rest), told=denied | told, handover=folder)

    yield make
    for server in closing:
        server.close()


def _putting(server: RestServer) -> Callable[..., None]:
    def put(*resources: Any) -> None:
        entries = [
            {
                "fullUrl": f"http://example.org/fhir/{r['resourceType']}/{r['id']}",
                "resource": r,
                "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"},
            }
            for r in resources
        ]
        server.transaction({"resourceType": "Bundle", "type": "transaction", "entry": entries})

    return put


def stored(ward: Ward) -> dict[str, str]:
    """Every part of a plan on the server, with its version."""
    found = [one for kind in KINDS for one in ward.stored(kind)]
    return {f"{one['resourceType']}/{one['id']}": one["meta"]["versionId"] for one in found}


def devices(ward: Ward) -> list[Any]:
    wanted = f"{ward.site.system('device')}|{DEVICE_KEY}"
    return list(ward.server.search("Device", {"identifier": wanted}))


def load(ward: Ward, path: Path) -> None:
    """What somebody does with a file: write it on the server by a way that we do not have."""
    if isinstance(ward.server, MemoryServer):
        ward.server.lacks.clear()
    ward.server.transaction(decode(path.read_bytes()))


@pytest.mark.parametrize(
    ("lacks", "why"),
    [
        (TRANSACTION, "takes no transactions"),
        (write_of("CarePlan"), "keeps no CarePlan"),
        (write_of("Device"), "keeps no Device"),
    ],
)
def test_what_cannot_be_written_whole_waits_as_a_file_and_is_written_once(
    without: Make, tmp_path: Path, lacks: str, why: str
) -> None:
    ward = without(lacks)
    report = ward.run(DAY)
    (result,) = report.results
    assert (result.kind, result.fresh) == ("handed-over", True)
    assert why in result.reason
    assert (stored(ward), report.resources_written, report.partial) == ({}, 0, False)
    assert "Handed over: 1 plans (1 new or changed) wait" in "\n".join(report.lines())
    assert any("no (" in note and "handover" in note for note in report.notes)

    (path,) = tmp_path.iterdir()
    assert path.name == f"{str(plan_key(ward.patient, (), ward.site)).replace(':', '-')}.json"
    assert ward.fresh not in path.name
    assert validate(decode(path.read_bytes())) == []

    # A new file takes the place of the old one, so the same inode means that none was written. The
    # next day its dates stand still, although no server holds them.
    before = path.stat().st_ino, path.read_bytes()
    for day in (DAY, NEXT):
        (again,) = ward.run(day).results
        assert (again.kind, again.fresh) == ("handed-over", False)
        assert (path.stat().st_ino, path.read_bytes()) == before


def test_a_file_goes_when_its_plan_was_loaded(without: Make, tmp_path: Path) -> None:
    ward = without(TRANSACTION)
    ward.run(DAY)
    (path,) = tmp_path.iterdir()
    load(ward, path)
    assert ward.propose(NEXT) == "nothing"
    assert list(tmp_path.iterdir()) == []
    assert ward.plan(NEXT).kind == "treat"


def test_a_file_follows_the_facts_and_goes_with_them(without: Make, tmp_path: Path) -> None:
    """250 ng/L lies between the limits: to be confirmed (R-30); a dead patient gets no plan."""
    ward = without(TRANSACTION)
    ward.run(DAY)
    (path,) = tmp_path.iterdir()
    treated = path.read_bytes()
    ward.result(250)
    (result,) = ward.run(NEXT).results
    assert (result.kind, result.fresh) == ("handed-over", True)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() != treated
    ward.store(
        {
            "resourceType": "Patient",
            "id": ward.fresh,
            "gender": "female",
            "birthDate": "1970-01-01",
            "deceasedDateTime": "2026-11-22",
        }
    )
    assert ward.propose("2026-11-23") == "nothing"
    assert list(tmp_path.iterdir()) == []


def test_without_conditional_create_our_own_ids_keep_a_plan_single(without: Make) -> None:
    ward = without(CONDITIONAL_CREATE, has=(CLIENT_IDS,))
    assert ward.propose(DAY) == "create"
    first = stored(ward)
    assert all(place.partition("/")[2].startswith("b12-") for place in first)
    assert set(first.values()) == {"1"}
    assert ward.propose(NEXT) == "nothing"
    assert stored(ward) == first
    ward.result(250)
    assert ward.propose(NEXT) == "update"
    assert ward.propose(NEXT) == "nothing"
    assert len(ward.stored("CarePlan")) == len(devices(ward)) == 1


def test_eight_runs_at_once_under_our_own_ids_write_one_plan(without: Make) -> None:
    """Those that lose the race read again, and find it written."""
    ward = without(has=(CLIENT_IDS,))
    with ThreadPoolExecutor(8) as pool:
        kinds = set(pool.map(lambda _: ward.run(DAY).results[0].kind, range(8)))
    assert kinds <= {"create", "nothing", "failed"}
    assert len(ward.stored("CarePlan")) == 1
    assert set(stored(ward).values()) == {"1"}
    assert ward.propose(DAY) == "nothing"


def test_where_the_server_gives_the_ids_each_write_follows_a_look(without: Make) -> None:
    ward = without(CONDITIONAL_CREATE, CLIENT_IDS)
    report = ward.run(DAY)
    assert [result.kind for result in report.results] == ["create"]
    assert any("may write a plan twice" in note for note in report.notes)
    first = stored(ward)
    assert not any("b12-" in place for place in first)
    assert ward.propose(NEXT) == "nothing"
    assert stored(ward) == first
    ward.result(250)
    assert ward.propose(NEXT) == "update"
    assert ward.propose(NEXT) == "nothing"
    assert len(ward.stored("CarePlan")) == len(devices(ward)) == 1
    assert ward.stored("CarePlan")[0]["author"]["reference"] == f"Device/{devices(ward)[0]['id']}"


@pytest.mark.parametrize("lacks", [(CONDITIONAL_CREATE,), (CONDITIONAL_CREATE, CLIENT_IDS)])
def test_a_signature_counts_once_in_every_form(without: Make, lacks: tuple[str, ...]) -> None:
    ward = without(*lacks, has=() if CLIENT_IDS in lacks else (CLIENT_IDS,))
    ward.propose(DAY)
    ward.sign(DAY)
    assert ward.orders() == {"induction": "active"}
    with pytest.raises(SignedError):
        ward.sign(DAY, phase="induction")
    assert len([one for one in ward.stored("MedicationRequest") if one["intent"] == "order"]) == 1
    assert ward.propose(NEXT) == "nothing"


def test_without_if_match_a_draft_is_left_and_its_successor_waits(
    without: Make, tmp_path: Path
) -> None:
    ward = without(IF_MATCH)
    assert ward.propose(DAY) == "create"
    first = stored(ward)
    assert ward.propose(NEXT) == "nothing"
    ward.result(250)
    (result,) = ward.run(NEXT).results
    assert (result.kind, result.fresh) == ("handed-over", True)
    assert result.reason.endswith("what a clinician changed could be overwritten")
    assert stored(ward) == first
    (path,) = tmp_path.iterdir()
    assert path.stem.replace("-", ":") == ward.plan(NEXT).key
    assert [r.fresh for r in ward.run(NEXT).results] == [False]
    load(ward, path)
    assert ward.propose(NEXT) == "nothing"
    assert list(tmp_path.iterdir()) == []


def test_without_if_match_nothing_is_signed_or_rejected(without: Make) -> None:
    ward = without(IF_MATCH)
    ward.propose(DAY)
    first = stored(ward)
    with pytest.raises(SignOffError, match=r"cannot take a signature: no .*versions"):
        ward.sign(DAY)
    with pytest.raises(SignOffError, match="versions"):
        refuse(ward.desk(DAY), ward.plan(DAY).key, ward.doctor, "no")
    assert stored(ward) == first


@pytest.mark.parametrize("kind", ["Goal", "RiskAssessment", "DetectedIssue", "Task"])
def test_a_part_that_is_not_kept_is_left_away(without: Make, kind: str) -> None:
    ward = without(write_of(kind))
    assert ward.propose(DAY) == "create"
    assert ward.stored(kind) == []
    assert len(ward.stored("CarePlan")) == 1
    assert ward.propose(NEXT) == "nothing"


def test_without_provenance_the_plan_is_written_all_the_same(without: Make) -> None:
    ward = without(write_of("Provenance"))
    report = ward.run(DAY)
    assert [result.kind for result in report.results] == ["create"]
    assert any("no Provenance" in note for note in report.notes)
    assert ward.stored("Provenance") == []
