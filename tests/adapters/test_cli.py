"""The command line: every way in, every way to fail, and the exit code of each."""

import io
import json
import subprocess
import sys
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from b12fhir import __version__, wiring
from b12fhir.adapters.cli import commands, exits
from b12fhir.adapters.cli.parser import SETTING_OPTIONS, build
from b12fhir.adapters.memory import MemoryServer
from b12fhir.config import Settings
from b12fhir.demo import cohort_dir
from b12fhir.errors import Defect, PatientError, RefusedError, UserError
from b12fhir.service import proposal_schema
from b12fhir.wiring import doors, house
from tests.support.phi import FAMILY, TOKEN, assert_no_phi, sentinel_patient

CLOCK = datetime(2026, 11, 21, 10, 17, 23, tzinfo=ZoneInfo("Asia/Kathmandu"))
COHORT = Path(str(cohort_dir()))
DAY = "2026-11-21"
B12 = {
    "resourceType": "Observation",
    "id": "b12",
    "status": "final",
    "subject": {"reference": "Patient/sentinel"},
    "code": {"coding": [{"system": "http://loinc.org", "code": "2132-9"}]},
    "effectiveDateTime": "2026-11-17",
    "valueQuantity": {
        "value": 95,
        "unit": "pg/mL",
        "system": "http://unitsofmeasure.org",
        "code": "pg/mL",
    },
}
OTHER = {"resourceType": "Patient", "id": "p2", "gender": "male", "birthDate": "1960-01-01"}


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def b12fhir(*argv, environ=None, stderr=None) -> tuple[int, str, str]:
    """Run a command; exit code, standard output, standard error."""
    out, err = io.StringIO(), stderr or io.StringIO()
    words = [str(word) for word in argv]
    code = wiring.main(words, {"COLUMNS": "140", **(environ or {})}, out, err, lambda: CLOCK)
    assert_no_phi(out.getvalue())
    assert_no_phi(err.getvalue())
    return code, out.getvalue(), err.getvalue()


def ndjson(path: Path, *resources) -> Path:
    rows = [one if isinstance(one, str) else json.dumps(one) for one in resources]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


@pytest.fixture
def one(tmp_path) -> Path:
    """One patient with a low B12."""
    return ndjson(tmp_path / "one.ndjson", sentinel_patient(), B12)


@pytest.fixture
def two(tmp_path) -> Path:
    """Two patients."""
    return ndjson(tmp_path / "two.ndjson", sentinel_patient(), B12, OTHER)


# Help.


def test_help_names_every_command_and_every_exit_code():
    code, out, _ = b12fhir("--help")
    assert code == 0
    for command in commands.COMMANDS:
        assert f"\n    {command} " in out
    for number, text in exits.exit_codes().items():
        assert f"{number:>3}  {text}" in out


@pytest.mark.parametrize("command", commands.COMMANDS)
def test_every_command_explains_itself_with_an_example(command):
    code, out, _ = b12fhir(command, "--help")
    assert code == 0
    assert f"b12fhir {command}" in out
    assert "examples:" in out


def test_the_examples_of_the_help_can_be_parsed():
    """An example that does not work is the first thing a newcomer tries."""
    for command in commands.COMMANDS:
        _, out, _ = b12fhir(command, "--help")
        for line in out.splitlines():
            if line.startswith("  b12fhir "):
                words = line.partition("|")[0].partition("&&")[0].split()
                build().parse_args(words[1:])


