"""What a first call would have to build is there before it, and nobody hears of it."""

import logging
from datetime import UTC, datetime

from b12fhir.fhir.compose import draft
from b12fhir.fhir.extract.memory import memories_of
from b12fhir.fhir.site import Site
from b12fhir.protocol.load import load_protocol
from b12fhir.service.hooks import rehearsal
from b12fhir.service.hooks.answer import answer
from tests.support.hook_parts import House

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_the_whole_way_is_gone_down_to_a_card_with_orders(monkeypatch) -> None:
    """A rehearsal in which nothing is found would build little of what a patient needs."""
    made = []

    def watched(*given):
        made.append(answer(*given)[0])
        return answer(*given)

    monkeypatch.setattr(rehearsal, "answer", watched)
    rehearsal.rehearse(load_protocol(), Site(), NOW)
    view, sign = made
    (card,) = view["cards"]
    assert card["suggestions"]
    # Neither route nor dose: an order that is judged and found wanting.
    assert sign["cards"]


def test_what_was_read_is_remembered_for_the_site_that_serves() -> None:
    protocol, site = load_protocol(), Site()
    rehearsal.rehearse(protocol, site, NOW)
    memories = memories_of(protocol, site)
    # B12, haemoglobin and MCV, each in one unit.
    assert len(memories.forms) == 3
    assert memories.meanings
    assert draft.remembered()


def test_nothing_is_kept_counted_or_logged(caplog) -> None:
    caplog.set_level(logging.DEBUG)
    house = House()
    house.app.rehearse()
    assert (house.book.issued, house.book.held) == ([], [])
    figures = house.client.get("/metrics").get_data(as_text=True)
    assert "b12fhir_cards_total{" not in figures
    assert 'service="b12-patient-view"' not in figures
    assert [one for one in caplog.records if "metrics" not in one.getMessage()][:-1] == []
