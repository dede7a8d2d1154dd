"""A plan's life after it was proposed, the same on the memory server and on HAPI.

Pernicious anaemia with a B12 of 120 ng/L is treated by injection (R-28, R-105): seven doses every
other day, four weekly ones, then monthly for life, each phase signed by itself.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import requests

from b12fhir.adapters.signoff import Asked, close, refuse, sign, withdraw
from b12fhir.errors import (
    ChangedError,
    ConfirmationError,
    PractitionerError,
    SignedError,
    SignOffError,
)
from b12fhir.fhir.json import encode
from b12fhir.fhir.lifecycle import State
from b12fhir.fhir.stored import KINDS
from tests.support.ward import Ward

PROPOSED, TODAY = "2026-11-21", "2026-11-21"


@pytest.fixture
def ward(server, store, fresh) -> Ward:
    """A plan was proposed on 2026-11-21."""
    made = Ward(server, fresh, store)
    assert made.propose(PROPOSED) == "create"
    return made


def versions(ward: Ward) -> dict[str, str]:
    found = [one for kind in KINDS for one in ward.stored(kind)]
    return {f"{one['resourceType']}/{one['id']}": one["meta"]["versionId"] for one in found}


def approved(ward: Ward) -> dict[str, Any]:
    (found,) = (one for one in ward.stored("CarePlan") if one["intent"] == "plan")
    return found


def test_a_plan_walks_from_its_proposal_to_its_withdrawal(ward):
    """Each phase is asked for 14 days before the one before it ends (R-121)."""
    plan = ward.plan(TODAY)
    assert (plan.state, plan.kind, ward.orders()) == (State.PROPOSED, "treat", {})
    assert [phase.id for phase in plan.phases] == ["induction", "induction-2", "maintenance"]

    ward.sign(TODAY)
    assert ward.orders() == {"induction": "active"}
    # 7 doses every other day end on 3 December; 14 days before lie before the start.
    plan = ward.plan(TODAY)
    assert (plan.state, plan.due, plan.signed_by) == (State.NEXT_DUE, TODAY, ward.doctor)
    assert ward.propose("2026-11-22") == "nothing"

    # Signed while the first phase runs: its last dose is due on 3 December and is not cut off.
    ward.sign("2026-12-01", phase="induction-2")
    assert ward.orders() == {"induction": "active", "induction-2": "active"}
    # 4 weekly doses from 10 December end on the 31st; asked for from the 17th.
    assert ward.plan("2026-12-16").state is State.RUNNING
    assert ward.plan("2026-12-17").state is State.NEXT_DUE

    ward.sign("2026-12-20", phase="maintenance")
    assert ward.orders() == {
        "induction": "completed",
        "induction-2": "active",
        "maintenance": "active",
    }
    assert ward.plan("2027-06-01").state is State.RUNNING
    with pytest.raises(SignOffError, match="not over"):
        close(ward.desk("2027-06-01"), plan.key, ward.doctor)

    withdraw(ward.desk("2027-06-01"), plan.key, ward.doctor, "Moved away")
    assert ward.orders() == {
        "induction": "completed",
        "induction-2": "stopped",
        "maintenance": "stopped",
    }
    assert ward.plan("2027-06-01").state is State.WITHDRAWN
    assert {one["status"] for one in ward.stored("ServiceRequest")} == {"completed", "revoked"}
    assert not {one["status"] for one in ward.stored("Task")} & {"requested", "accepted"}


def test_a_signature_makes_new_resources_and_ends_the_proposals(ward):
    before = {one["id"]: one for one in ward.stored("MedicationRequest")}
    done = ward.sign(TODAY)
    plan = approved(ward)
    proposal = next(one for one in ward.stored("CarePlan") if one["intent"] == "proposal")
    assert plan["basedOn"] == [{"reference": f"CarePlan/{proposal['id']}"}]
    assert plan["author"] == {"reference": ward.doctor}
    assert "roposal" not in encode([plan["title"], plan["note"], plan["text"]]).decode()
    assert proposal["status"] == "completed"

    (order,) = (one for one in ward.stored("MedicationRequest") if one["intent"] == "order")
    (base,) = (link["reference"].partition("/")[2] for link in order["basedOn"])
    assert order["dosageInstruction"] == before[base]["dosageInstruction"]
    assert order["medicationCodeableConcept"] == before[base]["medicationCodeableConcept"]
    assert order["requester"] == {"reference": ward.doctor}
    links = [one["reference"]["reference"] for one in plan["activity"] if "reference" in one]
    assert f"MedicationRequest/{order['id']}" in links
    assert f"MedicationRequest/{base}" not in links

    drafts = [one for one in ward.stored("MedicationRequest") if one["status"] == "draft"]
    assert len(drafts) == 2
    tasks = {one["status"]: one for one in ward.stored("Task")}
    assert (
        tasks["completed"]["output"][0]["valueReference"]["reference"] == f"CarePlan/{plan['id']}"
    )
    assert tasks["requested"]["restriction"]["period"]["end"] == TODAY
    (record,) = (
        e["resource"] for e in done.bundle["entry"] if e["resource"]["resourceType"] == "Provenance"
    )
    assert record["agent"][0]["who"] == {"reference": ward.doctor}
    assert record["agent"][0]["type"]["coding"][0]["code"] == "verifier"


def test_signing_twice_signs_once_and_does_not_order_the_next_phase(ward):
    ward.sign(TODAY)
    stood = versions(ward)
    with pytest.raises(SignedError, match="signed before"):
        ward.sign(TODAY)
    with pytest.raises(SignedError, match="signed before"):
        ward.sign(TODAY, phase="induction")
    assert versions(ward) == stood
    assert ward.orders() == {"induction": "active"}


def test_of_eight_signatures_at_once_one_counts(ward):
    desk, key = ward.desk(TODAY), ward.plan(TODAY).key

    def press(_: int) -> str:
        try:
            sign(desk, key, ward.doctor, Asked())
        except SignedError as error:
            return error.message
        return "signed"

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(press, range(8)))
    assert told.count("signed") == 1, told
    assert ward.orders() == {"induction": "active"}
    assert len([one for one in ward.stored("CarePlan") if one["intent"] == "plan"]) == 1
    assert len([one for one in ward.stored("Task") if one["status"] == "requested"]) == 1


def test_who_changes_the_draft_between_reading_and_signing_wins(ward):
    """The version that was read guards the whole transaction."""

    def read_slowly(patient: str) -> Sequence[Any]:
        record = ward.desk(TODAY).read(patient)
        (draft,) = ward.stored("CarePlan")
        ward.store({k: v for k, v in draft.items() if k != "meta"} | {"description": "Changed"})
        return record

    desk = replace(ward.desk(TODAY), read=read_slowly)
    with pytest.raises((ChangedError, SignedError), match=r"changed|faster"):
        sign(desk, ward.plan(TODAY).key, ward.doctor, Asked())
    assert ward.orders() == {}
    assert {one["status"] for one in ward.stored("ServiceRequest")} == {"draft"}


def test_a_draft_edited_by_somebody_is_signed_only_if_said_so(ward):
    draft = next(
        one
        for one in ward.stored("MedicationRequest")
        if one["identifier"][0]["value"].endswith(":induction")
    )
    note = [*draft["note"], {"text": "Left arm only."}]
    ward.store({k: v for k, v in draft.items() if k != "meta"} | {"note": note})
    with pytest.raises(ChangedError, match="by someone else"):
        ward.sign(TODAY)
    ward.sign(TODAY, accept_changes=True)
    (order,) = (one for one in ward.stored("MedicationRequest") if one["intent"] == "order")
    assert {"text": "Left arm only."} in order["note"]


def test_a_rejected_decision_is_not_proposed_again_but_another_one_is(ward):
    key = ward.plan(TODAY).key
    refuse(ward.desk(TODAY), key, ward.doctor, "Already treated elsewhere")
    plan = ward.plan(TODAY)
    assert (plan.state, plan.key) == (State.REJECTED, key)
    (task,) = ward.stored("Task")
    assert (task["status"], task["statusReason"]["text"]) == (
        "rejected",
        "Already treated elsewhere",
    )
    assert {one["status"] for one in ward.stored("MedicationRequest")} == {"cancelled"}

    assert ward.propose("2026-11-22") == "nothing"
    ward.result(95, id_="later", day="2026-11-22")
    assert ward.propose("2026-11-23") == "create"
    assert {p.key: p.state for p in ward.plans("2026-11-23")} == {
        key: State.REJECTED,
        key.replace(":r1", ":r2"): State.PROPOSED,
    }


def test_a_draft_whose_days_have_passed_needs_a_new_first_day(ward):
    with pytest.raises(ConfirmationError, match="in the past"):
        ward.sign("2026-11-24")
    ward.sign("2026-11-24", start=date(2026, 11, 25))
    (order,) = (one for one in ward.stored("MedicationRequest") if one["intent"] == "order")
    dosage = order["dosageInstruction"][0]
    assert dosage["timing"]["repeat"]["boundsPeriod"] == {"start": "2026-11-25"}
    assert "from 2026-11-25" in dosage["text"]
    # Four days later than proposed: 7 doses end on 7 December, 4 weekly ones begin 7 days after.
    starts = {phase.id: str(phase.start) for phase in ward.plan("2026-11-24").phases}
    assert starts["induction-2"] == "2026-12-14"
    shown = approved(ward)["text"]["div"]
    assert "2026-12-14" in shown
    assert ">2026-11-21<" not in shown


def test_a_withdrawn_draft_leaves_nothing_open(ward):
    withdraw(ward.desk(TODAY), ward.plan(TODAY).key, "", "Asked for by the ward")
    assert ward.plan(TODAY).state is State.WITHDRAWN
    assert {one["status"] for one in ward.stored("Task")} == {"cancelled"}
    with pytest.raises(SignOffError, match="withdrawn"):
        sign(ward.desk(TODAY), ward.plan(TODAY).key, ward.doctor, Asked())


def test_nobody_signs_for_a_stranger(ward):
    key = ward.plan(TODAY).key
    with pytest.raises(PractitionerError, match="not known"):
        sign(ward.desk(TODAY), key, "Practitioner/nobody-at-all", Asked())
    ward.store({"resourceType": "Practitioner", "id": f"dr-{ward.fresh}", "active": False})
    with pytest.raises(PractitionerError, match="not active"):
        sign(ward.desk(TODAY), key, ward.doctor, Asked())
    assert ward.orders() == {}


@pytest.mark.parametrize("server", [pytest.param("hapi", marks=pytest.mark.hapi)], indirect=True)
def test_the_reference_validator_finds_no_error_in_what_is_written(ward):
    base = ward.server.base
    first = ward.sign(TODAY)
    assert errors_of(base, first.bundle) == []
    second = ward.sign("2026-12-05", phase="induction-2")
    ended = withdraw(ward.desk("2026-12-06"), ward.plan(TODAY).key, ward.doctor, "Moved away")
    for bundle in (second.bundle, ended.bundle):
        assert errors_of(base, bundle) == []
    for kind in KINDS:
        for resource in ward.stored(kind):
            assert errors_of(base, resource) == []


def errors_of(base: str, resource: Any) -> list[str]:
    """What HAPI's $validate calls an error in base R4, in any answer it gives."""
    resource = _without_profiles(resource)
    answer = requests.post(
        f"{base}/{resource['resourceType']}/$validate",
        data=encode(resource),
        headers={"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"},
        timeout=60,
    )
    issues = answer.json()["issue"]
    return [i["diagnostics"] for i in issues if i["severity"] in ("error", "fatal")]


def _without_profiles(node: Any) -> Any:
    """Our own profiles are checked where they are installed; here they would only be unknown."""
    if isinstance(node, dict):
        return {key: _without_profiles(v) for key, v in node.items() if key != "profile"}
    return [_without_profiles(part) for part in node] if isinstance(node, list) else node
