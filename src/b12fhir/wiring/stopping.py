"""Ctrl-C and SIGTERM: the first asks a run to end, the second ends it at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether somebody wants the run to end. Until it is `gentle`, it is ended there and then."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._gentle = False

    @property
    def asked(self) -> bool:
        """Has somebody asked?"""
        return self._asked.is_set()

    def gentle(self) -> None:
        """From now on the run looks by itself whether it is to end."""
        self._gentle = True

    def hear(self, _number: int, _frame: FrameType | None) -> None:
        """Take a signal."""
        if self.asked or not self._gentle:
            raise KeyboardInterrupt
        self._asked.set()


@contextmanager
def stopping() -> Iterator[Stop]:
    """Listen for both signals while the block runs; only the main thread can."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, stop.hear) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
