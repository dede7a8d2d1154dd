"""Cards, feedback and used tokens: as the first program that kept a book made them."""

import sqlalchemy as sa
from alembic import op

from b12fhir.adapters.database.tables.metadata import Instant

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "book",
        sa.Column("version", sa.Integer, autoincrement=False),
        sa.PrimaryKeyConstraint("version", name="pk_book"),
    )
    op.execute("INSERT INTO book (version) VALUES (1)")
    op.create_table(
        "issued",
        sa.Column("uuid", sa.String, nullable=False),
        sa.Column("at", Instant, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in _OF_A_CARD),
        sa.PrimaryKeyConstraint("uuid", name="pk_issued"),
    )
    op.create_index("ix_issued_at", "issued", ["at"])
    op.create_table(
        "feedback",
        # By itself the type of a key that SQLite counts up.
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("entry", sa.String, nullable=False),
        sa.Column("card", sa.String, nullable=False),
        sa.Column("service", sa.String, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("received", Instant, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in _OF_FEEDBACK),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
        sa.UniqueConstraint("entry", name="uq_feedback_entry"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feedback_card", "feedback", ["card"])
    op.create_index("ix_feedback_received", "feedback", ["received"])
    op.create_table(
        "token_id",
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_token_id"),
        sqlite_with_rowid=False,
    )


_OF_A_CARD = (
    "service",
    "hook",
    "patient",
    "reader",
    "card_key",
    "rule",
    "indicator",
    "fingerprint",
    "grade",
    "pack",
    "rules",
    "suggestions",
)
_OF_FEEDBACK = ("accepted", "reason", "system", "comment")
