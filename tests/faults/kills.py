"""kill -9 at random points of a run, again and again, until one gets through.

A story is a ward in which a run has everything to do: plans to write, to change and to withdraw, a
late dose of a signed plan, a merged patient. A point is chosen by what the proxy sees, so it falls
before or after the server's commit.
"""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

from tests.faults.proxy import Asked, Proxy, between
from tests.faults.ward import ANSWER_S, BEFORE, End, Ward

KILLED = -signal.SIGKILL
# So many requests has a run that is not killed, about.
_REQUESTS, _TRANSACTIONS, _SECONDS = 40, 8, 2.5


@dataclass(frozen=True)
class Point:
    """``kind``: the ``number``-th request of this kind, before the server has it or when it has
    answered; or so many ``seconds`` after the first. ``forget``: the state is lost as well."""

    kind: str
    number: int = 0
    after: bool = False
    seconds: float = 0
    forget: bool = False


def points(seed: int) -> "list[Point]":
    """As many as one likes of any kind, in an order that the seed decides."""
    chance = random.Random(seed)  # noqa: S311 - the same points again
    made = []
    for turn in range(1000):
        kind = chance.choice(("any", "transaction", "transaction", "time"))
        most = _TRANSACTIONS if kind == "transaction" else _REQUESTS
        made.append(
            Point(
                kind,
                chance.randint(1, most),
                chance.random() < 0.5,
                chance.uniform(0, _SECONDS),
                forget=turn % 5 == 4,
            )
        )
    return made


def begin(ward: Ward) -> None:
    """Bring about a story: a first run, a signature, and then news."""
    ward.admit("01", "02", "25", "44")
    first = ward.sync(day=BEFORE)
    assert first.code == 0, first.err
    ward.sign("01")
    ward.put(*ward.records("04", "55"))
    name = ward.name
    gone = {"other": {"reference": f"Patient/{name}-04"}, "type": "replaced-by"}
    ward.edit(f"Patient/{name}-44", active=False, link=[gone])
    ward.edit(f"Patient/{name}-25", deceasedDateTime="2026-11-25")
    result = ward.read(f"Observation/{name}-02-b12")
    value = {**result["valueQuantity"], "value": 131}
    ward.put({**result, "status": "corrected", "valueQuantity": value})


@dataclass
class Quiet:
    """Ends of stories that nobody disturbed, by the day on which the server took the signature.

    A dose is not missed before its order was there, and when that was the server's own clock says:
    a story of after midnight ends in other dates than one of before.
    """

    make_ward: Callable[[], Ward]
    ends: dict[str, End]

    def today(self) -> None:
        """Have the end of a story that begins now, before any other does."""
        ward = self.make_ward()
        begin(ward)
        if (day := ward.signed_on("01")) not in self.ends:
            assert ward.sync().code == 0
            self.ends[day] = ward.end()

    def check(self, ward: Ward) -> None:
        """The same end, whatever disturbed it."""
        day = ward.signed_on("01")
        if day not in self.ends:
            self.today()
        ward.check_end(self.ends[day])


@dataclass
class Killer:
    """Watches one process through a proxy and ends it at its point."""

    point: Point
    pid: int = 0
    began: Event = field(default_factory=Event)
    seen: int = 0
    done: bool = False

    def before(self, asked: Asked) -> None:
        if not self.pid:
            return
        self.began.set()
        if self.point.kind in {"any", asked.kind}:
            self.seen += 1
            if not self.point.after and self.seen >= self.point.number:
                self.kill()
                raise ConnectionAbortedError

    def after(self, asked: Asked) -> None:
        fits = self.point.kind in {"any", asked.kind} and self.point.after
        if self.pid and fits and self.seen >= self.point.number:
            self.kill()

    def by_the_clock(self) -> None:
        if self.began.wait(ANSWER_S):
            time.sleep(self.point.seconds)
            self.kill()

    def kill(self) -> None:
        """The whole group, as a machine that loses its power would."""
        if not self.done:
            self.done = True
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)


def run_and_kill(ward: Ward, proxy: Proxy, point: Point) -> tuple[int, str]:
    """One run with a point at which it is killed, if it gets there; exit code and what it said."""
    killer = Killer(point)
    proxy.before, proxy.after = killer.before, killer.after
    process = ward.start(at=proxy.base)
    killer.pid = process.pid
    if point.kind == "time":
        Thread(target=killer.by_the_clock, daemon=True).start()
    out, err = process.communicate(timeout=ANSWER_S)
    killer.done = True
    if point.forget:
        ward.forget()
    return process.returncode, f"{out}\n{err}"


@dataclass
class Told:
    """How a torture went: ``kills`` that struck, ``runs``, and ``stories`` brought to their end."""

    kills: int = 0
    runs: int = 0
    stories: int = 0
    by_point: dict[str, int] = field(default_factory=dict)


def torture(
    make_ward: Callable[[], Ward], kills: int, seed: int, check: Callable[[Ward], Any]
) -> Told:
    """Kill so many runs; whenever a story has come to its end, ``check`` it and begin another."""
    told, waiting = Told(), iter(points(seed))
    while told.kills < kills:
        ward = make_ward()
        begin(ward)
        with between(ward.base) as proxy:
            while told.kills < kills and (code := _one(ward, proxy, next(waiting), told)) == KILLED:
                pass
            if code == KILLED:
                code, said = run_and_kill(ward, proxy, Point("never"))
                assert code == 0, said
        told.stories += 1
        check(ward)
    return told


def _one(ward: Ward, proxy: Proxy, point: Point, told: Told) -> int:
    code, said = run_and_kill(ward, proxy, point)
    assert code in {0, KILLED}, f"{point}: {said}"
    told.runs += 1
    if code == KILLED:
        told.kills += 1
        name = f"{point.kind} {'after' if point.after else 'before'}"
        name = "time" if point.kind == "time" else name
        told.by_point[name] = told.by_point.get(name, 0) + 1
    return code
