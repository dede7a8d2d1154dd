"""The tables of the place: how far the sync of each server has come.

Of a patient they hold references and nothing else. ``scope`` stands for one server: see
`scope_of`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
)

from b12fhir.adapters.database.tables.metadata import METADATA, Instant

# One row a server. `noted` is the last number given in its queue; `finder` is the run that has the
# lease to look for changes.
PLACE = Table(
    "sync_place",
    METADATA,
    Column("scope", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("noted", BigInteger, nullable=False),
    Column("finder", String),
    Column("full_at", Instant),
    Column("fingerprint", String),
)

# Runs that are under way. Who finds one silent after `until` (milliseconds since 1970), or its
# process gone, deletes the row; what it held is then free.
RUN = Table(
    "sync_run",
    METADATA,
    Column("id", String, primary_key=True),
    Column("scope", String, nullable=False, index=True),
    Column("until", BigInteger, nullable=False),
    Column("host", String, nullable=False),
    Column("boot", String, nullable=False),
    Column("space", String, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started", String, nullable=False),
)

# What `state` can be. A patient who was given back waits once another run begins; one who was tried
# in vain and given back waits after all others then.
DONE, WAITS, HELD, GIVEN_BACK, TRIED, WAITS_LAST = range(6)

# `asked`: how often the patient was noted; `claimed`: how often it was when `holder` took the turn.
# `noted`: the place in the queue.
PATIENT = Table(
    "sync_patient",
    METADATA,
    Column("scope", String, primary_key=True),
    Column("patient", String, primary_key=True),
    Column("state", SmallInteger, nullable=False),
    Column("asked", BigInteger, nullable=False),
    Column("noted", BigInteger, nullable=False),
    Column("holder", String),
    Column("claimed", BigInteger),
    Column("again_on", Date),
    Index("ix_sync_patient_queue", "scope", "state", "noted"),
    Index("ix_sync_patient_again", "scope", "again_on"),
    sqlite_with_rowid=False,
)

# What decides, and when it first and last looked for changes.
READER = Table(
    "sync_reader",
    METADATA,
    Column("scope", String, primary_key=True),
    Column("fingerprint", String, primary_key=True),
    Column("first", Instant, nullable=False),
    Column("last", Instant, nullable=False),
)

MARK = Table(
    "sync_mark",
    METADATA,
    Column("scope", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("at", Instant, nullable=False),
)

# What the record of a patient must show at the next turn; of each resource the newest.
EXPECTED = Table(
    "sync_expected",
    METADATA,
    Column("scope", String, primary_key=True),
    Column("patient", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("version", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("listed", Instant, nullable=False),
    Column("is_there", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

SEEN = Table(
    "sync_seen",
    METADATA,
    Column("scope", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("version", String, primary_key=True),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)
