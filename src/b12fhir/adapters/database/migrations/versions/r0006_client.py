"""Which client got a card, and which one answered: one client does not answer another's cards.

Of the rows that are there nobody knows it any more; those cards may be answered by any.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add it to cards and to answers."""
    for table in ("issued", "feedback"):
        op.add_column(
            table, sa.Column("client", sa.String, nullable=False, server_default=sa.text("''"))
        )
    op.execute("UPDATE book SET version = 6")
