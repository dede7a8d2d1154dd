"""Files in: what is read, what is named and left out, and that nothing stops the others."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from b12fhir.adapters import files
from b12fhir.adapters.files import lines, reading
from b12fhir.errors import ConfigError, InputError, PatientError
from tests.support.phi import FAMILY, MRN, assert_no_phi, sentinel_patient

PATIENT = {"resourceType": "Patient", "id": "p1"}
OTHER = {"resourceType": "Patient", "id": "p2"}
B12 = {"resourceType": "Observation", "id": "b12", "subject": {"reference": "Patient/p1"}}
URN = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"


def write(path: Path, *resources: Any, end: str = "\n") -> Path:
    """NDJSON; a text is written as it is."""
    rows = [one if isinstance(one, str) else json.dumps(one) for one in resources]
    path.write_bytes("".join(row + end for row in rows).encode())
    return path


def bundle(*entries: Any, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": list(entries), **more}


def codes(records: files.Records) -> list[str]:
    return [issue.code for issue in records.issues]


def test_ndjson_is_grouped_by_patient(tmp_path):
    path = write(tmp_path / "a.ndjson", B12, OTHER, PATIENT)
    records = files.read([path])
    assert list(records.patients) == ["Patient/p1", "Patient/p2"]
    assert records.of("Patient/p1") == (B12, PATIENT)
    assert records.of("Patient/p2") == (OTHER,)
    assert records.complete
    assert not records.issues


@pytest.mark.parametrize(
    "subject",
    [
        "Patient/p1",
        "Patient/p1/_history/3",
        "https://ehr.example.org/fhir/Patient/p1",
        "https://ehr.example.org/fhir/Patient/p1/_history/3",
    ],
)
def test_every_spelling_of_a_reference_finds_its_patient(tmp_path, subject):
    observation = {**B12, "subject": {"reference": subject}}
    records = files.read([write(tmp_path / "a.ndjson", PATIENT, observation)])
    assert len(records.of("Patient/p1")) == 2


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", " \t\n"])
def test_line_ends_and_blank_lines_do_not_matter(tmp_path, end):
    assert files.read([write(tmp_path / "a.ndjson", PATIENT, B12, end=end)]).complete


def test_a_byte_order_mark_does_not_lose_the_first_line(tmp_path):
    path = write(tmp_path / "a.ndjson", PATIENT, B12)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert files.read([path]).counts == {"Observation": 1, "Patient": 1}


@pytest.mark.parametrize("char", ["\u2028", "\u0085", "\u2029", "\x1e"])
def test_only_a_newline_ends_a_line(tmp_path, char):
    """`str.splitlines` would cut one valid line into two broken ones."""
    note = {**B12, "note": [{"text": f"one{char}two"}]}
    path = tmp_path / "a.ndjson"
    rows = [json.dumps(one, ensure_ascii=False) for one in (PATIENT, note)]
    path.write_text("\n".join(rows), encoding="utf-8", newline="\n")
    if char == "\x1e":
        path.write_bytes(path.read_bytes().replace(b"\x1e", b"\\u001e"))
    assert files.read([path]).complete


def test_gzip_is_known_by_its_content(tmp_path):
    raw = write(tmp_path / "a.ndjson", PATIENT, B12).read_bytes()
    packed = tmp_path / "packed.ndjson"
    packed.write_bytes(gzip.compress(raw))
    assert files.read([packed]).counts["Observation"] == 1


def test_a_folder_is_read_by_name_and_other_files_are_left_alone(tmp_path):
    write(tmp_path / "Patient.ndjson", PATIENT)
    write(tmp_path / "Observation.ndjson.gz", B12)
    (tmp_path / "bundle.json").write_text(json.dumps(bundle({"resource": OTHER})))
    (tmp_path / "README.md").write_text("# not data")
    (tmp_path / "Procedure.ndjson").write_text("")
    records = files.read([tmp_path])
    assert list(records.patients) == ["Patient/p1", "Patient/p2"]
    assert codes(records) == []


def test_addresses_of_a_bundle_are_kept_for_its_references(tmp_path):
    """Without the address, a result that points to a urn is nobody's."""
    patient = {"resourceType": "Patient"}
    result = {**B12, "subject": {"reference": URN}}
    path = tmp_path / "b.json"
    whole = bundle({"fullUrl": URN, "resource": patient}, {"fullUrl": "urn:x", "resource": result})
    path.write_text(json.dumps(whole))
    records = files.read([path])
    (held,) = records.of(f"Patient/{URN.removeprefix('urn:uuid:')}")
    assert held["entry"] == whole["entry"]


