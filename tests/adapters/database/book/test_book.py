"""The book keeps what it is told, for every worker, on every database it can live in."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from b12fhir.adapters.database.book import SqlBook
from b12fhir.adapters.database.book.rows import heard_row
from b12fhir.adapters.database.store import Store
from b12fhir.adapters.database.tables.book import FEEDBACK, ISSUED
from b12fhir.service.hooks.keeping import ACCEPTED, Answered
from b12fhir.service.hooks.model import Hook
from tests.adapters.database.book.samples import ANNA, BEN, T0, eventually, heard, issued


def rows_of(store: Store, table) -> int:
    with store.begin() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_an_answer_comes_back_whole_with_its_card(book, other):
    """Word for word in another worker: instants with their zone, ranks, dangers, labels."""
    card = issued()
    said = heard(card, accepted=("s1", "s2"), outcome=ACCEPTED, reason="", system="")
    book.issue([card])
    book.hear([said])
    assert other.recall(ANNA) == (Answered(card, said),)


def test_the_readers_own_words_are_kept_and_not_handed_on(book, store):
    card = issued()
    book.issue([card])
    book.hear([heard(card, comment="ask her sister")])
    assert [one.heard.comment for one in book.recall(ANNA)] == [""]
    with store.begin() as connection:
        assert connection.execute(select(FEEDBACK.c.comment)).scalars().all() == ["ask her sister"]


def test_own_feedback_counts_at_once(book):
    """The card may still wait to be written when the answer to it comes."""
    card = issued()
    book.issue([card])
    assert book.recall(ANNA) == ()
    book.hear([heard(card)])
    assert [one.issued for one in book.recall(ANNA)] == [card]
    assert book.recall(BEN) == ()


def test_feedback_of_another_worker_is_known_after_a_moment(book, other):
    card = issued()
    assert other.recall(ANNA) == ()
    book.issue([card])
    book.hear([heard(card)])
    assert eventually(lambda: other.recall(ANNA))


def test_feedback_that_another_worker_hears_first_joins_its_card_later(book, other):
    """A proxy may bring the answer to another worker before the card is written."""
    card = issued()
    other.hear([heard(card)])
    assert other.recall(ANNA) == ()
    book.issue([card])
    assert eventually(lambda: other.recall(ANNA))
    assert eventually(lambda: book.recall(ANNA))


def test_issued_cards_are_written_soon(book, store):
    book.issue([issued(), issued()])
    assert eventually(lambda: rows_of(store, ISSUED) == 2)


def test_closing_writes_what_waits(book, store):
    book.start()
    book.issue([issued()])
    book.close()
    assert rows_of(store, ISSUED) == 1


def test_a_closed_book_opens_again(book, store):
    book.close()
    book.issue([issued()])
    book.close()
    assert rows_of(store, ISSUED) == 1


def test_nothing_is_done_for_nothing(book, url):
    book.issue([])
    book.hear([])
    assert book._clerk is None
    book.close()


def test_the_same_card_twice_is_kept_once(book, store):
    card = issued()
    book.issue([card, card])
    book.issue([card])
    book.close()
    assert rows_of(store, ISSUED) == 1


def test_the_same_feedback_twice_is_kept_once(book, other, store):
    """Clients send again what they got no answer to; when we received it makes no difference."""
    card = issued()
    book.issue([card])
    said = heard(card)
    again = replace(said, received=said.received + timedelta(minutes=5))
    book.hear([said, said])
    other.hear([again])
    assert rows_of(store, FEEDBACK) == 1
    assert [one.heard for one in book.recall(ANNA)] == [said]


def test_feedback_of_before_clients_were_kept_is_known_when_it_comes_again():
    """The digest that a version without clients gave this entry."""
    told = "288ca161c7f6b7b8d371445cb8b0ecac6cca89fca4b8413b9ba56dbe519c83d2"
    assert heard_row(heard("card"))["entry"] == told


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "limited-time"},
        {"outcome": ACCEPTED},
        {"accepted": ("s2",)},
        {"comment": "no"},
        {"at": T0 + timedelta(hours=1)},
        {"card": "another"},
        {"client": "another"},
    ],
)
def test_another_answer_is_kept_as_well(book, store, change):
    said = heard("card")
    book.hear([said, replace(said, **change)])
    assert rows_of(store, FEEDBACK) == 2


def test_feedback_on_a_card_that_was_never_issued_is_kept_and_silences_nothing(book, store):
    book.hear([heard("nobody-knows-it")])
    assert rows_of(store, FEEDBACK) == 1
    assert book.recall(ANNA) == ()


def test_only_the_client_of_a_card_answers_it(book, other):
    """Whoever came by the id of another one's card must not silence what that one is to see."""
    card = issued(client="https://ehr.example|north")
    book.issue([card])
    book.hear([heard(card, client="https://ehr.example|south"), heard(card, client="")])
    assert (book.recall(ANNA), other.recall(ANNA)) == ((), ())
    said = heard(card, client="https://ehr.example|north")
    book.hear([said])
    assert book.recall(ANNA) == (Answered(card, said),)
    assert eventually(lambda: other.recall(ANNA) == (Answered(card, said),))


