"""What an INSERT does to rows that are there: the same words for both kinds of database."""

from functools import cache

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Insert = sqlite.Insert | postgresql.Insert


def insert_into(connection: Connection, table: Table) -> Insert:
    """An INSERT that can say what happens to rows that are there."""
    return _insert(connection.dialect.name, table)


def keep_once(connection: Connection, table: Table) -> Insert:
    """An INSERT that leaves out what is there already."""
    return insert_into(connection, table).on_conflict_do_nothing()


def overwrite(connection: Connection, table: Table, *columns: str) -> Insert:
    """An INSERT that gives rows that are there the new values of these columns."""
    return _overwriting(connection.dialect.name, table, columns)


@cache  # to make one costs more than to run it
def _overwriting(dialect: str, table: Table, columns: tuple[str, ...]) -> Insert:
    new = _insert(dialect, table)
    values = {name: new.excluded[name] for name in columns}
    return new.on_conflict_do_update(index_elements=table.primary_key.columns, set_=values)


def _insert(dialect: str, table: Table) -> Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
