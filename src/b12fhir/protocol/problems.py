"""A fault in a protocol file: which file, which key, which version, and what is wrong."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from b12fhir.errors import ProtocolError


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault; ``on`` is the effective date of the version concerned, if there is one."""

    file: str
    key: str
    text: str
    on: date | None = None

    def __str__(self) -> str:
        version = f" (version of {self.on.isoformat()})" if self.on is not None else ""
        return f"{self.file}: {self.key}{version}: {self.text}"


def refuse(pack: str, problems: Iterable[Problem]) -> None:
    """Raise `ProtocolError` with every problem, a line each; nothing if there is none."""
    lines = sorted({str(problem) for problem in problems})
    if lines:
        count = f"{len(lines)} problem{'s' if len(lines) > 1 else ''}"
        raise ProtocolError(
            f"Protocol pack {pack} was not loaded, {count}:\n" + "\n".join(lines) + "\n",
            hint="Nothing is decided by a faulty protocol: mend these lines and load it again.",
        )
