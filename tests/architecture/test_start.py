"""What a command does not use is not loaded: a run by a schedule starts every few minutes."""

import subprocess
import sys

import pytest

# Each costs more than a tenth of a second of CPU, or belongs to an extra that may be missing.
DEAR = ("alembic", "fhir", "flask", "jinja2", "matplotlib", "psycopg", "pydantic", "sqlalchemy")
DOOR = "import b12fhir.wiring.entry"
PLACE = (
    "from b12fhir.adapters.database.place import place_store;"
    "place_store('sqlite:///start.sqlite3').prepare()"
)


@pytest.mark.parametrize(
    ("begin", "needs"),
    [
        pytest.param(DOOR, set(), id="any command"),
        # The tables are made here, with the tool that later changes them.
        pytest.param(PLACE, {"alembic", "sqlalchemy"}, id="the place of sync in a file"),
    ],
)
def test_only_what_is_needed_is_loaded(begin, needs, tmp_path):
    told = f"{begin};import sys;print(*sorted(set({DEAR}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert set(done.stdout.split()) == needs
