"""Whose data these are: one patient's, surely, or not used (the test that matters most)."""

import pytest

from b12fhir.errors import PatientError
from b12fhir.facts.patient import Sex
from b12fhir.fhir.extract import EXTRACTORS, extract
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import LOINC, Code
from b12fhir.protocol.load import load_protocol
from tests.unit.fhir.extract.given import (
    ME,
    allergy,
    codes,
    concept,
    condition,
    lab,
    medicine,
    observation,
    patient,
    procedure,
    quantity,
    read,
    relative,
)

HOME, AWAY = "https://ehr.example/fhir", "https://other.example/fhir"


def bundle(*entries):
    held = [{"fullUrl": url, "resource": resource} for url, resource in entries]
    return {"resourceType": "Bundle", "type": "collection", "entry": held}


def of(reference):
    return lab("90", subject={"reference": reference})


@pytest.mark.parametrize("reference", ["Patient/p1", "Patient/p1/_history/3"])
def test_a_relative_reference_is_the_patient(reference) -> None:
    assert len(read(of(reference)).labs) == 1


@pytest.mark.parametrize(
    ("subject", "issue"),
    [
        (None, "no-subject"),
        ({}, "no-subject"),
        ({"display": "someone"}, "no-subject"),
        ({"identifier": {"value": "123"}}, "no-subject"),
        ("Patient/p1", "no-subject"),
        ({"reference": "Patient/p2"}, "other-patient"),
        ({"reference": "Patient/p11"}, "other-patient"),
        ({"reference": "Patient/P1"}, "other-patient"),
        ({"reference": "Group/p1"}, "other-patient"),
        ({"reference": "#p1"}, "other-patient"),
        ({"reference": "Patient?identifier=x|1"}, "other-patient"),
        ({"reference": f"{HOME}/Patient/p1"}, "other-patient"),
    ],
)
@pytest.mark.parametrize(
    ("build", "element"),
    [
        (lambda **c: lab("90", **c), "subject"),
        (condition, "subject"),
        (procedure, "subject"),
        (medicine, "subject"),
        (lambda **c: allergy("cobalt", **c), "patient"),
        (relative, "patient"),
        (lambda **c: observation("24383-2", valueBoolean=True, **c), "subject"),
    ],
)
def test_what_is_not_surely_the_patients_is_never_used(build, element, subject, issue) -> None:
    facts = read(build(**{element: subject}))
    assert codes(facts) == [issue]
    assert facts.used == 1
    assert facts.refused == ()


@pytest.mark.parametrize(
    ("person", "reference", "url", "used"),
    [
        (f"{HOME}/Patient/p1", f"{HOME}/Patient/p1", f"{HOME}/Observation/o1", True),
        (f"{HOME}/Patient/p1", "Patient/p1", f"{HOME}/Observation/o1", True),
        (f"{HOME}/Patient/p1/_history/2", f"{HOME}/Patient/p1", "", True),
        (f"{HOME}/Patient/p1", f"{AWAY}/Patient/p1", f"{HOME}/Observation/o1", False),
        (f"{HOME}/Patient/p1", "Patient/p1", f"{AWAY}/Observation/o1", False),
        (f"{HOME}/Patient/p1", "Patient/p1", "urn:uuid:1-2", True),
        ("urn:uuid:aa-bb", "urn:uuid:aa-bb", "urn:uuid:1-2", True),
        ("urn:uuid:aa-bb", "urn:uuid:aa-cc", "urn:uuid:1-2", False),
        ("", "Patient/p1", f"{AWAY}/Observation/o1", True),
    ],
)
def test_references_inside_a_bundle(person, reference, url, used) -> None:
    """The same id on another server is another person."""
    facts = read(person=bundle((person, patient()), (url, of(reference))))
    assert len(facts.labs) == used
    assert ("other-patient" in codes(facts)) is not used


def test_the_sites_server_is_where_bare_resources_come_from() -> None:
    site = Site(server_id=HOME)
    assert len(read(of(f"{HOME}/Patient/p1"), site=site).labs) == 1
    assert read(of(f"{AWAY}/Patient/p1"), site=site).labs == ()


def test_a_patient_without_id_is_known_by_the_address() -> None:
    person = patient()
    del person["id"]
    facts = read(
        person=bundle(("urn:uuid:aa-bb", person), ("urn:uuid:1", of("urn:uuid:aa-bb"))),
    )
    assert facts.patient.reference == "Patient/aa-bb"
    assert len(facts.labs) == 1


def test_a_patient_without_id_and_address_owns_nothing() -> None:
    person = patient()
    del person["id"]
    assert read(of("Patient/"), person=person).labs == ()


@pytest.mark.parametrize("wanted", ["p1", "Patient/p1", f"{HOME}/Patient/p1"])
def test_one_of_several_patients_is_meant(wanted) -> None:
    others = [patient(id="p2", gender="male"), patient(id="1p1")]
    facts = extract([*others, patient(), of("Patient/p1")], load_protocol(), Site(), wanted)
    assert (facts.patient.reference, facts.patient.sex) == ("Patient/p1", Sex.FEMALE)
    assert codes(facts) == ["other-patient", "other-patient"]