def test_a_patient_without_id_takes_it_from_the_address(tmp_path):
    url = "https://ehr.example.org/fhir/Patient/p9"
    path = tmp_path / "b.json"
    path.write_text(json.dumps(bundle({"fullUrl": url, "resource": {"resourceType": "Patient"}})))
    assert list(files.read([path]).patients) == ["Patient/p9"]


def test_a_line_may_be_a_bundle_and_a_bundle_may_hold_bundles(tmp_path):
    inner = bundle({"resource": B12})
    path = write(tmp_path / "a.ndjson", bundle({"resource": PATIENT}, {"resource": inner}))
    assert files.read([path]).counts == {"Observation": 1, "Patient": 1}


def test_ndjson_under_another_name_is_read(tmp_path):
    assert len(files.read([write(tmp_path / "export.txt", PATIENT, B12)]).of("Patient/p1")) == 2


def test_one_resource_of_one_file_is_read(tmp_path):
    assert list(files.read([write(tmp_path / "p.json", PATIENT)]).patients) == ["Patient/p1"]


def test_shared_resources_reach_every_patient(tmp_path):
    shared = [
        {"resourceType": "Medication", "id": "m"},
        {"resourceType": "Practitioner", "id": "d"},
    ]
    records = files.read([write(tmp_path / "a.ndjson", PATIENT, OTHER, *shared)])
    assert records.of("Patient/p1")[1:] == records.of("Patient/p2")[1:] == tuple(shared)


def test_a_stripped_retraction_goes_to_the_owner_of_the_result(tmp_path):
    """Else the retracted value would stand."""
    stripped = {"resourceType": "Observation", "id": "b12", "status": "entered-in-error"}
    records = files.read([write(tmp_path / "a.ndjson", PATIENT, B12, stripped)])
    assert stripped in records.of("Patient/p1")
    assert not records.issues


def test_the_order_of_the_input_does_not_matter_for_the_groups(tmp_path):
    one = files.read([write(tmp_path / "a.ndjson", PATIENT, OTHER, B12)])
    two = files.read([write(tmp_path / "b.ndjson", B12, OTHER, PATIENT)])
    assert list(one.patients) == list(two.patients)
    assert one.counts == two.counts


# What is left out, and said.


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"resourceType": "Observation", "id": "b1', "cut off"),
        ("{'resourceType': 'Observation'}", "not JSON"),
        ('{"id": "x"}', "no resourceType"),
        ("42", "a number"),
        ('[{"resourceType": "Patient", "id": "x"}]', "an array in the middle"),
        ('{"resourceType": "Patient", "id": "x", "active": NaN}', "NaN"),
        ('{"resourceType": "Observation", "id": "1", "id": "2"}', "a key twice"),
        ("[" * 20_000, "nested too deeply"),
        ('{"resourceType": "Patient", "id": "\\ud800"}', "a lone surrogate"),
    ],
)
def test_a_bad_line_is_named_and_every_other_is_read(tmp_path, line, why):
    path = write(tmp_path / "Observation.ndjson", PATIENT, line, B12)
    records = files.read([path])
    assert len(records.of("Patient/p1")) == 2, why
    assert not records.complete, why
    (issue,) = records.issues
    assert issue.code == "unreadable-line"
    assert "Observation.ndjson line 2" in issue.text
    assert "line was read" in issue.text


