"""Sync and its audit record: every new decision, every write before and after, nothing unrecorded.

The real decision, the real record in files, and the server in memory.
"""

import copy
import io
import json
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest

from b12fhir import wiring
from b12fhir.adapters.audit import FileAudit, verify
from b12fhir.adapters.audit.chain import lines
from b12fhir.adapters.memory import MemoryServer
from b12fhir.adapters.sync import SyncReport, SyncSettings, sync
from b12fhir.adapters.sync.handing import HandoverInMemory
from b12fhir.config import settings
from b12fhir.errors import AuditError, AuthError, ConflictError, RefusedError, TemporaryServerError
from b12fhir.fhir.identity import patient_key
from b12fhir.fhir.site import Site
from b12fhir.fhir.told import TRANSACTION
from b12fhir.ports import AuditEntry, AuditKind, AuditState
from b12fhir.protocol.load import load_protocol
from b12fhir.service.recording import ENGINE, OFF, PROVENANCE, UNKEYED, pseudonym
from b12fhir.wiring import house
from tests.support.phi import TOKEN, assert_no_phi, sentinel_patient

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SITE = Site(server_id="sync", site_key="k")
PROTOCOL = load_protocol()
PATIENT = "Patient/sentinel"
KEY = patient_key(PATIENT, SITE)
DECISION, WRITE, RUN = AuditKind.DECISION, AuditKind.WRITE, AuditKind.RUN
INTENDED, DONE = AuditState.INTENDED, AuditState.DONE
REFUSED, UNCLEAR = AuditState.REFUSED, AuditState.UNCLEAR
OVERTAKEN = AuditState.OVERTAKEN


def b12(value: int) -> dict:
    """95 ng/L is deficient; 600 is not (R-28, R-30)."""
    return {
        "resourceType": "Observation",
        "id": "b12",
        "status": "final",
        "subject": {"reference": PATIENT},
        "code": {"coding": [{"system": "http://loinc.org", "code": "2132-9"}]},
        "effectiveDateTime": "2026-11-17",
        "valueQuantity": {
            "value": value,
            "unit": "pg/mL",
            "system": "http://unitsofmeasure.org",
            "code": "pg/mL",
        },
    }


class Killed(BaseException):
    """The process ends here: no handler of ours may see it."""


class Server(MemoryServer):
    """A memory server that does something odd around the write of a plan."""

    def __init__(self, value: int = 95) -> None:
        super().__init__([sentinel_patient(), b12(value)])
        self.before = lambda: None
        self.after = lambda: None

    def transaction(self, bundle):
        is_plan = len(bundle["entry"]) > 1
        if is_plan:
            self.before()
        answer = super().transaction(bundle)
        if is_plan:
            self.after()
        return answer


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "audit.jsonl"


def run(server, path: Path, **settings) -> SyncReport:
    audit = FileAudit(path, lambda: NOW)
    chosen = SyncSettings(workers=1, pause=lambda _: None, **settings)
    return sync(server, PROTOCOL, SITE, NOW, chosen, audit=audit)


def kept(path: Path) -> list[AuditEntry]:
    return [line.entry for line in lines(path)]


def said(path: Path) -> list[tuple[AuditKind, AuditState, bool]]:
    """Kind, state, and whether the entry is about the patient."""
    return [(entry.kind, entry.state, bool(entry.patient)) for entry in kept(path)]


DEVICE = [(WRITE, INTENDED, False), (WRITE, DONE, False)]
FIRST = [(DECISION, DONE, True), *DEVICE, (WRITE, INTENDED, True), (WRITE, DONE, True)]
END = (RUN, DONE, False)


def fail_with(server: Server, *errors: BaseException, after: bool = False) -> None:
    """Raise these one after the other, before or after the server has written."""
    left = list(errors)

    def odd() -> None:
        if left:
            raise left.pop(0)

    setattr(server, "after" if after else "before", odd)