def test_a_card_that_went_to_nobody_by_name_is_answered_by_any_client(book):
    """Issued while no token was asked for, or by a version that did not keep who got it."""
    card = issued()
    book.issue([card])
    book.hear([heard(card, client="https://ehr.example|north")])
    assert [one.issued for one in book.recall(ANNA)] == [card]


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 100_000])
def test_a_client_of_any_name_is_kept_and_answers_its_cards(book, store, text):
    """A card that cannot be written would keep all that come after it waiting."""
    card = issued(client=text)
    book.issue([card])
    book.hear([heard(card, client=text)])
    assert [one.issued.uuid for one in book.recall(ANNA)] == [card.uuid]
    assert rows_of(store, ISSUED) == 1


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 100_000, "Ω'; DROP TABLE issued; --"])
def test_no_text_of_a_client_makes_the_book_refuse(book, store, text):
    strange = heard(text, service=text, outcome=text, accepted=(text,) * 99)
    book.hear([replace(strange, reason=text, system=text, comment=text)])
    with store.begin() as connection:
        row = connection.execute(select(FEEDBACK)).one()
    assert len(row.comment) <= 2000
    assert len(row.card) <= 64
    assert len(row.accepted) < 5000


def test_the_last_answer_to_a_matter_is_recalled(book, other):
    first, second = issued(), issued()
    book.issue([first, second])
    earlier = heard(first)
    later = heard(second, at=earlier.at + timedelta(hours=1), received=earlier.received)
    last = heard(second, received=earlier.received + timedelta(hours=2), at=later.at)
    book.hear([last])
    book.hear([earlier])
    assert [one.heard for one in book.recall(ANNA)] == [last]
    assert [one.heard for one in other.recall(ANNA)] == [last]


def test_answers_to_other_matters_stand_side_by_side(book):
    cards = [issued(), issued(key="dose-due"), issued(rule="R-31"), issued(user="d" * 16)]
    book.issue(cards)
    book.hear([heard(one) for one in cards])
    assert {one.issued.uuid for one in book.recall(ANNA)} == {one.uuid for one in cards}


@pytest.mark.parametrize("hook", Hook)
def test_every_hook_can_be_kept(book, other, hook):
    card = issued(hook=hook)
    book.issue([card])
    book.hear([heard(card)])
    assert other.recall(ANNA)[0].issued == card


def test_what_a_later_version_wrote_silences_nothing(book, other, store):
    """After going back to an older program its words may be unknown: the card is then shown."""
    cards = [issued(), issued(key="dose-due"), issued(key="refill")]
    book.issue(cards)
    book.hear([heard(one) for one in cards])
    odd = ({"hook": "order-dispatch"}, {"grade": '{"classes": "many"}'})
    with store.begin() as connection:
        for card, words in zip(cards, odd, strict=False):
            connection.execute(ISSUED.update().where(ISSUED.c.uuid == card.uuid).values(words))
    assert [one.issued for one in other.recall(ANNA)] == [cards[2]]


def test_what_can_silence_nothing_any_more_is_not_read_again(book, other, clock):
    card = issued()
    book.issue([card])
    book.hear([heard(card)])
    clock.move(days=91)
    assert other.recall(ANNA) == ()


def test_memory_lets_go_of_old_answers(book, clock):
    old, new = issued(), issued(key="dose-due")
    other_patient = issued(patient=BEN)
    book.issue([old, new, other_patient])
    book.hear([heard(old), heard(other_patient)])
    fresh = heard(new).at + timedelta(days=60)
    book.hear([heard(new, at=fresh, received=fresh)])
    clock.move(days=91)
    assert eventually(lambda: [one.issued for one in book.recall(ANNA)] == [new])
    assert book.recall(BEN) == ()


def test_old_rows_are_swept(store, clock):
    """After the 400 days of the setting, not before; what is younger stays."""
    book = SqlBook(store, clock, keep=timedelta(days=400))
    old, young = issued(), issued(at=T0 + timedelta(days=300))
    book.issue([old, young])
    book.hear([heard(old), heard(young, received=T0 + timedelta(days=300))])
    clock.move(days=399)
    book.close()
    book.start()
    assert (rows_of(store, ISSUED), rows_of(store, FEEDBACK)) == (2, 2)
    clock.move(days=2)
    assert eventually(lambda: rows_of(store, ISSUED) == 1)
    assert eventually(lambda: rows_of(store, FEEDBACK) == 1)
    book.close()


def test_a_book_on_a_live_database_is_ready(book):
    assert book.is_ready()


def test_a_book_whose_clerk_died_is_not_ready(book, monkeypatch):
    book.start()
    clerk = book._clerk
    clerk._stopped.set()
    clerk._woken.set()
    clerk._thread.join()
    assert not book.is_ready()