def test_a_bad_line_is_named_without_its_content(tmp_path):
    broken = json.dumps(sentinel_patient())[:-20]
    path = write(tmp_path / "a.ndjson", PATIENT, broken)
    (issue,) = files.read([path]).issues
    assert_no_phi(issue.text)


def test_many_bad_lines_are_counted_not_listed(tmp_path):
    path = write(tmp_path / "a.ndjson", PATIENT, *["{"] * 50)
    issues = files.read([path]).issues
    assert len(issues) == 21
    assert "30 more lines" in issues[-1].text


def test_bytes_that_are_not_utf8_spoil_their_line_only(tmp_path):
    path = write(tmp_path / "a.ndjson", PATIENT, B12)
    path.write_bytes(path.read_bytes() + b'{"resourceType":"Patient","id":"\xff"}\n')
    records = files.read([path])
    assert len(records.of("Patient/p1")) == 2
    assert "line 3" in records.issues[0].text


def test_an_oversized_line_is_skipped_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_LINE", 200)
    long = {**B12, "note": "x" * 900}
    path = write(tmp_path / "a.ndjson", PATIENT, long, B12)
    records = files.read([path])
    assert records.of("Patient/p1") == (PATIENT, B12)
    assert "line 2 is longer" in records.issues[0].text


def test_an_oversized_last_line_without_end_is_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_LINE", 200)
    path = tmp_path / "a.ndjson"
    path.write_text(json.dumps(PATIENT) + "\n" + "x" * 900)
    assert not files.read([path]).complete


def test_an_unknown_type_is_counted_and_said(tmp_path):
    odd = [{"resourceType": "Observaton", "id": str(n)} for n in range(3)]
    records = files.read([write(tmp_path / "a.ndjson", PATIENT, *odd)])
    assert records.complete
    assert records.counts["Observaton"] == 3
    assert "3 x 'Observaton'" in records.issues[0].text


def test_a_hostile_type_is_not_repeated(tmp_path):
    hostile = {"resourceType": f"{FAMILY} {MRN}", "id": "x"}
    records = files.read([write(tmp_path / "a.ndjson", PATIENT, hostile)])
    assert_no_phi(records.issues[0].text)


@pytest.mark.parametrize(
    "subject",
    [
        None,
        {"display": FAMILY},
        {"reference": "#p1"},
        {"reference": "Group/g"},
        {"reference": 7},
        "Patient/p1",
    ],
)
def test_a_result_of_nobody_is_said_and_not_used(tmp_path, subject):
    nobody = {**B12, "subject": subject}
    records = files.read([write(tmp_path / "a.ndjson", PATIENT, nobody)])
    assert records.of("Patient/p1") == (PATIENT,)
    assert [issue.resource for issue in records.issues] == ["Observation/b12"]
    assert records.complete
    assert_no_phi(records.issues[0].text)


def test_many_results_of_nobody_are_counted(tmp_path):
    nobody = [{"resourceType": "Observation", "id": f"o{n}"} for n in range(25)]
    issues = files.read([write(tmp_path / "a.ndjson", PATIENT, *nobody)]).issues
    assert len(issues) == 21
    assert issues[-1].text.startswith("5 more")


def test_resources_of_no_patient_by_nature_are_no_issue(tmp_path):
    plain = [{"resourceType": "ValueSet", "id": "v"}, {"resourceType": "Encounter", "id": "e"}]
    assert not files.read([write(tmp_path / "a.ndjson", PATIENT, *plain)]).issues


def test_a_patient_missing_from_the_input_makes_it_incomplete(tmp_path):
    theirs = {**B12, "subject": {"reference": "Patient/gone"}}
    records = files.read([write(tmp_path / "a.ndjson", PATIENT, theirs)])
    assert list(records.patients) == ["Patient/p1"]
    assert not records.complete
    assert "Patient/gone" in records.issues[0].text


