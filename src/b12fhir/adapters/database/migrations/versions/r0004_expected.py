"""What the record of a patient must show at the next turn."""

import sqlalchemy as sa
from alembic import op

from b12fhir.adapters.database.tables.metadata import Instant

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make its table."""
    op.create_table(
        "sync_expected",
        sa.Column("scope", sa.String, nullable=False),
        sa.Column("patient", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("listed", Instant, nullable=False),
        sa.Column("is_there", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("scope", "patient", "kind", "id", name="pk_sync_expected"),
        sqlite_with_rowid=False,
    )
    op.execute("UPDATE book SET version = 4")