def test_a_write_is_recorded_with_its_ground_before_it_is_sent_and_with_its_versions_after(path):
    server = Server()
    at_sending: list[AuditEntry] = []
    server.before = lambda: at_sending.extend(kept(path))
    run(server, path)
    assert said(path) == [*FIRST, END]
    decided, _, _, intended, done, _ = kept(path)
    assert at_sending[-1] == intended
    assert {e.patient for e in (decided, intended, done)} == {KEY}
    assert decided.decision == intended.decision == done.decision != ""
    assert decided.outcome.startswith("confirmed,severity=")
    assert decided.pack == f"seed-default/{PROTOCOL.pack.version}"
    assert decided.as_of == "2026-11-21T12:00:00+00:00"
    assert len(decided.rules) == 16
    assert [(one.reference, one.version) for one in decided.inputs] == [
        ("Observation/b12", "1"),
        ("Patient", "1"),  # never Patient/<id>: that would undo the pseudonym
    ]
    stored = {f"{r['resourceType']}/{r['id']}" for k in ("CarePlan", "Task") for r in server.all(k)}
    assert stored <= {one.reference for one in done.written}
    assert {one.version for one in done.written} == {"1"}
    assert len(done.written) == len(intended.written) - 1  # the Device was there already
    assert intended.plan == done.plan == f"{KEY}:e1:r1"
    assert done.answers == list(lines(path))[3].hash
    assert verify(path).is_good


def test_a_run_with_nothing_new_adds_one_entry(path):
    server = Server()
    run(server, path)
    before = kept(path)
    run(server, path)
    (added,) = kept(path)[len(before) :]
    assert (added.kind, added.outcome) == (RUN, "nothing=1")


def test_a_patient_without_a_plan_is_recorded_when_the_decision_changes(path):
    server = Server(600)
    run(server, path)
    run(server, path)
    assert [e.outcome.split(",")[0] for e in kept(path) if e.kind is DECISION] == ["unlikely"]
    server.put(b12(590))  # another result, the same class: other facts, so another decision
    run(server, path)
    digests = [e.decision for e in kept(path) if e.kind is DECISION]
    assert len(digests) == len(set(digests)) == 2


def test_a_server_that_does_not_say_where_it_wrote_leaves_the_kinds_known(path, monkeypatch):
    server = Server()
    send = server.transaction

    def silent(bundle):
        answer = send(bundle)
        return {
            **answer,
            "entry": [{"response": {"status": "201 Created"}} for _ in bundle["entry"]],
        }

    monkeypatch.setattr(server, "transaction", silent)
    run(server, path)
    done = kept(path)[4]
    assert done.state is DONE
    assert {"CarePlan", "MedicationRequest"} <= {one.reference for one in done.written}
    assert {one.version for one in done.written} == {""}


def test_a_withdrawal_names_the_versions_it_changed(path):
    server = Server()
    run(server, path)
    server.put(b12(600))
    run(server, path)
    intended, done, _ = kept(path)[-3:]
    assert intended.outcome == done.outcome == "withdraw"
    # The plan's own parts; the account of the write and its Device go along with them.
    before, after = (
        {one for one in entry.written if not one.reference.startswith(("Provenance", "Device"))}
        for entry in (intended, done)
    )
    assert {one.version for one in before} == {"1"}
    assert {one.version for one in after} == {"2"}
    assert {one.reference for one in before} == {one.reference for one in after}


def test_a_dry_run_records_its_decisions_and_that_it_was_dry(path):
    run(Server(), path, dry_run=True)
    assert said(path) == [(DECISION, DONE, True), END]
    assert kept(path)[-1].outcome == "dry-run,create=1"


def test_an_empty_server_is_a_recorded_run(path):
    sync(MemoryServer(), PROTOCOL, SITE, NOW, audit=FileAudit(path, lambda: NOW))
    assert [entry.outcome for entry in kept(path)] == ["no-patients"]


# Nothing unrecorded


def test_what_cannot_be_recorded_is_not_sent_and_no_other_patient_is_tried(tmp_path):
    (tmp_path / "file").write_text("x")
    server = Server()
    server.put({"resourceType": "Patient", "id": "second"})
    with pytest.raises(AuditError):
        run(server, tmp_path / "file" / "audit.jsonl")
    assert server.transactions == 0