def test_a_patient_with_an_impossible_id_is_not_used_nor_repeated(tmp_path):
    path = write(tmp_path / "a.ndjson", PATIENT, {"resourceType": "Patient", "id": f"{MRN} x"})
    records = files.read([path])
    assert list(records.patients) == ["Patient/p1"]
    assert records.issues[0].resource == "Patient/(no id)"


def test_a_page_of_a_longer_answer_is_never_taken_for_the_whole(tmp_path):
    link = [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]
    path = tmp_path / "b.json"
    path.write_text(json.dumps(bundle({"resource": PATIENT}, type="searchset", link=link)))
    records = files.read([path])
    assert codes(records) == ["incomplete-bundle"]
    assert not records.complete
    assert records.of("Patient/p1")[0]["link"][0]["relation"] == "next"


def test_what_a_server_reported_in_a_bundle_is_said_without_its_words(tmp_path):
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "warning", "code": "processing", "diagnostics": FAMILY}],
    }
    fine = {"resourceType": "OperationOutcome", "issue": [{"severity": "information"}]}
    path = tmp_path / "b.json"
    entries = [{"resource": one} for one in (PATIENT, outcome, fine)]
    path.write_text(json.dumps(bundle(*entries)))
    (issue,) = files.read([path]).issues
    assert "warning processing" in issue.text
    assert_no_phi(issue.text)


# Nothing to read at all.


def html(path: Path) -> None:
    path.write_text("\n<!DOCTYPE html><html><body>Sign in</body></html>")


def xml(path: Path) -> None:
    path.write_text('<?xml version="1.0"?><Patient/>')


def binary(path: Path) -> None:
    path.write_bytes(b"\x7fELF\x00\x00\x01" * 50)


def zipped(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04rest")


def truncated_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(json.dumps(PATIENT).encode() * 100)[:-30])


def json_array(path: Path) -> None:
    path.write_text(json.dumps([PATIENT]))


def broken(path: Path) -> None:
    path.write_text(json.dumps(bundle({"resource": PATIENT}))[:-10])


def broken_over_lines(path: Path) -> None:
    path.write_text(json.dumps(bundle({"resource": PATIENT}), indent=1)[:-10])


def no_resource(path: Path) -> None:
    path.write_text('{"hello": "world"}')


def empty(path: Path) -> None:
    path.write_text("")


def missing(path: Path) -> None:
    """Not made."""


def folder_without_data(path: Path) -> None:
    path.mkdir()
    (path / "notes.md").write_text("x")


NOTHING = [
    (html, "HTML page"),
    (xml, "HTML or XML"),
    (binary, "binary"),
    (zipped, "binary"),
    (truncated_gzip, "gzip"),
    (json_array, "JSON array"),
    (broken, "not readable as JSON"),
    (broken_over_lines, "not readable as JSON"),
    (no_resource, "no FHIR resource"),
    (empty, "empty"),
    (missing, "does not exist"),
    (folder_without_data, "holds no file named"),
]


@pytest.mark.parametrize("name", ["input.json", "input.ndjson"])
@pytest.mark.parametrize(("make", "says"), NOTHING)
def test_an_unusable_input_is_named_with_what_to_do(tmp_path, make, says, name):
    if (name, make) == ("input.ndjson", empty):
        says = "holds no FHIR resource"
    path = tmp_path / name
    make(path)
    with pytest.raises(InputError) as caught:
        files.read([path])
    assert str(path) in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize(("make", "says"), [row for row in NOTHING if row[0] is not empty])
def test_an_unusable_file_does_not_stop_the_others(tmp_path, make, says):
    make(tmp_path / "bad.json")
    good = write(tmp_path / "good.ndjson", PATIENT, B12)
    records = files.read([tmp_path / "bad.json", good])
    assert len(records.of("Patient/p1")) == 2
    assert not records.complete
    assert says in records.issues[0].text


