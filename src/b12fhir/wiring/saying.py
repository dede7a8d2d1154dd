"""What is said of a run: its report in lines, and a server's own words."""

import traceback
from collections.abc import Sequence
from typing import IO

from b12fhir.adapters import cli
from b12fhir.adapters.sync import SyncReport
from b12fhir.adapters.sync.report import NOTHING
from b12fhir.errors import OK, PARTIAL, B12Error, Defect, ServerError


def synced(done: SyncReport, stderr: IO[str], *more: str) -> cli.Synced:
    """What the command line shows of a run; ``more`` lines come last."""
    lines = list(done.lines())
    unchanged = done.counts[NOTHING]
    if unchanged == done.patients:
        lines.append(f"Nothing to write: {unchanged} patients stand unchanged.")
    writes = [result.write for result in done.results if result.write]
    errors = done.errors
    if defect := next((error for error in errors if isinstance(error, Defect)), None):
        traceback.print_exception(defect, file=stderr)
    code = PARTIAL if done.partial else OK
    if done.all_failed:
        code = errors[0].exit_code
    if done.error:
        code = done.error.exit_code
    return cli.Synced(
        done.proposals,
        [write.bundle for write in writes if write.bundle],
        [*lines, *more],
        done.problems(),
        said(errors, stderr),
        code,
    )


def said(errors: Sequence[B12Error], stderr: IO[str]) -> list[str]:
    """A server's own words: they may quote a patient's data, so never into a file or a log."""
    words = dict.fromkeys(e.detail for e in errors if isinstance(e, ServerError) and e.detail)
    if words and not stderr.isatty():
        return ["the server said more; run this in a terminal to see its words."]
    return [f"the server said: {text}" for text in words]
