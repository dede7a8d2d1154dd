"""The tables of all uses, and how values stand in them.

Names of keys and constraints follow one convention, so that a later migration can address them.
`SCHEMA` is written into the store: a program does not write into tables of another version, unless
it is one of `GROWN`, to which only tables were added since.
"""

from sqlalchemy import Index

from b12fhir.adapters.database.tables.book import BOOK
from b12fhir.adapters.database.tables.metadata import METADATA

__all__ = ["BOOK", "GROWN", "METADATA", "SCHEMA", "indexes"]

SCHEMA = 2
# 1: without `silence`.
GROWN = frozenset({1})


def indexes() -> list[Index]:
    """Every index, in a stable order."""
    return sorted(
        (index for table in METADATA.sorted_tables for index in table.indexes),
        key=lambda index: str(index.name),
    )
