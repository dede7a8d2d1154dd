"""How far the sync of a server has come."""

import sqlalchemy as sa
from alembic import op

from b12fhir.adapters.database.tables.metadata import Instant

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make its tables."""
    op.create_table(
        "sync_place",
        sa.Column("scope", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("noted", sa.BigInteger, nullable=False),
        sa.Column("finder", sa.String, nullable=True),
        sa.Column("full_at", Instant, nullable=True),
        sa.Column("fingerprint", sa.String, nullable=True),
        sa.PrimaryKeyConstraint("scope", name="pk_sync_place"),
    )
    op.create_table(
        "sync_run",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("scope", sa.String, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("boot", sa.String, nullable=False),
        sa.Column("space", sa.String, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sync_run"),
    )
    op.create_index("ix_sync_run_scope", "sync_run", ["scope"])
    _patients_and_changes()
    op.execute("UPDATE book SET version = 3")


def _patients_and_changes() -> None:
    op.create_table(
        "sync_patient",
        sa.Column("scope", sa.String, nullable=False),
        sa.Column("patient", sa.String, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sa.Column("noted", sa.BigInteger, nullable=False),
        sa.Column("holder", sa.String, nullable=True),
        sa.Column("claimed", sa.BigInteger, nullable=True),
        sa.Column("again_on", sa.Date, nullable=True),
        sa.PrimaryKeyConstraint("scope", "patient", name="pk_sync_patient"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sync_patient_queue", "sync_patient", ["scope", "state", "noted"])
    op.create_index("ix_sync_patient_again", "sync_patient", ["scope", "again_on"])
    op.create_table(
        "sync_mark",
        sa.Column("scope", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("scope", "kind", name="pk_sync_mark"),
    )
    op.create_table(
        "sync_seen",
        sa.Column("scope", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("scope", "kind", "id", "version", name="pk_sync_seen"),
        sqlite_with_rowid=False,
    )
