"""A code with a wrong check digit is another test, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b12fhir.kernel.codes import (
    ICD10CM,
    LOINC,
    SNOMED,
    UCUM,
    is_loinc,
    is_snomed,
    loinc_check_digit,
    normal_system,
)


@pytest.mark.parametrize("code", ["2132-9", "14685-2", "72160-5", "13964-2", "718-7", "4544-3"])
def test_loinc_codes(code: str) -> None:
    assert is_loinc(code)


@pytest.mark.parametrize(
    "code", ["14685-8", "13964-8", "2132", "2132-", "-9", "x-1", "2132-99", "²-1", ""]
)
def test_what_is_no_loinc_code(code: str) -> None:
    assert not is_loinc(code)


@pytest.mark.parametrize(
    "code", ["84027009", "190634004", "26452005", "16217701000119102", "24856311000001103"]
)
def test_snomed_identifiers(code: str) -> None:
    assert is_snomed(code)


@pytest.mark.parametrize(
    "code", ["84027008", "84072009", "12345", "1234567890123456789", "8402700x", "²²²²²²", ""]
)
def test_what_is_no_snomed_identifier(code: str) -> None:
    assert not is_snomed(code)


@given(st.integers(1, 99999))
def test_one_wrong_digit_never_passes(number: int) -> None:
    right = loinc_check_digit(str(number))
    assert is_loinc(f"{number}-{right}")
    assert not any(is_loinc(f"{number}-{digit}") for digit in range(10) if str(digit) != right)


@given(st.sampled_from(["84027009", "58610003", "359587007"]), st.data())
def test_a_digit_mistyped_or_two_swapped_is_seen(code: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(code) - 2))
    digit = data.draw(st.sampled_from("0123456789"))
    mistyped = code[:place] + digit + code[place + 1 :]
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    for wrong in (mistyped, swapped):
        assert is_snomed(wrong) == (wrong == code)


@pytest.mark.parametrize(
    ("sent", "system"),
    [
        ("https://loinc.org", LOINC),
        ("urn:oid:2.16.840.1.113883.6.96", SNOMED),
        (" http://snomed.info/sct ", SNOMED),
        ("https://ucum.org", UCUM),
        ("http://hl7.org/fhir/sid/icd-10", ICD10CM),
        ("urn:oid:1.2.3", "urn:oid:1.2.3"),
    ],
)
def test_spellings_of_a_system(sent: str, system: str) -> None:
    assert normal_system(sent) == system
