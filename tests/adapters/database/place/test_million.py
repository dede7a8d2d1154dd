"""A queue of a million is asked by its indexes: no question reads all of it."""

from datetime import date

from sqlalchemy import event

from b12fhir.ports import Found, FullRead, Version
from tests.adapters.database.book.samples import T0

MANY = 20_000
# Of the patients; the other tables hold a row a server, a type or a run.
_WHOLE = ("SCAN sync_patient", "Seq Scan on sync_patient")
_DAY = date(2026, 11, 21)


def test_no_question_reads_the_whole_queue(run):
    place, other = run(), run("https://another.example.org")
    for one in (place, other):
        one.note(Found([f"Patient/{number}" for number in range(MANY)]))
    # Some of each state.
    done, back, _held, due = (place.claim(50) for _ in range(4))
    for turn in done:
        place.end(turn)
    for turn in due:
        place.end(turn, again_on=_DAY)
    for turn in back:
        place.give_back(turn)
    engine, asked = place._store.engine(), []
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")

    @event.listens_for(engine, "before_cursor_execute")
    def remember(connection, cursor, statement, parameters, context, executemany) -> None:
        asked.append((statement, parameters[0] if executemany else parameters))

    [turn] = place.claim(1)
    place.end(turn, [Version("Goal", "g", "1", T0)], _DAY)
    place.give_back(place.claim_only("Patient/7000"))
    place.note(Found(["Patient/7001"], {"Goal": T0}, forget={"Goal": T0}), FullRead(T0, "f"))
    place.wake(_DAY)
    with place.finding(0):
        pass
    place.seen("Goal")
    place.close()
    place.claim(1)
    event.remove(engine, "before_cursor_execute", remember)

    assert len(asked) > 25
    word = "EXPLAIN" if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    with engine.begin() as connection:
        for statement, parameters in asked:
            if not statement.startswith(("SELECT", "UPDATE", "DELETE", "INSERT", "WITH")):
                continue
            rows = connection.exec_driver_sql(f"{word} {statement}", parameters).all()
            plan = "\n".join(str(row) for row in rows)
            assert not any(words in plan for words in _WHOLE), f"{statement}\n{plan}"
    engine.dispose()
