"""Several processes share a book, forks included, and one that is killed harms nobody."""

import multiprocessing
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import func, select, text

from b12fhir.adapters.database.book import SqlBook, book_store, record
from b12fhir.adapters.database.book.clerk import Clerk
from b12fhir.adapters.database.store import Store
from b12fhir.adapters.database.tables.book import FEEDBACK, ISSUED
from tests.adapters.database.book.samples import ANNA, T0, eventually, heard, issued

ROOT = Path(__file__).parents[4]
EACH = 10


def count(store: Store, table) -> int:
    with store.begin() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def in_child(work, *arguments) -> None:
    """Run in a forked process and wait for it; its failure is the test's."""
    child = multiprocessing.get_context("fork").Process(target=work, args=arguments)
    child.start()
    child.join(60)
    assert child.exitcode == 0


def busy_worker(url: str, number: int) -> None:
    book = SqlBook(book_store(url), lambda: T0)
    cards = [issued(uuid=f"{number}-{each}") for each in range(EACH)]
    for card in cards:
        book.issue([card])
        book.hear([heard(card)])
    book.close()


def test_workers_that_start_at_once_keep_everything(url, store):
    """They make the tables side by side, and write side by side."""
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=busy_worker, args=(url, number)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert (count(store, ISSUED), count(store, FEEDBACK)) == (4 * EACH, 4 * EACH)


def test_a_fork_has_a_clerk_and_connections_of_its_own(book, url, clock):
    """gunicorn may load the service, even use it, before it forks its workers."""
    mine, of_child = issued(), issued(key="dose-due")
    book.issue([mine])
    book.hear([heard(mine)])

    def child() -> None:
        assert len(book.recall(ANNA)) == 1
        book.issue([of_child])
        book.hear([heard(of_child)])
        assert len(book.recall(ANNA)) == 2
        book.close()

    in_child(child)
    assert eventually(lambda: len(book.recall(ANNA)) == 2)
    book.hear([heard("still-working")])
    assert book.is_ready()


def test_a_fork_that_does_nothing_harms_nothing(book):
    book.issue([issued()])
    in_child(book.close)
    assert book.is_ready()


def test_what_was_inherited_is_not_used(sqlite_url, clock):
    """As a fork finds it: everything is there, and belongs to another process."""
    store = book_store(sqlite_url)
    book = SqlBook(store, clock)
    book.hear([heard("card")])
    inherited, engine = book._clerk, store.engine()
    inherited.pid = store._pid = 0
    book.hear([heard("another")])
    assert book._clerk is not inherited
    assert store.engine() is not engine
    own, own.pid = book._clerk, 0
    book.close()
    for clerk in (inherited, own):
        assert clerk.is_alive
        clerk.close()
    store.close()


def test_two_first_calls_at_once_start_one_clerk(sqlite_url, clock, monkeypatch):
    """Two would write every card twice as often as needed, and know different answers."""
    made = []

    class SlowClerk(Clerk):
        def __init__(self, *arguments) -> None:
            made.append(self)
            Event().wait(0.2)
            super().__init__(*arguments)

    monkeypatch.setattr(record, "Clerk", SlowClerk)
    book = SqlBook(book_store(sqlite_url), clock)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(book.recall, [ANNA] * 4))
    assert len(made) == 1
    book.close()


WORKER = """
import sys
from datetime import timedelta
from b12fhir.adapters.database.book import SqlBook, book_store
from b12fhir.adapters.database.store import Store
from tests.adapters.database.book.samples import ANNA, T0, eventually, heard, issued
from sqlalchemy import select
from b12fhir.adapters.database.tables.book import ISSUED

url = sys.argv[1]
book, store = SqlBook(book_store(url), lambda: T0), book_store(url)
book.issue([issued(uuid="seen")])

def written():
    with store.begin() as connection:
        return connection.execute(select(ISSUED.c.uuid)).scalars().all()

assert eventually(written)
book.hear([heard("seen")])
book.issue([issued(uuid="last-moment", key="dose-due")])
print("kept", flush=True)
sys.stdin.read()
"""


def test_a_killed_worker_loses_no_feedback(url, store, clock):
    """Kill it right after feedback was kept; at most the cards of that moment are lost."""
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, url],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with worker:
        assert worker.stdout.readline() == "kept\n"
        worker.send_signal(signal.SIGKILL)
    if store._file:
        with store.begin() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    book = SqlBook(store, clock)
    assert [one.issued.uuid for one in book.recall(ANNA)] == ["seen"]
    # The answer to a card that was lost with the process is kept, and joins nothing.
    book.hear([heard("last-moment", at=T0 + timedelta(hours=1))])
    assert count(store, FEEDBACK) == 2
    book.close()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_restart_knows_what_was_silent(url, clock, when):
    first = SqlBook(book_store(url), clock)
    card = issued()
    first.issue([card])
    first.hear([heard(card)])
    if when == "before":
        first.close()
    second = SqlBook(book_store(url), clock)
    second.start()
    assert [one.issued for one in second.recall(ANNA)] == [card]
    second.close()
    first.close()
