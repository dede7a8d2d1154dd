"""One transaction in three forms: the same content, and every link holds."""

from b12fhir.fhir.compose import compose
from b12fhir.fhir.digest import untouched
from b12fhir.fhir.formed import formed, is_device
from b12fhir.fhir.links import links_in
from b12fhir.fhir.server_profile import Form
from b12fhir.fhir.site import Site
from b12fhir.fhir.validate import structure
from tests.support.builders import build_decision, build_facts, build_plan, build_protocol

SITE = Site(server_id="formed", site_key="k")
BUNDLE = compose(build_facts(), build_decision(), build_plan(), build_protocol(), SITE)
assert BUNDLE is not None
URLS = {entry["fullUrl"] for entry in BUNDLE["entry"]}


def links(bundle) -> set[str]:
    """Those within the plan: records that it rests on stay where they are."""
    found = {link for link in links_in(bundle) if link.startswith("urn:") or "/b12-" in link}
    return {link for link in found if not link.startswith("Observation/")}


def test_the_form_it_is_composed_in_is_left_as_it_is():
    assert formed(BUNDLE, Form.CONDITIONAL) == BUNDLE


def test_under_ids_of_our_own_every_entry_and_link_has_its_address():
    named = formed(BUNDLE, Form.NAMED)
    assert structure(named) == []
    requests = [entry["request"] for entry in named["entry"]]
    assert {tuple(request) for request in requests} == {("method", "url")}
    assert {request["method"] for request in requests} == {"PUT"}
    places = {f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in named["entry"]}
    assert {request["url"] for request in requests} == places
    assert len(places) == len(BUNDLE["entry"])
    assert links(named) <= places
    assert formed(BUNDLE, Form.NAMED) == named
    # What we wrote is told from what somebody changed by its seal, in this form too.
    assert all(untouched(e["resource"], SITE) for e in named["entry"] if not is_device(e))


def test_a_plain_create_has_no_condition_and_no_id():
    plain = formed(BUNDLE, Form.PLAIN)
    assert structure(plain) == []
    assert not any("ifNoneExist" in e["request"] or "id" in e["resource"] for e in plain["entry"])
    assert links(plain) <= URLS


def test_a_device_that_is_there_is_linked_to_and_not_sent():
    for form in (Form.PLAIN, Form.NAMED):
        sent = formed(BUNDLE, form, "Device/7")
        assert not any(is_device(entry) for entry in sent["entry"])
        assert len(sent["entry"]) == len(BUNDLE["entry"]) - 1
        (plan,) = (
            e["resource"] for e in sent["entry"] if e["resource"]["resourceType"] == "CarePlan"
        )
        assert plan["author"] == {"reference": "Device/7"}
        assert links(sent) <= {e["fullUrl"] for e in sent["entry"]} | {
            e["request"]["url"] for e in sent["entry"]
        }


def test_a_change_keeps_its_place_and_its_version():
    change = {
        "fullUrl": "urn:uuid:1",
        "resource": {"resourceType": "CarePlan", "id": "9", "author": {"reference": "Device/1"}},
        "request": {"method": "PUT", "url": "CarePlan/9", "ifMatch": 'W/"3"'},
    }
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [change]}
    assert formed(bundle, Form.NAMED) == formed(bundle, Form.PLAIN) == bundle
