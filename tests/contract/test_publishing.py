"""A plan's whole life on a server, and the server's own validator on everything we write."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import requests

from b12fhir.errors import ConflictError
from b12fhir.facts.record import OwnPlan
from b12fhir.fhir.compose import compose
from b12fhir.fhir.digest import untouched
from b12fhir.fhir.json import encode
from b12fhir.fhir.provenance import Account, provenance_after, with_provenance
from b12fhir.fhir.publish import reconcile
from b12fhir.fhir.site import Site
from b12fhir.fhir.stored import KINDS, status_element
from b12fhir.fhir.validate import validate
from b12fhir.kernel.evidence import Finding, Input
from b12fhir.kernel.truth import Truth
from tests.support.builders import (
    CODED,
    D0,
    build_decision,
    build_facts,
    build_maintenance,
    build_oral,
    build_phase,
    build_plan,
    build_protocol,
)

LONGER = build_plan(phases=(build_phase(count=11), build_maintenance()))
ORAL = build_plan(phases=(build_oral(product=CODED),))


class Ward:
    """One patient on one server, with the records the plan rests on."""

    def __init__(self, server, fresh: str) -> None:
        self.server = server
        self.id = fresh
        self.site = Site(server_id=fresh, site_key="contract")

    def read(self) -> list:
        return [r for kind in KINDS for r in self.server.search(kind, {"patient": self.id})]

    def wanted(self, plan=None, own_plans: tuple[OwnPlan, ...] = ()) -> dict:
        pernicious = Input(f"Condition/{self.id}", "Pernicious anaemia")
        low = Input(f"Observation/{self.id}", "120", "ng/L", "2026-11-10")
        decision = build_decision(
            findings=(Finding("R-28", Truth.YES, (low,)),),
            causes=(build_decision().causes[0]._replace(facts=(pernicious,)),),
        )
        facts = build_facts(f"Patient/{self.id}", own_plans)
        bundle = compose(facts, decision, plan or build_plan(), build_protocol(), self.site)
        assert bundle is not None
        return bundle

    def publish(self, bundle: dict | None):
        write = reconcile(self.read(), bundle, self.site)
        if write.bundle is not None:
            assert validate(write.bundle) == []
            self.server.transaction(write.bundle)
        return write

    def one(self, ending: str) -> dict:
        """The part of that key; the plan itself where others share its key."""
        (found,) = (
            r
            for r in self.read()
            if r["identifier"][0]["value"].endswith(ending)
            and (":r" not in ending or r["resourceType"] == "CarePlan")
        )
        return dict(found)


@pytest.fixture
def ward(server, store, fresh) -> Ward:
    subject = {"reference": f"Patient/{fresh}"}
    store(
        {"resourceType": "Patient", "id": fresh, "gender": "female"},
    )
    store(
        {
            "resourceType": "Condition",
            "id": fresh,
            "subject": subject,
            "code": {"text": "Pernicious anaemia"},
        },
        {
            "resourceType": "Observation",
            "id": fresh,
            "status": "final",
            "subject": subject,
            "code": {"coding": [{"system": "http://loinc.org", "code": "2132-9"}]},
        },
    )
    return Ward(server, fresh)


def test_the_second_run_writes_nothing(ward):
    assert ward.publish(ward.wanted()).kind == "create"
    versions = [r["meta"]["versionId"] for r in ward.read()]
    # Plan, 2 phases, 3 tests, assessment, 2 cautions, request to sign.
    assert len(versions) == 10
    assert ward.publish(ward.wanted()).kind == "nothing"
    assert [r["meta"]["versionId"] for r in ward.read()] == versions


def test_the_server_stores_what_we_said(ward):
    """If it changed a word, we would take its change for a clinician's from then on."""
    ward.publish(ward.wanted(LONGER))
    assert all(untouched(resource, ward.site) for resource in ward.read())


def test_posting_the_same_transaction_twice_writes_once(ward):
    """After a lost answer we send it again, not knowing whether it arrived."""
    ward.server.transaction(ward.wanted())
    answer = ward.server.transaction(ward.wanted())
    assert {e["response"]["status"][:3] for e in answer["entry"]} == {"200"}
    assert len(ward.read()) == 10


def test_a_change_rewrites_and_then_rests(ward):
    ward.publish(ward.wanted())
    write = ward.publish(ward.wanted(LONGER))
    assert (write.kind, write.updated) == ("update", 2)
    assert ward.one(":r1")["meta"]["versionId"] == "2"
    assert ward.one(":maintenance")["meta"]["versionId"] == "1"
    assert ward.publish(ward.wanted(LONGER)).kind == "nothing"


def test_another_route_cancels_adds_and_can_come_back(ward):
    ward.publish(ward.wanted())
    assert ward.publish(ward.wanted(ORAL)).withdrawn == 2
    assert ward.one(":induction")["status"] == "cancelled"
    assert ward.publish(ward.wanted(ORAL)).kind == "nothing"
    assert ward.publish(ward.wanted()).kind == "update"
    assert ward.one(":induction")["status"] == "draft"
    assert ward.one(":oral")["status"] == "cancelled"