@pytest.mark.parametrize("wanted", ["aa-bb", "Patient/aa-bb", "urn:uuid:aa-bb"])
def test_the_patient_meant_may_be_named_by_the_address(wanted) -> None:
    held = bundle(("urn:uuid:aa-bb", patient()), ("urn:uuid:cc", patient(id="p2")))
    assert extract([held], load_protocol(), Site(), wanted).patient.reference == "Patient/p1"


@pytest.mark.parametrize(
    ("resources", "wanted"),
    [
        ([], None),
        ([lab("90")], None),
        ([patient()], "p2"),
        ([patient(), patient(id="p2")], None),
        ([patient()], ""),
    ],
)
def test_no_patient_or_several_is_an_error(resources, wanted) -> None:
    """Half a plan for the wrong person is worse than none."""
    with pytest.raises(PatientError) as caught:
        extract(resources, load_protocol(), Site(), wanted)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (Sex.FEMALE, "1960-05-04", False, True, False)),
        ({"gender": "male"}, (Sex.MALE, "1960-05-04", False, True, False)),
        ({"gender": "other"}, (Sex.UNKNOWN, "1960-05-04", False, True, False)),
        ({"birthDate": "1960"}, (Sex.FEMALE, "1960-01-01/1960-12-31", False, True, False)),
        ({"deceasedBoolean": True}, (Sex.FEMALE, "1960-05-04", True, True, False)),
        ({"deceasedBoolean": False}, (Sex.FEMALE, "1960-05-04", False, True, False)),
        ({"deceasedDateTime": "2026-01-01"}, (Sex.FEMALE, "1960-05-04", True, True, False)),
        ({"active": False}, (Sex.FEMALE, "1960-05-04", False, False, False)),
        (
            {"link": [{"type": "replaced-by", "other": ME}]},
            (Sex.FEMALE, "1960-05-04", False, True, True),
        ),
        ({"link": [{"type": "seealso"}]}, (Sex.FEMALE, "1960-05-04", False, True, False)),
    ],
)
def test_the_person(changes, expected) -> None:
    person = read(person=patient(**changes)).patient
    assert person.birth is not None
    found = (person.sex, person.birth.iso(), person.deceased, person.active, person.replaced)
    assert found == expected


@pytest.mark.parametrize(
    ("changes", "issue"),
    [
        ({"birthDate": "4.5.1960"}, "date-ignored"),
        ({"deceasedDateTime": "yesterday"}, "date-ignored"),
        ({"modifierExtension": [{"url": "x"}]}, "not-understood"),
        ({"implicitRules": "x"}, "not-understood"),
    ],
)
def test_doubts_about_the_person_are_said(changes, issue) -> None:
    assert codes(read(person=patient(**changes))) == [issue]


def test_an_unreadable_date_of_death_is_a_death() -> None:
    assert read(person=patient(deceasedDateTime="yesterday")).patient.deceased


def test_everything_is_accounted_for() -> None:
    """Used, set aside or ignored: what rules do not need is counted, never an issue."""
    facts = read(
        lab("90"),
        observation("8302-2", id="height", valueQuantity=quantity("170", "cm")),
        condition(concept("http://snomed.info/sct", "444814009"), id="c9"),
        {"resourceType": "Encounter", "id": "e", "subject": ME},
        {"resourceType": "Unheard", "id": "u"},
        lab("90", "pg/dL", id="o7"),
    )
    assert (facts.used, facts.ignored, codes(facts)) == (2, 4, ["unit-unknown"])


def test_what_names_someone_else_is_counted_once() -> None:
    """Foreign data in a record must not go unnoticed, whatever they are."""
    strangers = [
        {"resourceType": "Encounter", "id": f"e{n}", "subject": {"reference": "Patient/p2"}}
        for n in range(3)
    ]
    (issue,) = read(*strangers).issues
    assert (issue.code, issue.relevant) == ("other-patient", False)
    assert "3 resources" in issue.text


@pytest.mark.parametrize("resource", [{}, {"id": "x"}, {"resourceType": 7}])
def test_a_resource_without_type_is_reported(resource) -> None:
    assert codes(read(resource)) == ["no-resource-type"]


def test_a_servers_report_and_a_missing_page_are_passed_on() -> None:
    """Its own words may quote another patient: only severity and code are."""
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "warning", "code": "incomplete", "diagnostics": "Secretname"}],
    }
    page = {
        "resourceType": "Bundle",
        "id": "b1",
        "link": [{"relation": "next", "url": "x"}],
        "entry": [{"resource": outcome}],
    }
    facts = read(page)
    assert codes(facts) == ["incomplete-bundle", "server-outcome"]
    assert "Secretname" not in " ".join(issue.text for issue in facts.issues)


