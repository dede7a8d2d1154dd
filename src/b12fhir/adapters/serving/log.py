"""The log of the service: one line an event, without a text that could name a patient.

An exception's own text, the address of a request and a faulty header may hold anything, so they
never get here: of an error its kind and the places in the code are told.
"""

import logging
import time
from types import TracebackType
from typing import IO

from gunicorn.glogging import Logger

_Caught = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
# Libraries whose warnings quote addresses.
_QUOTING = ("urllib3", "requests")


class OneLine(logging.Formatter):
    """Time (UTC), process, level, name and message in one line."""

    def __init__(self) -> None:
        super().__init__()
        self._second = (0, "1970-01-01T00:00:00")

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message holds."""
        line = (
            f"{self._time(int(record.created))}.{int(record.msecs):03}Z {record.process}"
            f" {record.levelname} {record.name}: {record.getMessage()}"
        )
        if record.exc_info:
            line = f"{line} {self.formatException(record.exc_info)}"
        return " ".join(line.split())

    def _time(self, second: int) -> str:
        """Put into words once a second: a busy service writes many lines in each."""
        known, told = self._second
        if known != second:
            told = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = (second, told)
        return told

    def formatException(self, ei: _Caught) -> str:  # noqa: N802 - the library's name
        """Kind and places, the innermost last."""
        places, trace = [], ei[2]
        while trace is not None:
            places.append(f"{trace.tb_frame.f_globals.get('__name__', '')}:{trace.tb_lineno}")
            trace = trace.tb_next
        return f"{ei[0].__name__ if ei[0] else ''} at {' > '.join(places)}"


def set_up_log(stream: IO[str]) -> None:
    """Let all that is logged go to ``stream``, ours and the server's from info on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(OneLine())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in ("b12fhir", "gunicorn.error"):
        logging.getLogger(name).setLevel(logging.INFO)
    for name in _QUOTING:
        logging.getLogger(name).setLevel(logging.CRITICAL)


class DiscreetLogger(Logger):  # type: ignore[misc]  # the library has no types
    """The server's logger: through ours, without access lines, without what callers sent."""

    def setup(self, cfg: object) -> None:
        """Leave handlers to the program."""
        self.cfg = cfg
        self.error_log.propagate = True

    def access(self, *_args: object) -> None:
        """Nothing: the application logs each call, without its address."""

    def warning(self, msg: str, *args: object, **kwargs: bool) -> None:
        """A warning; of one that quotes a request or an error only the first words."""
        if msg.startswith(("Invalid request from ", "Exception during ")):
            msg, args = msg.partition(": ")[0].partition(":\n")[0], ()
        self.error_log.warning(msg, *args, **kwargs)

    def exception(self, _msg: object, *_args: object, **_kwargs: object) -> None:
        """An error in the server itself; its message would quote the address of the request."""
        self.error_log.error("error in the server", exc_info=True)

    def close_on_exec(self) -> None:
        """Nothing: no file of ours is open."""

    def reopen_files(self) -> None:
        """Nothing: no file of ours is open."""
