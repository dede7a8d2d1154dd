"""What decides, and when it first and last looked for changes."""

import sqlalchemy as sa
from alembic import op

from b12fhir.adapters.database.tables.metadata import Instant

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make its table."""
    op.create_table(
        "sync_reader",
        sa.Column("scope", sa.String, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("first", Instant, nullable=False),
        sa.Column("last", Instant, nullable=False),
        sa.PrimaryKeyConstraint("scope", "fingerprint", name="pk_sync_reader"),
    )
    op.execute("UPDATE book SET version = 5")
