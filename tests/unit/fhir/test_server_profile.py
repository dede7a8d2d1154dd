"""The profile of a server: who says what, and what follows from it."""

import copy

import pytest

from b12fhir.adapters.memory import MemoryServer
from b12fhir.fhir.capabilities import read_capabilities
from b12fhir.fhir.server_profile import FALLBACKS, Form, fallback_table, server_profile
from b12fhir.fhir.told import read_told

FULL = MemoryServer().capabilities()
CREATE = {"entry": [{"request": {"method": "POST", "url": "CarePlan", "ifNoneExist": "x"}}]}
UPDATE = {"entry": [{"request": {"method": "PUT", "url": "CarePlan/1", "ifMatch": 'W/"1"'}}]}


def profile(told: str = "", *, statement=FULL):
    return server_profile(read_capabilities(statement, read_told(told) if told else {}))


def changed(kind: str, **elements):
    statement = copy.deepcopy(dict(FULL))
    row = next(r for r in statement["rest"][0]["resource"] if r["type"] == kind)
    for name, value in elements.items():
        row.update({name: value})
        if value is None:
            del row[name]
    return statement


def words(one) -> dict[str, str]:
    return {name: ability.words for name, ability in one.abilities.items()}


def test_what_a_server_declares_is_believed():
    one = profile()
    assert set(words(one).values()) == {"yes (declared)"}
    assert {ability.words for ability in one.write.values()} == {"yes (declared)"}
    assert (one.form, one.holds_back(UPDATE), list(one.notes())) == (Form.CONDITIONAL, "", [])


@pytest.mark.parametrize("statement", [{}, {"rest": [{"mode": "server", "resource": []}]}])
def test_a_server_that_lists_nothing_is_taken_to_be_able_and_tried(statement):
    one = profile(statement=statement)
    assert set(words(one).values()) == {"unknown (assumed)"}
    assert {ability.words for ability in one.write.values()} == {"unknown (assumed)"}
    assert (one.form, one.holds_back(UPDATE), list(one.notes())) == (Form.CONDITIONAL, "", [])


@pytest.mark.parametrize("statement", [FULL, {}])
def test_the_site_knows_better_than_the_server(statement):
    text = "transaction=no,careplan_write=no,conditional_create=no,client_ids=yes,if_match=no"
    assert words(profile(text, statement=statement)) == {
        "transaction": "no (overridden)",
        "careplan_write": "no (overridden)",
        "conditional_create": "no (overridden)",
        "client_ids": "yes (overridden)",
        "if_match": "no (overridden)",
    }


@pytest.mark.parametrize(
    ("statement", "name", "expected"),
    [
        (changed("Goal", conditionalCreate=False), "conditional_create", "no (declared)"),
        (changed("Device", conditionalCreate=None), "conditional_create", "unknown (assumed)"),
        (changed("CarePlan", updateCreate="yes"), "client_ids", "unknown (assumed)"),
        (changed("CarePlan", updateCreate=False), "client_ids", "no (declared)"),
        (changed("CarePlan", interaction=[]), "careplan_write", "no (declared)"),
        (changed("CarePlan", versioning="versioned"), "if_match", "yes (declared)"),
        (changed("CarePlan", versioning="no-version"), "if_match", "no (declared)"),
        (changed("CarePlan", versioning=None), "if_match", "unknown (assumed)"),
        (changed("Task", interaction=[{"code": "search-type"}, {"code": "create"}]), "if_match",
         "no (declared)"),
        # A part that is not kept, and the Device, are never changed.
        (changed("Task", interaction=[], versioning="no-version"), "if_match", "yes (declared)"),
        (changed("Device", versioning="no-version"), "if_match", "yes (declared)"),
    ],
)  # fmt: skip
def test_one_type_that_cannot_decides_for_the_plan(statement, name, expected):
    assert words(profile(statement=statement))[name] == expected


@pytest.mark.parametrize(
    ("told", "form"),
    [
        ("conditional_create=no", Form.NAMED),
        ("conditional_create=no,client_ids=no", Form.PLAIN),
        # Where a condition is understood, our own ids are used on the site's word only.
        ("client_ids=yes", Form.NAMED),
        ("client_ids=no", Form.CONDITIONAL),
    ],
)
def test_what_is_new_is_written_in_the_safest_form_there_is(told, form):
    assert profile(told).form is form


def test_on_a_server_that_does_not_say_ids_of_our_own_are_not_risked():
    assert profile("conditional_create=no", statement={}).form is Form.PLAIN


@pytest.mark.parametrize(
    ("told", "bundle", "why"),
    [
        ("transaction=no", CREATE, "the server takes no transactions"),
        ("careplan_write=no", CREATE, "the server keeps no CarePlan"),
        ("write.Device=no,write.ServiceRequest=no", CREATE, "keeps no ServiceRequest, Device"),
        ("write.Task=no", CREATE, ""),
        ("if_match=no", CREATE, ""),
        ("if_match=no", UPDATE, "the server checks no versions"),
        ("conditional_create=no,client_ids=no", UPDATE, ""),
    ],
)
def test_what_could_do_harm_is_held_back(told, bundle, why):
    found = profile(told).holds_back(bundle)
    assert why in found
    assert bool(found) is bool(why)


def test_a_device_that_cannot_be_found_again_is_not_posted_in_every_run():
    statement = changed("Device", interaction=[{"code": "create"}, {"code": "update"}])
    plain = profile("conditional_create=no,client_ids=no", statement=statement)
    assert "no search of Device" in plain.holds_back(CREATE)
    assert profile("conditional_create=no", statement=statement).holds_back(CREATE) == ""


def test_each_lack_is_a_note_with_its_fallback_and_who_says_so():
    (note,) = profile("if_match=no").notes()
    assert note.startswith("The server: if_match no (overridden): no stored draft is changed")
    (note,) = profile("write.Device=no").notes()
    assert note == (
        "The server: write.Device no (overridden): "
        "nothing is sent: each plan waits as a file in handover/."
    )
    (note,) = profile("client_ids=yes").notes()
    assert "under ids of our own" in note
    assert list(profile("client_ids=no").notes()) == []


def test_what_nobody_says_is_tried_and_said_so():
    silent = profile(statement={})
    assert silent.instead("transaction").startswith("it is tried")
    assert silent.instead("client_ids") == ""
    assert profile().instead("transaction") == ""


def test_the_table_has_a_row_for_every_ability():
    rows = fallback_table().splitlines()[2:]
    assert len(rows) == len(FALLBACKS)
    for name in profile().abilities:
        assert any(row.startswith(f"| `{name}` |") for row in rows)
    assert all(row.count("|") == 6 for row in rows)
