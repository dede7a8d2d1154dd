"""Rewrite the generated tables of the README: ``python -m tests.docs.tables``."""

import re
from pathlib import Path

from b12fhir.adapters.cli.exits import exit_table
from b12fhir.config import settings_table
from b12fhir.fhir.server_profile import fallback_table

README = Path(__file__).parents[2] / "README.md"
TABLES = {"exit codes": exit_table, "settings": settings_table, "abilities": fallback_table}


def with_tables(text: str) -> str:
    """The README with each table as the code has it now."""
    for name, make in TABLES.items():
        pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        table = make()
        text, found = pattern.subn(lambda m, table=table: f"{m[1]}\n{table}\n{m[2]}", text)
        if found != 1:
            msg = f"README.md has {found} places for the table of {name}, not one."
            raise ValueError(msg)
    return text


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
