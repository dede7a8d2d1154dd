"""Silences: why a card was held back, and until when."""

import sqlalchemy as sa
from alembic import op

from b12fhir.adapters.database.tables.metadata import Instant

revision = "0002"
down_revision = "0001"

_KEY = ("card", "service", "indicator", "reason", "until")


def upgrade() -> None:
    """Make their table."""
    op.create_table(
        "silence",
        *(sa.Column(name, sa.String, nullable=False) for name in _KEY[:-1]),
        sa.Column("until", Instant, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in _OF_A_CARD),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("last_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint(*_KEY, name="pk_silence"),
    )
    op.create_index("ix_silence_last_at", "silence", ["last_at"])
    op.execute("UPDATE book SET version = 2")


_OF_A_CARD = ("patient", "reader", "card_key", "rule")
