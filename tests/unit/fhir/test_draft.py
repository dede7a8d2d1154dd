"""Draft orders for cards: what is remembered of one patient says nothing about the next."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from b12fhir.fhir.compose import draft
from b12fhir.fhir.compose.draft import Asked, Drafting
from b12fhir.fhir.compose.entry import context
from b12fhir.fhir.formulary import Formulary, LocalCoding
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import Code
from b12fhir.protocol.load import load_protocol
from b12fhir.protocol.model import Protocol, Review
from tests.support.builders import (
    TABLET,
    build_decision,
    build_facts,
    build_pack,
    build_phase,
    build_plan,
    build_protocol,
)

DAY = date(2026, 11, 21)
PLAN = build_plan()
(FIRST, *_) = PLAN.phases
OWN = LocalCoding(Code("urn:hospital", "hx"), "Hydroxo")


def drafting(site=None, facts=None, **changes):
    protocol = build_protocol(pack=build_pack(**changes))
    ctx = context(facts or build_facts(), build_decision(), PLAN, protocol, site or Site())
    return Drafting(ctx, Asked(DAY))


@pytest.mark.parametrize(
    ("changed", "element", "said"),
    [
        ({"dose": Decimal(500)}, "dosageInstruction", "500 microgram (1 mL of"),
        ({"start": date(2026, 12, 1)}, "dosageInstruction", "from 2026-12-01"),
        ({"count": 3}, "dosageInstruction", "for 3 doses"),
        ({"gate": "potassium is normal"}, "note", "Start only when: potassium is normal"),
        ({"rule": "R-104"}, "note", "Rule R-104."),
        ({"product": TABLET, "volume_ml": None}, "medicationCodeableConcept", "tablet"),
    ],
)
def test_a_phase_that_differs_in_anything_has_an_order_of_its_own(changed, element, said) -> None:
    before = drafting().order(FIRST)
    other = drafting().order(replace(FIRST, **changed))
    assert said in str(other[element])
    assert said not in str(before[element])


def test_another_site_has_its_own_codes_for_the_same_product() -> None:
    coded = Site(drugs=Formulary(codings={FIRST.product.id: (OWN,)}))
    for _ in range(2):
        assert "urn:hospital" in str(drafting(coded).order(FIRST)["medicationCodeableConcept"])
        assert "urn:hospital" not in str(drafting().order(FIRST)["medicationCodeableConcept"])


def test_a_pack_that_somebody_signed_says_so_at_once() -> None:
    assert "unreviewed" in str(drafting().order(FIRST)["note"])
    signed = drafting(review=Review("reviewed", "Dr B", DAY)).order(FIRST)
    assert "review status: reviewed by Dr B" in str(signed["note"])


def test_two_patients_share_what_is_given_and_nothing_else() -> None:
    one = build_facts()
    two = replace(one, patient=replace(one.patient, reference="Patient/p2"))
    first, second = drafting(facts=one).order(FIRST), drafting(facts=two).order(FIRST)
    assert first["subject"] != second["subject"]
    assert first["identifier"] != second["identifier"]
    assert first["groupIdentifier"] != second["groupIdentifier"]
    assert first["dosageInstruction"] == second["dosageInstruction"]


def test_an_order_without_evidence_names_none() -> None:
    ctx = context(build_facts(), build_decision(), PLAN, build_protocol(), Site())
    bare = Drafting(replace(ctx, evidence=()), Asked(DAY)).order(FIRST)
    assert "supportingInformation" not in bare
    assert drafting().order(FIRST)["supportingInformation"]


def test_what_is_remembered_is_bounded_and_stays_right() -> None:
    drafts = drafting()
    for days in range(draft.MOST + 2):
        start = DAY + timedelta(days=days)
        order = drafts.order(build_phase(start=start))
        period = order["dosageInstruction"][0]["timing"]["repeat"]["boundsPeriod"]
        assert period["start"] == start.isoformat()
        assert draft.remembered() <= draft.MOST


def test_a_test_that_differs_in_anything_has_an_order_of_its_own() -> None:
    """Each of these alone would send the wrong tube, on a wrong day, or name a wrong rule."""
    protocol = load_protocol()
    other = replace(protocol, tests={**protocol.tests, "b12": protocol.tests["potassium"]})

    def drafts(held: Protocol) -> Drafting:
        ctx = context(build_facts(), build_decision(), PLAN, held, Site())
        return Drafting(ctx, Asked(DAY))

    first = drafts(protocol).test("b12", [DAY], "R-35")
    assert first["occurrenceTiming"] == {"event": ["2026-11-21"]}
    assert first["note"][0]["text"].endswith(" Rule R-35.")
    again = drafts(protocol).test("b12", [DAY], "R-35")
    assert again == first
    later = drafts(protocol).test("b12", [DAY + timedelta(days=1)], "R-35")
    assert later["occurrenceTiming"] == {"event": ["2026-11-22"]}
    assert drafts(protocol).test("b12", [DAY], "R-39")["note"][0]["text"].endswith(" R-39.")
    assert drafts(protocol).test("potassium", [DAY], "R-35")["code"] != first["code"]
    swapped = drafts(other).test("b12", [DAY], "R-35")
    assert swapped["code"]["text"] == protocol.tests["potassium"].label


def test_what_is_remembered_of_a_phase_is_none_of_a_test() -> None:
    """The keys of both lie side by side: neither may be taken for the other."""
    asked = draft._Test(load_protocol(), "b12", (DAY,), "R-35")
    assert asked != (asked.protocol, "b12", (DAY,), "R-35")
    assert asked == draft._Test(load_protocol(), "b12", (DAY,), "R-35")