def test_a_page_without_id_and_mere_information() -> None:
    said = {"resourceType": "OperationOutcome", "issue": [{"severity": "information"}]}
    page = {"resourceType": "Bundle", "link": [{"relation": "next"}], "entry": []}
    assert codes(read(said, page)) == ["incomplete-bundle"]


LOCAL = "http://lab.example/codes"


def local(code="B12S", **changes):
    return lab("90", code=concept(LOCAL, code), **changes)


def test_a_local_code_is_read_by_the_sites_map() -> None:
    site = Site(code_map={Code(LOCAL, "B12S"): Code(LOINC, "2132-9")})
    assert read(local(), site=site).labs[0].amount.text() == "90 ng/L"


def test_a_known_loinc_coding_goes_before_the_map() -> None:
    site = Site(code_map={Code(LOCAL, "B12S"): Code(LOINC, "13964-2")})
    code = {"coding": [{"system": LOCAL, "code": "B12S"}, {"system": LOINC, "code": "2132-9"}]}
    assert read(lab("90", code=code), site=site).labs[0].analyte.value == "b12_total"


def test_unmapped_codes_are_listed_once_with_a_count() -> None:
    facts = read(*(local("X", id=f"o{n}") for n in range(3)))
    (issue,) = facts.issues
    assert (issue.code, issue.relevant) == ("unmapped", False)
    assert "3 resources" in issue.text
    assert LOCAL in issue.text


@pytest.mark.parametrize(
    "code",
    [
        {"coding": [{"system": LOCAL, "code": "1", "display": "Vitamin B-12, serum"}]},
        {"coding": [{"system": LOCAL, "code": "1"}], "text": "S-Cobalamin"},
        {"text": "Holotranscobalamin"},
        {"coding": [{"code": "2132-9", "display": "vit B12"}]},
        concept(LOINC, "99999-9", "Methylmalonate"),
        concept(LOINC, "14685-1", "B 12"),
        concept(LOINC, "33762-6", "Homocysteine in something"),
    ],
)
def test_an_unmapped_code_that_speaks_of_b12_is_a_warning_and_never_read(code) -> None:
    """``code.text`` never decides, but a B12 result must not vanish either."""
    facts = read(lab("90", code=code))
    assert facts.labs == ()
    assert [(i.code, i.severity.value, i.relevant) for i in facts.issues] == [
        ("unmapped-b12", "warning", True)
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "cancelled"}, ["unmapped"]),
        ({"status": "unknown"}, ["unmapped"]),
        ({"status": "entered-in-error"}, []),
        ({"valueQuantity": None, "category": [concept("x", "laboratory")]}, ["unmapped"]),
        ({"valueQuantity": None, "category": [concept("x", "survey")]}, []),
    ],
)
def test_which_local_codes_are_listed(changes, expected) -> None:
    assert codes(read(local("X", **changes))) == expected


def test_an_unmapped_b12_of_someone_else_is_someone_elses() -> None:
    code = {"coding": [{"system": LOCAL, "code": "1", "display": "Vitamin B12"}]}
    facts = read(lab("90", code=code, subject={"reference": "Patient/p2"}))
    assert codes(facts) == ["other-patient"]


def test_no_name_of_a_person_reaches_an_issue() -> None:
    """Displays of subjects hold names."""
    subject = {"reference": "Patient/p2", "display": "Secretname"}
    facts = read(
        lab("90", subject=subject),
        condition(subject=subject),
        medicine(subject=subject),
        relative(patient=subject, name="Secretname"),
        relative(name="Secretname", id="f2", relationship={"text": "mother Secretname"}),
    )
    assert "Secretname" not in " ".join(fact.text for fact in facts.concepts)
    assert "Secretname" not in " ".join(issue.text for issue in facts.issues)


def test_each_resource_type_is_listed_once() -> None:
    types = [kind for kind, _ in EXTRACTORS]
    assert len(types) == len(set(types))


@pytest.mark.parametrize("junk", [None, 7, "x", [], [7], {}, {"coding": 3}, {"coding": [3, {}]}])
def test_a_wrong_shape_is_no_crash(junk) -> None:
    """Foreign JSON has any shape; one odd resource must not end a run."""
    facts = read(
        observation() | {"code": junk},
        lab("90", referenceRange=junk, interpretation=junk, specimen=junk, component=junk),
        condition(code=junk),
        procedure(note=junk, extension=junk),
        medicine(dosageInstruction=junk, medicationCodeableConcept=junk, medicationReference=junk),
        medicine("MedicationAdministration", dosage=junk, effectivePeriod=junk),
        medicine(id="m2", intent=junk, status=junk, identifier=junk, meta=junk),
        allergy(code=junk, reaction=junk),
        relative(condition=junk, relationship=junk),
        relative(code=junk, id="f2", date=junk, status=junk),
        {"resourceType": "CarePlan", "identifier": junk},
        {"resourceType": "OperationOutcome", "issue": junk},
        {"resourceType": "Bundle", "entry": junk, "link": junk},
    )
    assert facts.patient.reference == "Patient/p1"