def test_an_empty_file_beside_others_is_only_a_note(tmp_path):
    empty(tmp_path / "empty.json")
    records = files.read([tmp_path / "empty.json", write(tmp_path / "good.ndjson", PATIENT)])
    assert records.complete
    assert codes(records) == ["empty-file"]


def test_no_access_is_said_as_such(tmp_path, monkeypatch):
    def denied(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "a.ndjson", PATIENT)
    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(InputError, match="Permission denied"):
        files.read([path])


def test_a_folder_that_may_not_be_listed_is_said(tmp_path, monkeypatch):
    def denied(*_args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(InputError, match="Permission denied"):
        files.read([tmp_path])


def test_results_without_any_patient_are_a_patient_error(tmp_path):
    with pytest.raises(PatientError, match=r"holds no Patient \(read: 1 Observation\)"):
        files.read([write(tmp_path / "a.ndjson", B12)])


def test_several_faults_and_nothing_else_are_counted(tmp_path):
    with pytest.raises(InputError, match=r"1 more like it"):
        files.read([write(tmp_path / "a.ndjson", "{", "{")])


# Limits.


def test_a_decompression_bomb_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "RATIO_FROM", 10_000)
    for name in ("bomb.ndjson", "bomb.json"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(b" " * 1_000_000 + b"\n" + b" " * 9_000_000))
        with pytest.raises(InputError, match="times its size"):
            files.read([path])


def test_a_bomb_of_one_endless_line_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "RATIO_FROM", 10_000)
    monkeypatch.setattr(lines, "MAX_LINE", 1_000)
    path = tmp_path / "bomb.ndjson"
    path.write_bytes(gzip.compress(b"{" + b" " * 5_000_000))
    with pytest.raises(InputError, match="times its size"):
        files.read([path])


def test_a_document_too_large_for_one_piece_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_DOCUMENT", 100)
    path = tmp_path / "b.json"
    path.write_text(json.dumps(bundle({"resource": PATIENT}, {"resource": B12})))
    with pytest.raises(InputError, match="NDJSON"):
        files.read([path])


def test_an_input_too_large_for_memory_stops_with_a_word(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MAX_INPUT", 100)
    records = files.read([write(tmp_path / "a.ndjson", PATIENT, B12, B12)])
    assert not records.complete
    assert "b12fhir sync" in records.issues[0].text


# One patient of several; files out.


@pytest.mark.parametrize("name", ["p2", "Patient/p2"])
def test_one_patient_is_chosen_by_id_or_reference(tmp_path, name):
    records = files.read([write(tmp_path / "a.ndjson", PATIENT, OTHER)]).only(name)
    assert list(records.patients) == ["Patient/p2"]


def test_a_patient_who_is_not_there_is_an_error_that_lists_who_is(tmp_path):
    many = [{"resourceType": "Patient", "id": f"p{n}"} for n in range(30)]
    records = files.read([write(tmp_path / "a.ndjson", *many)])
    with pytest.raises(PatientError, match=r"Patient/p99 is not .* and 10 more"):
        records.only("p99")


def test_a_name_instead_of_an_id_is_not_repeated(tmp_path):
    records = files.read([write(tmp_path / "a.ndjson", PATIENT)])
    with pytest.raises(PatientError) as caught:
        records.only(f"{FAMILY} {MRN}")
    assert_no_phi(str(caught.value))


def test_a_file_is_written_whole_and_for_its_owner_only(tmp_path):
    path = files.write(tmp_path / "new" / "out", "a.ndjson", [b"one\n", b"two\n"])
    assert path.read_bytes() == b"one\ntwo\n"
    assert path.stat().st_mode & 0o077 == 0


def test_a_failure_midway_leaves_the_old_file(tmp_path):
    def parts():
        yield b"half"
        raise KeyboardInterrupt

    files.write(tmp_path, "a.txt", [b"old"])
    with pytest.raises(KeyboardInterrupt):
        files.write(tmp_path, "a.txt", parts())
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"old"


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="--out"):
        files.write(tmp_path / "file", "a.txt", [b""])
