"""One row of the table of settings."""

from collections.abc import Callable
from dataclasses import dataclass

PREFIX = "B12FHIR_"


@dataclass(frozen=True, slots=True)
class Setting:
    """Field, option, default in words, meaning, and how its text is read.

    ``secret``: its value is never shown. ``in_file`` is false for what a file cannot say of itself;
    ``table``: tables of the file, which no variable can hold.
    """

    name: str
    option: str
    default: str
    meaning: str
    read: Callable[[str], object]
    secret: bool = False
    in_file: bool = True
    table: bool = False

    @property
    def variable(self) -> str:
        """Its environment variable; of a table, how it begins in the file."""
        return f"[[{self.name}]]" if self.table else PREFIX + self.name.upper()