def test_a_record_that_fails_in_mid_run_stops_the_next_write(path):
    """The intention stands in the record, its end cannot: the patient is reported as failed."""
    server = Server()
    server.put({"resourceType": "Patient", "id": "second"})

    def lose_the_head() -> None:
        path.with_name("audit.jsonl.head").unlink()

    server.after = lose_the_head
    results = []
    chosen = SyncSettings(workers=1)
    audit = FileAudit(path, lambda: NOW)
    with pytest.raises(AuditError):
        sync(server, PROTOCOL, SITE, NOW, chosen, audit=audit, done=results.append)
    # The second patient was not tried.
    assert [result.kind for result in results] == ["failed"]
    assert isinstance(results[0].error, AuditError)


# What a server or a crash leaves open


@pytest.mark.parametrize(
    ("error", "state", "outcome"),
    [
        (RefusedError("No.", status=422), REFUSED, "RefusedError-422"),
        (AuthError("No.", status=403), REFUSED, "AuthError-403"),
        (TemporaryServerError("Silence."), UNCLEAR, "TemporaryServerError-0"),
    ],
)
def test_an_error_of_the_server_is_recorded_as_what_it_means(path, error, state, outcome):
    server = Server()
    fail_with(server, error)
    run(server, path)
    assert said(path) == [*FIRST[:-1], (WRITE, state, True), END]
    assert kept(path)[-2].outcome == outcome
    assert kept(path)[-2].written == ()
    assert verify(path).is_good is (state is REFUSED)


def test_a_lost_race_is_looked_up_before_it_is_sent_again(path):
    server = Server()
    fail_with(server, ConflictError("First.", status=409))
    run(server, path)
    assert said(path) == [
        *FIRST[:-1],
        (WRITE, UNCLEAR, True),
        (WRITE, OVERTAKEN, True),
        *[FIRST[0], *FIRST[3:]],
        END,
    ]
    assert [e.outcome for e in kept(path)][4:6] == ["ConflictError-409", "not-as-intended"]
    assert verify(path).is_good


@pytest.mark.parametrize("written", [True, False])
def test_a_crash_between_sending_and_the_answer_is_visible_and_the_next_run_looks(path, written):
    server = Server()
    fail_with(server, Killed(), after=written)
    with pytest.raises(Killed):
        run(server, path)
    assert said(path) == FIRST[:-1]
    (open_,) = verify(path).unfinished
    assert KEY in open_
    report = run(server, path)
    assert [result.kind for result in report.results] == ["nothing" if written else "create"]
    settled = kept(path)[4]
    assert (settled.state, settled.outcome) == (
        (DONE, "found-on-server") if written else (OVERTAKEN, "not-as-intended")
    )
    assert verify(path).is_good
    assert len(server.all("CarePlan")) == 1


def test_a_write_without_a_digest_to_look_for_stays_open(path):
    """A signature of another door: only a person can say what became of it."""
    audit = FileAudit(path, lambda: NOW)
    audit.record(AuditEntry(AuditKind.SIGNATURE, "Practitioner/7", INTENDED, patient=KEY))
    run(Server(600), path)
    assert len(verify(path).unfinished) == 1


def test_a_provenance_of_which_no_answer_came_does_not_stay_open_for_ever(path):
    """HAPI gives it an id of its own, so it cannot be found; the write it is about is on record."""
    audit = FileAudit(path, lambda: NOW)
    audit.record(AuditEntry(WRITE, ENGINE, INTENDED, patient=KEY, outcome=PROVENANCE))
    run(Server(600), path)
    settled = kept(path)[1]
    assert (settled.state, settled.outcome) == (OVERTAKEN, "provenance-not-looked-for")
    assert verify(path).is_good


def test_a_provenance_that_a_server_leaves_unclear_is_let_go_in_the_same_run(path):
    """The patient is done: no later run would look, and the record would never be whole again."""
    server = Server()
    statement = copy.deepcopy(dict(server.capabilities()))
    (row,) = (r for r in statement["rest"][0]["resource"] if r["type"] == "Provenance")
    row["updateCreate"] = False  # so that it follows the write
    server.capabilities = lambda: statement
    turns = iter([None, TemporaryServerError("Silence.")])

    def second_fails() -> None:
        if error := next(turns):
            raise error

    server.before = second_fails
    run(server, path)
    ends = [(entry.state, entry.outcome) for entry in kept(path)[-3:-1]]
    assert ends == [
        (UNCLEAR, "TemporaryServerError-0"),
        (OVERTAKEN, "provenance-not-looked-for"),
    ]
    assert verify(path).is_good


