"""Identity: the same on every run, different for everybody else."""

from dataclasses import replace
from datetime import date

import pytest

from b12fhir.errors import PatientError
from b12fhir.facts.record import OwnPlan
from b12fhir.fhir.identity import (
    PlanKey,
    parse_plan_key,
    patient_key,
    plan_key,
    reader_key,
    replaced_plan,
    urn,
)
from b12fhir.fhir.site import Site
from tests.support.builders import D0, SITE

PKEY = patient_key("Patient/p1", SITE)


def own(key: str, status: str, intent: str = "proposal", reference: str = "CarePlan/1") -> OwnPlan:
    return OwnPlan(reference, f"{PKEY}:{key}", status, intent, D0)


def test_a_patient_key_is_frozen():
    """A changed derivation would orphan every plan ever written."""
    site = Site(server_id="https://ehr.example/fhir", site_key="secret")
    assert patient_key("Patient/p1", site) == "9cb45e85e2ce04bd"


@pytest.mark.parametrize(
    "other",
    [
        ("Patient/p2", SITE),
        ("Patient/p1", replace(SITE, server_id="elsewhere")),
        ("Patient/p1", replace(SITE, site_key="another")),
    ],
)
def test_another_patient_server_or_key_gives_another_identity(other):
    assert patient_key(*other) != PKEY


def test_the_canonical_base_and_the_zone_do_not_change_the_identity():
    """They may be corrected later without proposing everything again."""
    assert patient_key("Patient/p1", replace(SITE, canonical="https://x.example")) == PKEY


@pytest.mark.parametrize(
    "reference", ["", "p1", "Group/p1", "Patient/", "Patient/a b", "urn:uuid:1"]
)
def test_a_patient_without_reference_is_refused(reference):
    with pytest.raises(PatientError, match="Patient/<id>"):
        patient_key(reference, SITE)


def test_a_reader_is_known_by_a_pseudonym_as_a_patient_is():
    """Whatever a client sends as userId: it is no reference of ours to refuse."""
    keys = {reader_key(user, SITE) for user in ("Practitioner/1", "PractitionerRole/1", "dr é")}
    assert len(keys) == 3
    assert all(len(key) == 16 for key in keys)
    assert reader_key("Patient/p1", SITE) == PKEY
    assert reader_key("", SITE) == ""


@pytest.mark.parametrize(
    ("plans", "expected"),
    [
        ([], "e1:r1"),
        ([own("e1:r1", "draft")], "e1:r1"),
        ([own("e1:r1", "active")], "e1:r1"),
        ([own("e1:r1", "revoked")], "e1:r2"),
        ([own("e1:r1", "entered-in-error")], "e1:r2"),
        ([own("e1:r1", "revoked"), own("e1:r2", "draft")], "e1:r2"),
        ([own("e1:r2", "revoked"), own("e1:r1", "revoked")], "e1:r3"),
        # A signed plan that goes on opens no episode; one that was closed does.
        ([own("e1:r1", "completed"), own("e1:r1", "active", "plan")], "e1:r2"),
        ([own("e1:r1", "completed"), own("e1:r1", "completed", "plan")], "e2:r1"),
        ([own("e1:r1", "revoked", "plan")], "e2:r1"),
        ([own("e1:r1", "entered-in-error", "plan")], "e1:r1"),
        ([own("e1:r1", "revoked", "plan"), own("e2:r1", "revoked")], "e2:r2"),
        # What is not ours, or another patient's, counts for nothing.
        ([replace(own("e1:r1", "revoked"), key="somebody else's")], "e1:r1"),
        ([replace(own("e1:r1", "revoked"), key="0123456789abcdef:e1:r7")], "e1:r1"),
    ],
)
def test_the_next_key_takes_the_stored_plans_into_account(plans, expected):
    assert str(plan_key("Patient/p1", plans, SITE)) == f"{PKEY}:{expected}"


def test_the_plan_whose_place_is_taken_is_the_last_one_withdrawn():
    key = PlanKey(PKEY, 1, 3)
    plans = [
        own("e1:r1", "revoked", reference="CarePlan/1"),
        own("e1:r2", "revoked", reference="CarePlan/2"),
        own("e1:r3", "draft", reference="CarePlan/3"),
        own("e2:r2", "revoked", reference="CarePlan/4"),
        replace(own("e1:r1", "revoked"), key="no key", reference="CarePlan/5"),
    ]
    replaced = replaced_plan(key, plans)
    assert replaced is not None
    assert replaced.reference == "CarePlan/2"


def test_a_plan_still_open_is_not_replaced():
    assert replaced_plan(PlanKey(PKEY, 1, 2), [own("e1:r1", "draft")]) is None


@pytest.mark.parametrize("text", ["", "x", f"{PKEY}:e0:r1", f"{PKEY}:e1:r1:induction", "a:e1:r1"])
def test_only_plan_keys_are_read(text):
    assert parse_plan_key(text) is None


def test_a_key_reads_back():
    key = PlanKey(PKEY, 2, 11)
    assert parse_plan_key(str(key)) == key


def test_keys_hold_no_search_syntax():
    key = PlanKey(PKEY, 1, 1).child("induction-2")
    assert not set(key) & set("|,$\\")


def test_addresses_in_a_transaction_are_stable_and_distinct():
    assert urn(SITE, "plan", "a") == urn(SITE, "plan", "a")
    assert len({urn(SITE, "plan", "a"), urn(SITE, "plan", "b"), urn(SITE, "device", "a")}) == 3


def test_the_start_of_a_plan_is_no_part_of_its_identity():
    moved = replace(own("e1:r1", "draft"), start=date(2020, 1, 1))
    assert plan_key("Patient/p1", [moved], SITE) == plan_key("Patient/p1", [], SITE)
