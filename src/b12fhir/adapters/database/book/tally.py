"""Counting what became of cards."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from b12fhir.adapters.database.book.rows import ANSWERS
from b12fhir.adapters.database.store import Store
from b12fhir.adapters.database.tables.book import FEEDBACK, ISSUED, SILENCE
from b12fhir.errors import ConfigError
from b12fhir.service.hooks.rates import FeedbackReport, HeldBack, Tally, feedback_report


def read_report(store: Store, since: datetime | None) -> FeedbackReport:
    """What became of the cards that were issued since then (or are kept at all).

    Raises `ConfigError` where there is no book, and `BookError` where it cannot be read.
    """
    if not store.exists:
        raise ConfigError(
            f"There is no book of cards ({store.name}): nothing was issued yet, or elsewhere.",
            hint="Name the database that `serve` uses in B12FHIR_HOOKS_STORE or the --config file.",
        )
    with store.begin() as connection:
        tallies = _tallies(connection, since)
        unjoined, held = _unjoined(connection, since), _held(connection, since)
        return feedback_report(tallies, since, unjoined, held)


def _tallies(connection: Connection, since: datetime | None) -> list[Tally]:
    rank = func.row_number().over(
        partition_by=FEEDBACK.c.card, order_by=(FEEDBACK.c.received.desc(), FEEDBACK.c.id.desc())
    )
    answers = select(FEEDBACK.c.card, FEEDBACK.c.outcome, FEEDBACK.c.reason, rank.label("rank"))
    ranked = answers.select_from(FEEDBACK.join(ISSUED, ANSWERS)).subquery()
    last = select(ranked).where(ranked.c.rank == 1).subquery()
    named = (
        ISSUED.c.rule,
        ISSUED.c.indicator,
        func.coalesce(last.c.outcome, ""),
        func.coalesce(last.c.reason, ""),
    )
    query = select(*named, func.count()).select_from(
        ISSUED.outerjoin(last, last.c.card == ISSUED.c.uuid)
    )
    if since is not None:
        query = query.where(ISSUED.c.at >= since)
    return [Tally(*row) for row in connection.execute(query.group_by(*named))]


def _unjoined(connection: Connection, since: datetime | None) -> int:
    query = (
        select(func.count())
        .select_from(FEEDBACK.outerjoin(ISSUED, ANSWERS))
        .where(ISSUED.c.uuid.is_(None))
    )
    if since is not None:
        query = query.where(FEEDBACK.c.received >= since)
    return connection.execute(query).scalar_one()


def _held(connection: Connection, since: datetime | None) -> list[HeldBack]:
    named = (SILENCE.c.rule, SILENCE.c.indicator, SILENCE.c.reason)
    answers = func.count(SILENCE.c.card.distinct())
    query = select(*named, func.sum(SILENCE.c.times), answers, func.max(SILENCE.c.until))
    if since is not None:
        query = query.where(SILENCE.c.last_at >= since)
    return [HeldBack(*row) for row in connection.execute(query.group_by(*named))]