def test_the_version_is_told():
    assert b12fhir("--version") == (0, f"b12fhir {__version__}\n", "")


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("asses",),
        ("assess",),
        ("assess", "x.json", "--jsn"),
        ("sync", "--serv", "http://x"),
        ("assess", "x.json", "--as-of", "yesterday"),
        ("assess", "x.json", "--as-of", "2026-11"),
        ("assess", "x.json", "--as-of", "2026-02-30"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(argv):
    code, out, err = b12fhir(*argv)
    assert (code, out) == (2, "")
    assert err.startswith("b12fhir: ")
    assert err.count("\n") == 1


def test_every_user_error_has_its_own_documented_code():
    def tree(kind):
        return [kind, *(d for sub in kind.__subclasses__() for d in tree(sub))]

    public = [kind for kind in tree(UserError) if kind.__module__ == UserError.__module__]
    assert {kind.exit_code for kind in public} | {0, 30, 70, 130, 141} == set(exits.exit_codes())


# assess


def test_one_patient_is_shown_in_full(one):
    code, out, err = b12fhir("assess", one, "--as-of", DAY)
    assert (code, err) == (0, "")
    for text in ("Patient/sentinel", "Deficient, confirmed", "R-28", "Observation/b12", "Urgent"):
        assert text in out
    assert "no clinician has signed this pack" in out


def test_several_patients_are_listed_then_shown(two):
    code, out, _ = b12fhir("assess", two, "--as-of", DAY)
    assert code == 0
    assert out.index("2  patients in all") < out.index("Patient/p2")


def test_one_patient_as_json_keeps_the_schema(one):
    code, out, err = b12fhir("assess", one, "--as-of", DAY, "--json")
    proposal = json.loads(out)
    jsonschema.validate(proposal, proposal_schema())
    assert code == 0
    assert proposal["patient"] == "Patient/sentinel"
    assert proposal["decision"]["classification"] == "confirmed"
    assert err.startswith("Urgent found: ")


def test_several_patients_as_json_are_one_line_each(two):
    _, out, _ = b12fhir("assess", two, "--as-of", DAY, "--json")
    patients = [json.loads(line)["patient"] for line in out.splitlines()]
    assert patients == ["Patient/p2", "Patient/sentinel"]


def test_one_of_several_can_be_chosen(two):
    _, out, _ = b12fhir("assess", two, "--patient", "p2", "--json")
    assert json.loads(out)["patient"] == "Patient/p2"


@pytest.mark.parametrize(
    ("options", "as_of"),
    [
        ((), "2026-11-21T04:32:23+00:00"),
        (("--zone", "Asia/Kathmandu"), "2026-11-21T10:17:23+05:45"),
        (("--as-of", DAY), "2026-11-21T23:59:59+00:00"),
        (("--as-of", DAY, "--zone", "Asia/Kathmandu"), "2026-11-21T23:59:59+05:45"),
        (("--as-of", "2026-11-21T23:30:00-02:00"), "2026-11-22T01:30:00+00:00"),
        (
            ("--as-of", "2026-11-21T08:00:00", "--zone", "Asia/Kathmandu"),
            "2026-11-21T08:00:00+05:45",
        ),
    ],
)
def test_the_moment_is_now_or_what_is_asked_in_the_zone_of_the_site(one, options, as_of):
    _, out, _ = b12fhir("assess", one, "--json", *options)
    assert json.loads(out)["as_of"] == as_of


def test_a_result_of_the_day_itself_counts_however_late(tmp_path):
    """A bare day means all of it: else the afternoon's result would be a future one."""
    late = {**B12, "effectiveDateTime": "2026-11-21T23:30:00Z"}
    path = ndjson(tmp_path / "a.ndjson", sentinel_patient(), late)
    _, out, _ = b12fhir("assess", path, "--as-of", DAY, "--json")
    assert json.loads(out)["decision"]["classification"] == "confirmed"


def test_the_same_command_gives_the_same_output(two):
    assert b12fhir("assess", two) == b12fhir("assess", two)


@pytest.mark.parametrize(
    ("resources", "code", "says"),
    [
        ([sentinel_patient(), B12, '{"resourceType": "Obs'], 30, "line 3"),
        ([sentinel_patient(), B12, {"resourceType": "Observaton"}], 0, "'Observaton' is no"),
        ([sentinel_patient(), B12, {**B12, "id": "x", "subject": None}], 0, "names no"),
        (
            [sentinel_patient(), B12, {**B12, "id": "x", "subject": {"reference": "Patient/gone"}}],
            30,
            "no such Patient",
        ),
    ],
)
def test_bad_input_is_named_and_the_others_are_assessed(tmp_path, resources, code, says):
    path = ndjson(tmp_path / "in.ndjson", *resources)
    got, out, err = b12fhir("assess", path, "--as-of", DAY)
    assert got == code
    assert says in err
    assert "Traceback" not in err
    assert "Deficient, confirmed" in out


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", 10, "empty"),
        (b'{"resourceType": "Bundle", "entry": [', 10, "not readable as JSON"),
        (b"<html><body>Sign in</body></html>", 10, "HTML page"),
        (b"\x7fELF\x00\x00", 10, "binary"),
        (b'[{"resourceType": "Patient", "id": "a"}]', 10, "JSON array"),
        (b'{"resourceType": "Bundle", "type": "collection"}', 10, "holds no FHIR resource"),
        (json.dumps(B12).encode(), 11, "no Patient"),
        (None, 10, "does not exist"),
    ],
)
def test_an_unusable_file_is_one_line_with_the_file_and_what_to_do(tmp_path, content, code, says):
    path = tmp_path / "input.json"
    if content is not None:
        path.write_bytes(content)
    got, out, err = b12fhir("assess", path)
    assert (got, out) == (code, "")
    assert err.startswith("b12fhir: ")
    assert err.count("\n") == 1
    assert str(path) in err
    assert says in err


