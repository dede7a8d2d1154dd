"""The tables of the book."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, text

from b12fhir.adapters.database.tables.metadata import METADATA, Instant

# One row. Programs from before there were migrations ask it for the version of these tables, and
# leave alone what is newer than they are.
BOOK = Table("book", METADATA, Column("version", Integer, primary_key=True, autoincrement=False))

# `reader` and `card_key`: `user` and `key` are words of SQL. `client` is who got the card, in
# `feedback` who sent it; empty where clients are not told apart, and from before it was kept.
ISSUED = Table(
    "issued",
    METADATA,
    Column("uuid", String, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("service", String, nullable=False),
    Column("hook", String, nullable=False),
    Column("patient", String, nullable=False),
    Column("reader", String, nullable=False),
    Column("card_key", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("indicator", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("grade", String, nullable=False),
    Column("pack", String, nullable=False),
    Column("rules", String, nullable=False),
    Column("suggestions", String, nullable=False),
    Column("client", String, nullable=False, server_default=text("''")),
)

# `entry` is a digest of all that the client said, so that the same entry is kept once. `card` is no
# foreign key: feedback may come before its card is written, or for one that is swept. Ids are never
# given twice, since readers ask for what is new by id.
FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("entry", String, nullable=False, unique=True),
    Column("card", String, nullable=False, index=True),
    Column("service", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("received", Instant, nullable=False, index=True),
    Column("accepted", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("system", String, nullable=False),
    Column("comment", String, nullable=False),
    Column("client", String, nullable=False, server_default=text("''")),
    sqlite_autoincrement=True,
)

# One row for as long as one answer keeps a matter silent at one service, however often its screen
# is opened: `times` counts from `at` to `last_at`. `card` is the one that was answered.
SILENCE = Table(
    "silence",
    METADATA,
    Column("card", String, primary_key=True),
    Column("service", String, primary_key=True),
    Column("indicator", String, primary_key=True),
    Column("reason", String, primary_key=True),
    Column("until", Instant, primary_key=True),
    Column("patient", String, nullable=False),
    Column("reader", String, nullable=False),
    Column("card_key", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("times", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False, index=True),
)

# Ids of tokens that were used, as digests, until (in seconds since 1970) they would have expired
# anyway. Written on the call path, so one tree and no second index: it holds an hour at most.
TOKEN_ID = Table(
    "token_id",
    METADATA,
    Column("digest", String, primary_key=True),
    Column("until", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
