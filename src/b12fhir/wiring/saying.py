"""What is said of a run: its report in lines, and a server's own words."""

import traceback
from collections.abc import Sequence
from typing import IO

from b12fhir.adapters import cli
from b12fhir.adapters.cli.exits import INTERRUPTED
from b12fhir.adapters.sync import SyncReport
from b12fhir.adapters.sync.report import NOTHING
from b12fhir.errors import OK, PARTIAL, B12Error, Defect, ServerError
from b12fhir.service.gist import Gist


def synced(done: SyncReport, gist: Gist, stderr: IO[str], *more: str) -> cli.Synced:
    """What the command line shows of a run; ``more`` lines come last."""
    lines = list(done.lines())
    unchanged = done.counts[NOTHING]
    if not done.patients and not done.undone:
        lines.append("Nobody had to be looked at. What waits for a signature: b12fhir plans.")
    elif unchanged == done.patients:
        lines.append(f"Nothing to write: {unchanged} patients stand unchanged.")
    if done.interrupted:
        lines.append("Stopped before the end, as somebody asked. The next run goes on.")
    if defect := next((error for error in done.errors if isinstance(error, Defect)), None):
        traceback.print_exception(defect, file=stderr)
    words = said(done.errors, stderr)
    return cli.Synced(gist, [*lines, *more], done.problems(), words, _code(done))


def _code(done: SyncReport) -> int:
    if done.interrupted:
        return INTERRUPTED
    if done.error:
        return done.error.exit_code
    if done.all_failed:
        return done.errors[0].exit_code
    return PARTIAL if done.partial else OK


def said(errors: Sequence[B12Error], stderr: IO[str]) -> list[str]:
    """A server's own words: they may quote a patient's data, so never into a file or a log."""
    words = dict.fromkeys(e.detail for e in errors if isinstance(e, ServerError) and e.detail)
    if words and not stderr.isatty():
        return ["the server said more; run this in a terminal to see its words."]
    return [f"the server said: {text}" for text in words]