def test_a_folder_without_data_is_an_input_error(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    code, _, err = b12fhir("assess", tmp_path)
    assert code == 10
    assert "*.ndjson" in err


def test_a_patient_who_is_not_there_is_a_patient_error(one):
    code, _, err = b12fhir("assess", one, "--patient", "p9")
    assert code == 11
    assert "Patient/sentinel" in err


def test_a_patient_who_cannot_be_assessed_does_not_stop_the_others(two, monkeypatch):
    propose = doors.propose

    def picky(resources, protocol, as_of, site, patient):
        if patient == "Patient/p2":
            raise PatientError("Two patients claim this id.")
        return propose(resources, protocol, as_of, site, patient)

    monkeypatch.setattr(doors, "propose", picky)
    code, out, err = b12fhir("assess", two, "--as-of", DAY)
    assert code == 30
    assert "Patient/p2 was not assessed: Two patients claim this id." in err
    assert "Patient/sentinel" in out


def test_if_no_patient_can_be_assessed_the_error_is_the_answer(one, monkeypatch):
    def never(*_args, **_kwargs):
        raise PatientError("Two patients claim this id.")

    monkeypatch.setattr(doors, "propose", never)
    assert b12fhir("assess", one)[0] == 11


def test_many_notes_are_cut_short(tmp_path):
    path = ndjson(tmp_path / "in.ndjson", sentinel_patient(), *["{"] * 30)
    _, _, err = b12fhir("assess", path)
    assert err.count("\n") == 21
    assert "and 1 more like these" in err


# Settings and packs.


@pytest.mark.parametrize(
    ("options", "environ", "code"),
    [
        (("--pack", "no-such-pack"), {}, 13),
        ((), {"B12FHIR_PACK": "no-such-pack"}, 13),
        ((), {"B12FHIR_REFUSE_UNREVIEWED": "on"}, 13),
        (("--zone", "Mars/Base"), {}, 12),
        ((), {"B12FHIR_TYPO": "1"}, 12),
    ],
)
def test_a_faulty_setting_has_its_code(one, options, environ, code):
    got, out, err = b12fhir("assess", one, *options, environ=environ)
    assert (got, out) == (code, "")
    assert err.count("\n") == 1


def test_packs_are_listed_with_who_signed_them():
    code, out, _ = b12fhir("packs")
    assert code == 0
    assert "seed-default" in out
    assert "no clinician has signed it" in out


# demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> tuple[Path, str]:
    """The demo's files and output, made once."""
    folder = tmp_path_factory.mktemp("demo") / "out"
    code, out, err = b12fhir("demo", "--out", folder)
    assert (code, err) == (0, "")
    return folder, out


def test_the_demo_writes_proposals_and_a_report_and_says_where(demo):
    folder, out = demo
    assert sorted(path.name for path in folder.iterdir()) == ["proposals.ndjson", "report.html"]
    assert f"{folder}/report.html" in out
    assert "Urgent found: " in out
    assert "Assessed as of 2026-11-21" in out


def test_every_proposal_of_the_demo_is_a_draft_transaction(demo):
    lines = (demo[0] / "proposals.ndjson").read_text(encoding="utf-8").splitlines()
    assert len(lines) >= 20
    for line in lines:
        bundle = json.loads(line)
        assert bundle["type"] == "transaction"
        for entry in bundle["entry"]:
            resource = entry["resource"]
            if resource["resourceType"] != "Device":
                status = resource.get("status") or resource["lifecycleStatus"]
                assert status in ("draft", "proposed", "preliminary", "requested")
                assert resource.get("intent", "proposal") == "proposal"


def test_every_patient_of_the_cohort_is_in_the_report(demo):
    page = (demo[0] / "report.html").read_text(encoding="utf-8")
    patients = (COHORT / "Patient.ndjson").read_text(encoding="utf-8").splitlines()
    for line in patients:
        assert f'id="p-Patient-{json.loads(line)["id"]}"' in page


def test_the_demo_gives_the_same_bytes_again(demo, tmp_path):
    b12fhir("demo", "--out", tmp_path)
    for name in ("proposals.ndjson", "report.html"):
        assert (tmp_path / name).read_bytes() == (demo[0] / name).read_bytes()


def test_no_name_or_identifier_of_the_cohort_is_in_the_demo_output(demo):
    folder, out = demo
    shown = out + (folder / "report.html").read_text(encoding="utf-8")
    for line in (COHORT / "Patient.ndjson").read_text(encoding="utf-8").splitlines():
        patient = json.loads(line)
        for name in patient.get("name", []):
            assert name.get("family", "\0") not in shown
        for number in patient.get("identifier", []):
            assert number["value"] not in shown


def test_a_folder_that_cannot_be_written_is_a_setting_to_mend(tmp_path):
    (tmp_path / "file").write_text("x")
    code, _, err = b12fhir("demo", "--out", tmp_path / "file")
    assert code == 12
    assert "--out" in err


# sync and doctor, on the server in memory


@pytest.fixture
def server(monkeypatch) -> MemoryServer:
    """A server with the first patients of the cohort, in the place of a real one."""
    memory = MemoryServer(cohort(20))
    monkeypatch.setattr(house, "RestServer", lambda *_a, **_k: nullcontext(memory))
    return memory


def cohort(patients: int) -> list[dict]:
    rows = [
        json.loads(line)
        for path in sorted(COHORT.glob("*.ndjson"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    keys = {f"Patient/demo-{number:02}" for number in range(1, patients + 1)}

    def whose(row) -> str:
        if row["resourceType"] == "Patient":
            return f"Patient/{row['id']}"
        return (row.get("subject") or row.get("patient") or {}).get("reference", "")

    return [row for row in rows if row["resourceType"] == "Medication" or whose(row) in keys]


SYNC = ("sync", "--server", "http://127.0.0.1:1/fhir", "--as-of", DAY)


def test_sync_writes_once_and_then_says_that_there_is_nothing_to_write(server):
    code, out, err = b12fhir(*SYNC)
    assert (code, err) == (0, "")
    assert "created" in out
    assert "URGENT" in out
    sent = server.transactions
    assert sent > 0
    code, out, _ = b12fhir(*SYNC)
    assert code == 0
    assert "No patient was assessed." in out
    assert "Nobody had to be looked at." in out
    code, out, _ = b12fhir(*SYNC, "--full")
    assert code == 0
    assert "Nothing to write: 20 patients stand unchanged." in out
    assert server.transactions == sent


def test_a_dry_run_writes_nothing_and_hands_the_bundles_over(server, tmp_path):
    code, out, _ = b12fhir(*SYNC, "--dry-run", "--out", tmp_path)
    assert code == 0
    assert "would be created" in out
    assert server.transactions == 0
    assert (tmp_path / "proposals.ndjson").read_text(encoding="utf-8").count("\n") > 5
    assert (tmp_path / "report.html").exists()


def test_without_an_out_folder_sync_leaves_no_file(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    b12fhir(*SYNC, "--dry-run")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("tty", [True, False])
def test_what_a_server_says_of_a_refusal_is_for_a_terminal_only(server, monkeypatch, tty):
    """It may quote the patient: shown to a person, kept out of logs and files."""

    def refuse(_bundle):
        raise RefusedError("The server refused the plan (error invalid).", detail="words of it")

    monkeypatch.setattr(server, "transaction", refuse)
    stderr = Tty() if tty else io.StringIO()
    code, _, err = b12fhir(*SYNC, stderr=stderr, environ={"TERM": "dumb"})
    assert code in {30, 23}
    assert "refused the plan" in err
    assert ("words of it" in err) is tty


def test_a_mistake_of_ours_about_one_patient_keeps_its_traceback(server, monkeypatch):
    """The others are written all the same; without the traceback nobody could mend it."""
    send = server.transaction

    def fail_once(bundle):
        if "demo-01" in json.dumps(bundle, default=str):
            raise ZeroDivisionError("x")
        return send(bundle)

    monkeypatch.setattr(server, "transaction", fail_once)
    code, out, err = b12fhir(*SYNC)
    assert code == 30
    assert "ZeroDivisionError" in err
    assert "Patient/demo-01: failed: Our own mistake" in err
    assert "created" in out


def test_if_every_patient_fails_alike_the_code_says_how(monkeypatch):
    memory = MemoryServer(cohort(1))
    monkeypatch.setattr(house, "RestServer", lambda *_a, **_k: nullcontext(memory))

    def refuse(_bundle):
        raise RefusedError("The server refused the plan.")

    monkeypatch.setattr(memory, "transaction", refuse)
    assert b12fhir(*SYNC)[0] == 23


def test_what_a_server_is_not_sent_waits_in_the_output_folder(server, tmp_path):
    told = {"B12FHIR_SERVER_CAN": "careplan_write=no", "B12FHIR_OUT": str(tmp_path / "out")}
    sent = server.transactions
    code, out, err = b12fhir(*SYNC, environ=told)
    assert (code, err, server.transactions) == (0, "", sent)
    files = sorted((tmp_path / "out" / "handover").iterdir())
    assert f"Handed over: {len(files)} plans ({len(files)} new or changed) wait" in out
    assert "Handover folder: " in out
    before = [(path.stat().st_ino, path.name) for path in files]
    _, out, _ = b12fhir(*SYNC, "--full", environ=told)
    assert f"Handed over: {len(files)} plans (0 new or changed) wait" in out
    after = sorted((tmp_path / "out" / "handover").iterdir())
    assert [(path.stat().st_ino, path.name) for path in after] == before
    _, out, _ = b12fhir("doctor", "--server", "http://127.0.0.1:1/fhir", environ=told)
    assert "careplan_write: no (overridden) -> nothing is sent" in out


def test_doctor_says_what_a_server_can_do(server):
    code, out, _ = b12fhir("doctor", "--server", "http://127.0.0.1:1/fhir")
    assert code == 0
    assert "FHIR version" in out


def test_doctor_ends_with_a_code_when_sync_cannot_run(server, monkeypatch):
    old = {"resourceType": "CapabilityStatement", "fhirVersion": "3.0.2"}
    monkeypatch.setattr(server, "capabilities", lambda: old)
    code, out, _ = b12fhir("doctor", "--server", "http://127.0.0.1:1/fhir")
    assert code == 20
    assert "only R4" in out


@pytest.mark.parametrize("command", ["sync", "doctor"])
def test_a_server_must_be_named(command):
    code, _, err = b12fhir(command)
    assert code == 12
    assert "--server" in err


def test_a_token_stays_at_home(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN)
    code, _, err = b12fhir(
        "doctor", "--server", "http://ehr.example.org/fhir", "--token-file", path
    )
    assert code == 12
    assert "unencrypted" in err


# The last stop.


@pytest.mark.parametrize(
    ("error", "code"),
    [(Defect("A rule has no text."), 70), (ZeroDivisionError("x"), 70), (KeyboardInterrupt(), 130)],
)
def test_our_own_mistakes_keep_their_traceback(one, monkeypatch, error, code):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(doors, "propose", fail)
    got, _, err = b12fhir("assess", one)
    assert got == code
    assert ("Traceback" in err) is (code == 70)


def test_a_closed_pipe_is_no_mistake(one):
    class Closed(io.StringIO):
        def write(self, _text):
            raise BrokenPipeError

    out, err = Closed(), io.StringIO()
    argv = ["assess", str(one)]
    assert wiring.main(argv, {}, out, err, lambda: CLOCK) == exits.BROKEN_PIPE
    assert err.getvalue() == ""


def run_process(*argv, stdout=subprocess.PIPE) -> subprocess.Popen:
    program = [sys.executable, "-c", "from b12fhir.wiring import run; run()"]
    words = [str(word) for word in argv]
    return subprocess.Popen([*program, *words], stdout=stdout, stderr=subprocess.PIPE)


def test_the_installed_program_ends_with_the_exit_code():
    process = run_process("assess", "no-such-file.json")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 10
    assert err.startswith(b"b12fhir: no-such-file.json does not exist.")


def test_the_module_is_the_program():
    done = subprocess.run(
        [sys.executable, "-m", "b12fhir", "--version"], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"b12fhir {__version__}\n".encode())


def test_a_reader_that_goes_away_leaves_no_noise(two):
    with run_process("assess", two, "--as-of", DAY) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == exits.BROKEN_PIPE
    assert err == b""


def test_settings_of_the_parser_are_settings_of_the_program():
    assert set(SETTING_OPTIONS) <= set(Settings.__dataclass_fields__)


def test_the_sentinel_is_really_in_the_input(one):
    """Else the guard above would prove nothing."""
    assert FAMILY in one.read_text(encoding="utf-8")