def test_odd_identities_and_versions_of_others_do_not_reach_the_record(path):
    server = Server()
    server.put({"resourceType": "Patient", "id": "odd_id", "birthDate": "1950-01-01"})
    server.put(b12(600) | {"id": "b_12", "subject": {"reference": "Patient/odd_id"}})
    run(server, path)
    odd = next(entry for entry in kept(path) if entry.patient == UNKEYED)
    assert {one.reference for one in odd.inputs} == {"other"}
    assert pseudonym("Patient/odd_id", SITE) == UNKEYED


def test_switched_off_it_keeps_and_recalls_nothing():
    assert OFF.record(AuditEntry(RUN, "b12fhir/1")) == ""
    assert OFF.recall(KEY).decision == ""


# From the command line


def b12fhir(*argv: str, environ: dict | None = None) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = wiring.main(argv, environ or {}, out, err, lambda: NOW)
    assert_no_phi(out.getvalue() + err.getvalue())
    return code, out.getvalue(), err.getvalue()


ADDRESS = "http://127.0.0.1:1/fhir"
SYNC = ("sync", "--server", ADDRESS)


@pytest.fixture
def server(monkeypatch) -> Server:
    memory = Server()
    memory.base = ADDRESS
    monkeypatch.setattr(house, "RestServer", lambda *_a, **_k: nullcontext(memory))
    return memory


def test_sync_keeps_a_record_unless_it_is_switched_off_and_says_which(server):
    code, out, _ = b12fhir(*SYNC)
    assert code == 0
    assert f"Audit record: {settings.AUDIT_FILE}." in out
    assert verify(settings.AUDIT_FILE).is_good


def test_sync_without_a_record_says_so(server):
    _, out, _ = b12fhir(*SYNC, environ={"B12FHIR_AUDIT": "off"})
    assert "Audit record: none is kept." in out
    assert not settings.AUDIT_FILE.exists()


def test_a_dry_run_keeps_one_only_where_it_is_named(server, path):
    _, out, _ = b12fhir(*SYNC, "--dry-run")
    assert "Audit record" not in out
    assert not settings.AUDIT_FILE.exists()
    _, out, _ = b12fhir(*SYNC, "--dry-run", environ={"B12FHIR_AUDIT": str(path)})
    assert f"Audit record: {path}." in out
    assert path.exists()


def test_a_record_that_cannot_be_written_stops_sync_with_its_code(server, tmp_path):
    (tmp_path / "file").write_text("x")
    environ = {"B12FHIR_AUDIT": str(tmp_path / "file" / "audit.jsonl")}
    code, _, err = b12fhir(*SYNC, environ=environ)
    assert code == 14
    assert server.transactions == 0
    assert "Nothing is sent without a record" in err


@pytest.mark.parametrize("command", ["assess", "explain"])
def test_a_door_that_only_reads_records_where_a_file_is_named(tmp_path, path, command):
    source = tmp_path / "one.ndjson"
    source.write_text(f"{json.dumps(sentinel_patient())}\n{json.dumps(b12(95))}\n", "utf-8")
    environ = {"B12FHIR_AUDIT": str(path)}
    assert b12fhir(command, str(source))[0] == 0
    assert not settings.AUDIT_FILE.exists()
    for _ in range(2):
        assert b12fhir(command, str(source), environ=environ)[0] == 0
    assert [entry.kind for entry in kept(path)] == [DECISION]


def test_no_file_of_the_record_shows_who_the_patient_is(server, tmp_path):
    token = tmp_path / "token"
    token.write_text(TOKEN)
    b12fhir(*SYNC, "--token-file", str(token))
    files = [
        one for one in settings.AUDIT_FILE.parent.iterdir() if one.name.startswith("audit.jsonl")
    ]
    assert {one.name for one in files} == {
        "audit.jsonl",
        "audit.jsonl.head",
        "audit.jsonl.lock",
    }
    for one in files:
        text = one.read_text("utf-8")
        assert_no_phi(text)
        assert "Patient/" not in text
        assert "1961" not in text  # the year of birth


def test_the_place_of_a_sync_holds_references_and_nothing_else_of_a_patient(server, tmp_path):
    b12fhir(*SYNC)
    held = [one for one in settings.AUDIT_FILE.parent.iterdir() if "sqlite" in one.name]
    assert held
    for one in held:
        text = one.read_bytes().decode("latin-1")
        assert_no_phi(text)
        assert "1961" not in text


