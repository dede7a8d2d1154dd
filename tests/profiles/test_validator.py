"""HAPI's validator on all that we define and write: right is right, and wrong is noticed."""

import pytest

from b12fhir.fhir.profiles.medicines import ORDER
from b12fhir.fhir.profiles.plans import SIGNED_PLAN, TEST_ORDER
from b12fhir.fhir.profiles.structures import PROFILES, WRITTEN
from tests.profiles.corpus import corpus, counts
from tests.profiles.examples import BAD, good, profile_url

pytestmark = pytest.mark.hapi


def _wrong(judged, first: str) -> dict[str, list[str]]:
    """Errors and warnings that count, of everything whose name begins so."""
    named = {name: issues for name, issues in judged.items() if name.startswith(f"{first} ")}
    assert named, f"nothing is called {first}"
    told = {
        name: [f"{i['severity']}: {i['text']} ({i['where']})" for i in issues if counts(i["text"])]
        for name, issues in named.items()
    }
    return {name: issues for name, issues in told.items() if issues}


@pytest.mark.parametrize("what", ["artefact", "good", "case", "cohort", "card"])
def test_nothing_is_wrong(judged, what):
    assert _wrong(judged, what) == {}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_a_bad_example_is_wrong_in_the_one_way_it_says(judged, bad):
    """A profile that lets it pass would let a real one pass; two errors would prove neither."""
    (error,) = (
        issue
        for issue in judged[f"bad {bad.name}"]
        if issue["severity"] != "warning" and counts(issue["text"])
    )
    assert bad.error in f"{error['id']} {error['where']} {error['text']}"


def test_whatever_can_be_written_was_validated():
    """Were a kind never composed in any case, its profile would prove nothing."""
    bundles = [piece for piece in corpus() if piece.name.startswith("case ")]
    entries = [entry["resource"] for piece in bundles for entry in piece.resource["entry"]]
    named = {url for one in entries for url in one.get("meta", {}).get("profile", [])}
    assert named == {profile_url(one.name) for one in (*WRITTEN, SIGNED_PLAN, ORDER, TEST_ORDER)}
    acts = {piece.name.split()[-1] for piece in bundles}
    begun = {"proposed", "withdrawn", "rejected", "signed", "signed-on"}
    assert acts == begun | {"facts-changed", "died", "healed", "late"}


def test_every_profile_has_a_good_and_a_bad_example():
    assert good().keys() == {profile.name for profile in PROFILES}
    assert {bad.profile for bad in BAD} == {profile.name for profile in PROFILES}
