"""The bundled synthetic cohort: 99 invented patients as Bulk Data NDJSON, for the day 2026-11-21.

The files under `cohort/` are written by `tests/cohort/make_cohort.py`; edit that, never the files.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable


def cohort_dir() -> Traversable:
    """Return the folder that holds one NDJSON file for each resource type."""
    return files(__name__) / "cohort"