def test_a_withdrawn_plan_returns_as_the_next_revision(ward):
    ward.publish(ward.wanted())
    assert ward.publish(None).withdrawn == 10
    assert {r[status_element(r["resourceType"])] for r in ward.read()} == {"revoked", "cancelled"}
    assert all(untouched(resource, ward.site) for resource in ward.read())
    old = ward.one(":r1")
    own = OwnPlan(f"CarePlan/{old['id']}", old["identifier"][0]["value"], "revoked", "proposal", D0)
    assert ward.publish(ward.wanted(own_plans=(own,))).kind == "create"
    assert ward.one(":r2")["replaces"] == [{"reference": f"CarePlan/{old['id']}"}]
    assert ward.publish(ward.wanted(own_plans=(own,))).kind == "nothing"


def test_who_signs_between_our_reading_and_writing_wins(ward, store):
    ward.publish(ward.wanted())
    write = reconcile(ward.read(), ward.wanted(LONGER), ward.site)
    signed = ward.one(":r1") | {"status": "active"}
    store({key: value for key, value in signed.items() if key != "meta"})
    with pytest.raises(ConflictError):
        ward.server.transaction(write.bundle)
    assert ward.one(":induction")["meta"]["versionId"] == "1"
    assert ward.publish(ward.wanted(LONGER)).kind == "blocked"


def account(ward, write) -> Account:
    return Account(
        kind=write.kind,
        reason=write.reason,
        recorded=datetime(2026, 11, 21, 10, tzinfo=UTC),
        policy="https://b12fhir.example/fhir/PlanDefinition/b12-seed-default|1.0.0",
        inputs=((f"Observation/{ward.id}", "1"),),
        site=ward.site,
    )


def check_account(ward, id_: str) -> None:
    """It names all that was written, our Device, and the record with its version."""
    (kept,) = ward.server.search("Provenance", {"_id": id_})
    assert kept["meta"]["versionId"] == "1"
    assert {link["reference"] for link in kept["target"]} == {
        f"{r['resourceType']}/{r['id']}" for r in ward.read()
    }
    assert kept["agent"][0]["who"]["reference"].startswith("Device/")
    (source,) = kept["entity"]
    assert source["what"]["display"] == f"Observation/{ward.id} version 1"


def test_an_account_under_an_id_of_its_own_stands_there_once(ward):
    """Also when it is sent twice, after an answer that was lost."""
    write = reconcile(ward.read(), ward.wanted(), ward.site)
    sent = with_provenance(write.bundle, account(ward, write))
    assert validate(sent) == []
    for _ in range(2):
        ward.server.transaction(sent)
    check_account(ward, sent["entry"][-1]["resource"]["id"])


def test_an_account_sent_afterwards_names_what_was_written(ward):
    write = reconcile(ward.read(), ward.wanted(), ward.site)
    said = account(ward, write)
    after = provenance_after(write.bundle, ward.server.transaction(write.bundle), said)
    place = ward.server.transaction(after)["entry"][1]["response"]["location"]
    check_account(ward, place.partition("/_history/")[0].rpartition("/")[2])
    again = provenance_after(write.bundle, ward.server.transaction(write.bundle), said)
    assert again is None


EVERYTHING = build_plan(
    phases=(
        build_phase(stop_rule="no further gain", gate="signed", alternative="weekly"),
        build_phase(id="induction-2", count=1, dose=Decimal("0.5"), volume_ml=Decimal("0.0005")),
        build_maintenance(),
        build_oral(product=CODED),
    )
)


@pytest.mark.hapi
@pytest.mark.parametrize(
    "plan", [EVERYTHING, build_plan(kind="confirm", phases=())], ids=["all", "tests"]
)
def test_the_reference_validator_finds_no_error(hapi, fresh, plan):
    site = Site(server_id=fresh)
    bundle = compose(build_facts(), build_decision(), plan, build_protocol(), site)
    assert bundle is not None
    for entry in bundle["entry"]:
        assert errors_of(hapi, entry["resource"]) == []
    assert errors_of(hapi, bundle) == []


@pytest.mark.parametrize("server", [pytest.param("hapi", marks=pytest.mark.hapi)], indirect=True)
def test_the_reference_validator_finds_no_error_in_a_withdrawal(ward):
    ward.publish(ward.wanted())
    ward.publish(None)
    for resource in ward.read():
        assert errors_of(ward.server.base, resource) == []


def errors_of(base: str, resource) -> list[str]:
    """What HAPI's $validate calls an error, in any answer it gives.

    Without the names of our profiles, which this server was not given: what those demand is
    checked in tests/profiles.
    """
    answer = requests.post(
        f"{base}/{resource['resourceType']}/$validate",
        data=encode(unprofiled(resource)),
        headers={"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"},
        timeout=60,
    )
    issues = answer.json()["issue"]
    return [i["diagnostics"] for i in issues if i["severity"] in ("error", "fatal")]


def unprofiled(resource) -> dict:
    """The resource, or the resources of a Bundle, without ``meta.profile``."""
    plain = {key: value for key, value in resource.items() if key != "meta"}
    if "entry" in plain:
        plain["entry"] = [e | {"resource": unprofiled(e["resource"])} for e in plain["entry"]]
    return plain
