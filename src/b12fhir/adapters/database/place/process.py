"""Which process a run is, so that another on the same machine can tell that it is gone."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
# Fields of `stat` behind the name of the program, which may hold spaces and brackets.
_STATE, _STARTED = 0, 19
_OVER = {"Z", "X"}


@dataclass(frozen=True, slots=True)
class Process:
    """A process among all that ever ran: start of its machine, name space, number, own start.

    ``boot``, ``space`` and ``started`` are empty where the system does not say; ``host`` is for
    people.
    """

    host: str
    boot: str
    space: str
    pid: int
    started: str

    def is_gone(self, seen_from: "Process") -> bool:
        """Is it known to have ended? Where that cannot be seen from there, no."""
        here = bool(self.boot and self.space)
        if not here or (self.boot, self.space) != (seen_from.boot, seen_from.space):
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass  # It is there, and somebody else's.
        fields = _stat(self.pid)
        return bool(fields) and (fields[_STATE] in _OVER or fields[_STARTED] != self.started)


def this_process() -> Process:
    """The process that asks."""
    pid = os.getpid()
    fields = _stat(pid)
    return Process(
        host=socket.gethostname(),
        boot=_text(_PROC / "sys/kernel/random/boot_id"),
        space=_space(),
        pid=pid,
        started=fields[_STARTED] if fields else "",
    )


def _stat(pid: int) -> list[str]:
    """What the system says of a process; nothing where it does not."""
    return _text(_PROC / str(pid) / "stat").rpartition(")")[2].split()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _space() -> str:
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return ""
