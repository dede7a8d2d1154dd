"""What a database holds, for those who run it: the tables and how many rows, and no patient."""

from sqlalchemy import func, inspect, select

from b12fhir.adapters.database.revisions import HEAD, revision
from b12fhir.adapters.database.store import Store
from b12fhir.adapters.database.tables import METADATA


def shown(store: Store) -> list[str]:
    """Lines for a terminal. Changes nothing; raises `ConfigError` and the error of its use."""
    if not store.exists:
        return [f"{store.title}: not there yet; it is made at its first use."]
    with store.glance() as connection:
        there = set(inspect(connection).get_table_names())
        rows = {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in sorted(METADATA.tables.items())
            if name in there
        }
        found = revision(connection)
    return [f"{store.title}: {_state(found)}", *(f"  {name}: {rows[name]}" for name in rows)]


def upgraded(store: Store) -> list[str]:
    """Bring the tables to those of this program; lines for a terminal.

    Raises as `Store.prepare` does. A file that is not there is not made.
    """
    if not store.exists:
        return shown(store)
    with store.glance() as connection:
        before = revision(connection)
    store.prepare()
    if before == HEAD:
        return [f"{store.title}: {_state(HEAD)} Nothing to do."]
    return [f"{store.title}: {_state(HEAD)} They were at {before or 'nothing'}."]


def _state(found: str) -> str:
    if found == HEAD:
        return f"tables at {HEAD}, those of this program."
    if not found:
        return "no tables yet; they are made at the first use."
    return f"tables at {found}; this program has {HEAD}."
