"""How a database comes by the tables of this program.

The steps stand in `migrations/versions`, one lineage for all tables. Alembic walks them; it is
imported only where there is something to do, for that takes longer than all the rest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, column, inspect, select, table

from b12fhir.adapters.database.tables import BOOK
from b12fhir.adapters.database.use import Use
from b12fhir.errors import ConfigError

# The newest step; a test holds it to the folder of the steps.
HEAD = "0006"
REVISION = table("b12fhir_revision", column("version_num"))

_FOLDER = Path(__file__).with_name("migrations")
# Databases from before there were steps have a number in the table `book`.
_BEFORE = {1: "0001", 2: "0002"}
# Any number will do, as long as all workers of one database take the same.
_MAKING = 0xB12
_MAKING_S = 600
# The steps of Alembic speak to one database at a time in each process.
_ONE = Lock()


def is_newest(connection: Connection) -> bool:
    """Are the tables those of this program? One cheap query, which fails where there are none."""
    return connection.execute(select(REVISION.c.version_num)).scalars().all() == [HEAD]


def revision(connection: Connection) -> str:
    """The step that the tables are at, or the number of a database from before; ``""`` if none."""
    there = inspect(connection)
    if there.has_table(REVISION.name):
        found = connection.execute(select(REVISION.c.version_num)).scalars().all()
        return ", ".join(found)
    if not there.has_table(BOOK.name):
        return ""
    numbers = connection.execute(select(BOOK.c.version)).scalars().all()
    return _BEFORE.get(numbers[0], str(numbers[0])) if len(numbers) == 1 else f"{numbers}"


def upgrade(connection: Connection, use: Use, name: str) -> None:
    """Bring the tables to those of this program, whole or not at all.

    ``connection`` is in a transaction that writes; of workers that start at once one does it, and
    the others wait and find it done. Raises `ConfigError` for tables of another program.
    """
    if connection.dialect.name == "postgresql":
        for limit in ("lock_timeout", "statement_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = '{_MAKING_S}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MAKING})")
    found = revision(connection)
    with _steps(connection) as (script, context):
        known = [one.revision for one in script.walk_revisions()]
        if found and found not in known:
            raise ConfigError(
                f"{use.what} ({name}) has tables of version {found}; this program knows {HEAD}, "
                "and would lose what it does not know.",
                hint=f"Run the program that made them, or name another database in {use.setting}.",
            )
        if found and not inspect(connection).has_table(REVISION.name):
            context.stamp(script, found)
        context.run_migrations()


@contextmanager
def _steps(connection: Connection) -> Iterator[tuple[Any, Any]]:
    from alembic.operations import Operations  # noqa: PLC0415 - slow, and mostly not needed
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - as above
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    script = ScriptDirectory(str(_FOLDER))

    def steps(at: str, _context: object) -> object:
        return script._upgrade_revs("head", at)  # noqa: SLF001 - as Alembic's own guide does

    options = {"fn": steps, "version_table": REVISION.name}
    context = MigrationContext.configure(connection, opts=options)
    with _ONE, Operations.context(context):
        yield script, context
