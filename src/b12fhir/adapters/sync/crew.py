"""Threads that work through what they are given, and hand back what came of it."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Generic, Self, TypeVar

NAME = "b12fhir-sync"
Task = TypeVar("Task")
Outcome = TypeVar("Outcome")


class Crew(Generic[Task, Outcome]):
    """Daemon threads: whoever ends the program need not wait for a server that hangs.

    ``work`` is called in the threads. What it raises is raised again by `take`, in the thread of
    the caller. ``busy`` counts what was given and not taken back.
    """

    def __init__(self, size: int, work: Callable[[Task], Outcome]) -> None:
        self._work = work
        self._todo: SimpleQueue[Task | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[Outcome | None, BaseException | None]] = SimpleQueue()
        self._threads = [Thread(target=self._run, name=NAME, daemon=True) for _ in range(size)]
        self._is_over = False
        self.busy = 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the threads end, and what none has begun be; waited for only where all are idle."""
        self._is_over = True
        for _ in self._threads:
            self._todo.put(None)
        if not self.busy:
            for thread in self._threads:
                thread.join()

    def give(self, task: Task) -> None:
        """Let somebody do this."""
        self.busy += 1
        self._todo.put(task)

    def take(self, wait_s: float) -> Outcome | None:
        """The next outcome, whoever brings it; nothing if there was none in time."""
        try:
            outcome, error = self._done.get(timeout=wait_s)
        except Empty:
            return None
        self.busy -= 1
        if error is not None:
            raise error
        return outcome

    def _run(self) -> None:
        while (task := self._todo.get()) is not None and not self._is_over:
            try:
                self._done.put((self._work(task), None))
            except BaseException as error:  # noqa: BLE001 - raised again where somebody listens
                self._done.put((None, error))
                return