def test_verify_and_show_read_what_sync_recorded(server):
    b12fhir(*SYNC)
    code, out, _ = b12fhir("audit", "verify")
    assert code == 0
    assert out.startswith("Audit record: 6 entries whole")
    code, out, _ = b12fhir("audit", "show", "--patient", "sentinel", "--server", f"{ADDRESS}/")
    assert code == 0
    assert "decided (done)" in out
    assert "wrote drafts (was about to be sent)" in out
    assert "Observation/b12 version 1" in out
    code, out, _ = b12fhir("audit", "show", "--patient", PATIENT)
    assert code == 0
    assert out.startswith(f"No entry about {PATIENT}.")
    assert "--server" in out


def test_verify_names_the_broken_line_and_ends_with_its_code(server, path):
    b12fhir(*SYNC, environ={"B12FHIR_AUDIT": str(path)})
    path.write_bytes(path.read_bytes().replace(b"urgency=", b"urgency-", 1))
    code, out, _ = b12fhir("audit", "verify", "--file", str(path))
    assert code == 14
    assert f"BROKEN: {path}, line 1 (entry 1): what it says is not what was recorded" in out


def test_a_key_signs_the_head(server, tmp_path, path):
    key = tmp_path / "key"
    key.write_text("0123456789abcdef\n")
    environ = {"B12FHIR_AUDIT": str(path), "B12FHIR_AUDIT_KEY_FILE": str(key)}
    b12fhir(*SYNC, environ=environ)
    assert b12fhir("audit", "verify", environ=environ)[0] == 0
    key.write_text("another-key-of-16\n")
    code, out, _ = b12fhir("audit", "verify", environ=environ)
    assert code == 14
    assert "not made with this key" in out


@pytest.mark.parametrize("content", [None, "short", "fifteen-bytes-.\r\n"])
def test_a_key_that_cannot_be_one_is_refused(server, tmp_path, content):
    key = tmp_path / "key"
    if content is not None:
        key.write_text(content, newline="")
    code, _, err = b12fhir(*SYNC, environ={"B12FHIR_AUDIT_KEY_FILE": str(key)})
    assert code == 12
    assert str(key) in err
    assert server.transactions == 0


def test_a_record_that_is_off_or_not_there_cannot_be_read():
    code, _, err = b12fhir("audit", "verify", environ={"B12FHIR_AUDIT": "off"})
    assert (code, "--file" in err) == (12, True)
    code, _, err = b12fhir("audit", "verify")
    assert (code, "There is no audit record" in err) == (14, True)


def handing(server: Server, audit, waits: HandoverInMemory) -> SyncReport:
    chosen = SyncSettings(workers=1, told={TRANSACTION: False})
    return sync(server, PROTOCOL, SITE, NOW, chosen, audit=audit, handover=waits)


def test_what_is_handed_over_and_taken_back_is_recorded_once_each(path):
    server, waits = Server(), HandoverInMemory()
    for _ in range(2):
        handing(server, FileAudit(path, lambda: NOW), waits)
    server.put(b12(600))
    for _ in range(2):
        handing(server, FileAudit(path, lambda: NOW), waits)
    exports = [entry for entry in kept(path) if entry.kind is AuditKind.EXPORT]
    told = [(one.outcome, one.plan, one.patient, one.state) for one in exports]
    assert told == [
        ("handed-over-create", f"{KEY}:e1:r1", KEY, DONE),
        ("taken-back", "", KEY, DONE),
    ]
    assert not [entry for entry in kept(path) if entry.kind is WRITE]
    assert verify(path).is_good


def test_nothing_is_handed_over_that_could_not_be_recorded(path):
    class Full(FileAudit):
        """A record whose disk is full when it comes to the handing over."""

        def record(self, entry: AuditEntry) -> str:
            if entry.kind is AuditKind.EXPORT:
                raise AuditError("The disk is full.")
            return super().record(entry)

    waits = HandoverInMemory()
    (result,) = handing(Server(), Full(path, lambda: NOW), waits).results
    assert (result.kind, type(result.error)) == ("failed", AuditError)
    assert waits.waiting(KEY) == {}
