"""What an answer silences, for whom and how long; and what nothing silences."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b12fhir.errors import ConfigError
from b12fhir.service.hooks.keeping import ACCEPTED, OVERRIDDEN, Answered, Heard, Issued, Silence
from b12fhir.service.hooks.model import Card, Grade, Hook, Indicator
from b12fhir.service.hooks.snooze import LIMITS, REASONS, Limits, order_of, parted, why_silent

T0 = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SECOND = timedelta(seconds=1)
GRADE = Grade(classes=3, severity=2, urgency=1, b12="132", dangers=frozenset({"oral"}))
ANNA, BEN = "a" * 16, "b" * 16


def card(indicator=Indicator.WARNING, grade=GRADE, key="finding", **more) -> Card:
    given_ = {"rule": "R-28", "fingerprint": "f1", "topic": "treat"} | more
    return Card(key=key, indicator=indicator, grade=grade, summary="", detail="", **given_)


def answer(
    shown: Card,
    reason="patient-refuses",
    *,
    outcome=OVERRIDDEN,
    user=ANNA,
    at=T0,
    received=None,
    system=REASONS,
) -> Answered:
    issued = Issued(
        uuid="u1",
        at=T0 - HOUR,
        service="b12-patient-view",
        hook=Hook.PATIENT_VIEW,
        patient="p" * 16,
        user=user,
        key=shown.key,
        rule=shown.rule,
        indicator=shown.indicator,
        fingerprint=shown.fingerprint,
        grade=shown.grade,
        pack="seed-default/1",
        rules="r1",
    )
    heard = Heard("u1", "b12-patient-view", outcome, at, received or at, (), reason, system)
    return Answered(issued, heard)


def speaking(cards, answered, user, now, limits=LIMITS) -> tuple[Card, ...]:
    """The cards that are to be shown. Each card is shown, or it is told why not."""
    shown, silences = parted(cards, answered, user, now, limits)
    assert len(shown) + len(silences) == len(cards)
    return shown


def silent_for(shown: Card, one: Answered) -> timedelta:
    """How long a card that stays as it was is silent."""
    found = why_silent(shown, [one], ANNA, T0)
    return found.until - T0 if found else timedelta(0)


def test_without_an_answer_every_card_speaks():
    cards = (card(), card(Indicator.CRITICAL))
    assert speaking(cards, [], ANNA, T0) == cards


# The table of the policy: reference section 5 gives the limits 90 d, 30 d and 24 h and which
# reasons are short, long or nothing; a day and a week for the short ones are ours.
@pytest.mark.parametrize(
    ("reason", "info", "warning", "critical"),
    [
        ("patient-refuses", 90 * DAY, 30 * DAY, DAY),
        ("action-completed", 90 * DAY, 30 * DAY, DAY),
        ("need-more-info", 7 * DAY, 7 * DAY, DAY),
        ("inappropriate-recipient", 7 * DAY, 7 * DAY, DAY),
        ("prefers-alternative", 7 * DAY, 7 * DAY, DAY),
        ("patient-contraindication", 7 * DAY, 7 * DAY, DAY),
        ("patient-ineligible", 7 * DAY, 7 * DAY, DAY),
        ("limited-time", DAY, DAY, DAY),
        ("wrong-time-workflow", DAY, DAY, DAY),
        ("", 0 * DAY, 0 * DAY, 0 * DAY),
        ("expert-contradicts", 0 * DAY, 0 * DAY, 0 * DAY),
        ("PATIENT-REFUSES", 0 * DAY, 0 * DAY, 0 * DAY),
    ],
)
def test_how_long_a_reason_silences(reason, info, warning, critical):
    spans = [silent_for(one, answer(one, reason)) for one in map(card, Indicator)]
    assert spans == [info, warning, critical]


@pytest.mark.parametrize("system", ["", "urn:example:reasons"])
def test_a_code_of_another_system_is_an_unknown_reason(system):
    assert silent_for(card(), answer(card(), system=system)) == timedelta(0)


@pytest.mark.parametrize("indicator", Indicator)
def test_an_accepted_card_comes_back_the_next_day(indicator):
    """The order is on its way; if it is not in the record by then, it was lost."""
    shown = card(indicator)
    assert silent_for(shown, answer(shown, "", outcome=ACCEPTED)) == DAY


def test_a_silence_ends_to_the_second():
    one = answer(card(Indicator.CRITICAL))
    shown = card(Indicator.CRITICAL)
    assert speaking([shown], [one], ANNA, T0) == ()
    assert speaking([shown], [one], ANNA, T0 + DAY - SECOND) == ()
    assert speaking([shown], [one], ANNA, T0 + DAY) == (shown,)


def test_only_the_card_that_was_answered_is_silent():
    dose = card(key="dose-due")
    other_rule = card(rule="R-31")
    assert speaking([card(), dose, other_rule], [answer(card())], ANNA, T0) == (dose, other_rule)


def test_nobody_silences_another_readers_card():
    assert speaking([card()], [answer(card(), user=BEN)], ANNA, T0) == (card(),)


def test_a_reader_whom_nobody_knows_silences_nothing():
    """Two callers without userId are not one person."""
    assert speaking([card()], [answer(card(), user="")], "", T0) == (card(),)


def test_the_last_word_on_a_matter_counts():
    refused, taken = answer(card()), answer(card(), "", outcome=ACCEPTED, at=T0 + HOUR)
    for told in ([refused, taken], [taken, refused]):
        assert speaking([card()], told, ANNA, T0 + 2 * HOUR) == ()
        assert speaking([card()], told, ANNA, T0 + 2 * DAY) == (card(),)


def test_of_two_words_of_one_moment_the_later_received_counts():
    first = answer(card(), received=T0 + SECOND)
    second = answer(card(), "", received=T0 + 2 * SECOND)
    assert speaking([card()], [first, second], ANNA, T0 + HOUR) == (card(),)


@pytest.mark.parametrize("late", [-400 * DAY, 400 * DAY])
def test_no_clock_of_a_client_stretches_a_silence(late):
    """A client whose clock is years ahead would else silence a card for years."""
    one = answer(card(), at=T0 + late, received=T0)
    assert speaking([card()], [one], ANNA, T0 + 30 * DAY) == (card(),)
    held = speaking([card()], [one], ANNA, T0 + DAY)
    assert held == (() if late > timedelta(0) else (card(),))


def test_an_answer_of_later_silences_nothing_now():
    assert speaking([card()], [answer(card())], ANNA, T0 - SECOND) == (card(),)


@pytest.mark.parametrize(
    "worse",
    [
        card(grade=replace(GRADE, classes=4)),
        card(grade=replace(GRADE, severity=3)),
        card(grade=replace(GRADE, urgency=2)),
        card(grade=replace(GRADE, neuro=True)),
        card(grade=replace(GRADE, b12="131.9")),
        card(grade=replace(GRADE, dangers=frozenset({"oral", "leber"}))),
        card(grade=replace(GRADE, dangers=frozenset({"leber"}))),
        card(Indicator.CRITICAL),
    ],
)
def test_what_became_worse_speaks_at_once(worse):
    assert speaking([worse], [answer(card())], ANNA, T0) == (worse,)


@pytest.mark.parametrize(
    "no_worse",
    [
        card(fingerprint="f2"),
        card(Indicator.INFO),
        card(grade=replace(GRADE, classes=2, severity=1, urgency=0, dangers=frozenset())),
        card(grade=replace(GRADE, b12="132.0")),
        card(grade=replace(GRADE, b12="140")),
        card(grade=replace(GRADE, b12="")),
    ],
)
def test_what_stayed_or_became_better_stays_silent(no_worse):
    assert speaking([no_worse], [answer(card())], ANNA, T0) == ()


@pytest.mark.parametrize(("before", "after"), [("", "132"), ("132", "low"), ("NaN", "132")])
def test_a_level_that_cannot_be_compared_counts_as_worse(before, after):
    old, new = (card(grade=replace(GRADE, b12=text)) for text in (before, after))
    assert speaking([new], [answer(old)], ANNA, T0) == (new,)


def test_nerves_that_were_known_are_not_news():
    known = card(grade=replace(GRADE, neuro=True))
    assert speaking([known], [answer(known)], ANNA, T0) == ()


def test_a_card_that_was_critical_when_answered_comes_back_after_a_day():
    was = answer(card(Indicator.CRITICAL))
    assert silent_for(card(Indicator.WARNING), was) == DAY


# One thing in particular


@pytest.mark.parametrize(
    ("key", "topic"),
    [
        ("draft:dose", "order"),
        ("order:potassium-low", "order"),
        ("refill:stopped", "order"),
        ("new-allergy", "follow-up"),
        ("data", "data"),
        ("unchecked", "data"),
        ("discharge", "data"),
    ],
)
def test_what_is_about_one_thing_is_silent_only_while_that_is_the_same(key, topic):
    """The next order, a lower potassium, another allergy or another gap has not been answered."""
    one = card(Indicator.INFO, key=key, topic=topic)
    other = replace(one, fingerprint="f2")
    assert speaking([one], [answer(one)], ANNA, T0) == ()
    assert speaking([other], [answer(one)], ANNA, T0) == (other,)


@pytest.mark.parametrize("key", ["data", "unchecked", "finding"])
def test_what_cannot_be_decided_comes_back_after_a_day(key):
    """Whatever the reason and the indicator: nobody can answer for good what nobody knows."""
    gap = card(Indicator.INFO, key=key, topic="data")
    assert silent_for(gap, answer(gap)) == DAY
    assert silent_for(gap, answer(gap, "limited-time")) == DAY


def test_a_forbidden_order_is_never_silent():
    order = card(Indicator.CRITICAL, key="draft:order-iv")
    assert speaking([order], [answer(order, "action-completed")], ANNA, T0) == (order,)


# Why


def test_a_silence_says_who_said_what_and_until_when():
    refused = why_silent(card(), [answer(card())], ANNA, T0 + HOUR)
    assert refused == Silence(
        card="u1",
        key="finding",
        rule="R-28",
        indicator=Indicator.WARNING,
        reader=ANNA,
        reason="patient-refuses",
        since=T0,
        until=T0 + 30 * DAY,
    )
    taken = why_silent(card(), [answer(card(), "", outcome=ACCEPTED)], ANNA, T0)
    assert taken is not None
    assert taken.reason == "accepted"


def test_each_card_that_is_not_shown_is_told_with_its_reason():
    """The indicator is that of the card that is held back: it is no longer grave."""
    grave, dose, milder = card(Indicator.CRITICAL), card(key="dose-due"), card(Indicator.INFO)
    told = [answer(grave), answer(card(key="refill"))]
    shown, silences = parted([dose, milder], told, ANNA, T0 + HOUR)
    assert shown == (dose,)
    assert silences == (why_silent(milder, told, ANNA, T0 + HOUR),)
    assert [one.indicator for one in silences] == [Indicator.INFO]


# What a site may set


def test_a_site_may_shorten_a_silence():
    limits = Limits(info=2 * DAY, warning=3 * HOUR, critical=timedelta(0))
    ends = {Indicator.INFO: 2 * DAY, Indicator.WARNING: 3 * HOUR}
    for indicator, span in ends.items():
        shown = card(indicator)
        found = why_silent(shown, [answer(shown)], ANNA, T0, limits)
        assert found is not None
        assert found.until == T0 + span
    grave = card(Indicator.CRITICAL)
    assert speaking([grave], [answer(grave)], ANNA, T0, limits) == (grave,)


@pytest.mark.parametrize(
    ("name", "span"),
    [
        ("info", 91 * DAY),
        ("warning", 31 * DAY),
        ("critical", DAY + SECOND),
        ("critical", -SECOND),
    ],
)
def test_a_site_may_not_stretch_it(name, span):
    with pytest.raises(ConfigError, match=name):
        Limits(**{name: span})


# What holds for any answers at any time

TIMES = st.integers(-200 * 24, 200 * 24).map(lambda hours: T0 + timedelta(hours=hours))
RANKS = st.integers(0, 3)
GRADES = st.builds(
    Grade,
    RANKS,
    RANKS,
    RANKS,
    st.booleans(),
    st.sampled_from(["", "90", "132", "132.0", "350"]),
    st.frozensets(st.sampled_from(["oral", "leber"])),
)
CARDS = st.builds(
    card,
    st.sampled_from(list(Indicator)),
    GRADES,
    st.sampled_from(["finding", "draft:dose"]),
    fingerprint=st.sampled_from(["f1", "f2"]),
)
REASON = st.sampled_from(["patient-refuses", "need-more-info", "limited-time", "other", ""])
ANSWERS = st.lists(
    st.builds(
        answer,
        CARDS,
        REASON,
        outcome=st.sampled_from([ACCEPTED, OVERRIDDEN]),
        user=st.sampled_from([ANNA, BEN, ""]),
        at=TIMES,
        received=TIMES,
    ),
    max_size=6,
)


@given(CARDS, ANSWERS, TIMES)
def test_a_critical_card_is_never_silent_for_more_than_a_day(shown, answers, now):
    grave = replace(shown, indicator=Indicator.CRITICAL)
    if speaking([grave], answers, ANNA, now) == ():
        said = [min(one.heard.at, one.heard.received) for one in answers]
        assert any(now - DAY < at <= now for at in said)


@given(CARDS, ANSWERS, TIMES, GRADES)
def test_what_is_worse_than_at_each_answer_always_speaks(shown, answers, now, base):
    top = max((one.issued.grade.classes for one in answers), default=0)
    worse = replace(shown, grade=replace(base, classes=top + 1))
    assert speaking([worse], answers, ANNA, now) == (worse,)


@given(CARDS, ANSWERS, TIMES)
def test_whoever_said_nothing_sees_every_card(shown, answers, now):
    assert speaking([shown], answers, "c" * 16, now) == (shown,)


@given(CARDS, ANSWERS, TIMES)
def test_every_silence_can_be_told_and_has_not_ended(shown, answers, now):
    found = why_silent(shown, answers, ANNA, now)
    assert (speaking([shown], answers, ANNA, now) == ()) is (found is not None)
    if found:
        assert found.since <= now < found.until
        assert found.reader == ANNA


@given(CARDS, ANSWERS, TIMES, st.randoms(use_true_random=False))
def test_the_order_of_answers_does_not_matter(shown, answers, now, random):
    """Workers learn of answers in another order."""
    distinct = {order_of(one): one for one in answers}
    told = list(distinct.values())
    before = speaking([shown], told, ANNA, now)
    random.shuffle(told)
    assert speaking([shown], told, ANNA, now) == before
