"""The entry point: one command, its errors in words, its exit code."""

import gc
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from io import TextIOWrapper
from typing import IO, cast

from b12fhir import config
from b12fhir.adapters import cli, report
from b12fhir.adapters.cli.exits import BROKEN_PIPE, INTERRUPTED
from b12fhir.adapters.cli.parser import SETTING_OPTIONS
from b12fhir.errors import OK, Defect, UserError
from b12fhir.wiring.doors import doors
from b12fhir.wiring.house import Clock, House
from b12fhir.wiring.saying import said

# So many new objects are made before Python looks for circles among them, and so many such looks
# before one at older objects. Records and models are made by the ten thousand and leave hardly any
# circle: at Python's own numbers looking for them is a sixth of checking a plan.
_YOUNG, _RARELY = 50_000, 20


def run() -> None:
    """Console entry point."""
    gc.set_threshold(_YOUNG, _RARELY, _RARELY)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter gets a question mark, never a crash.
        cast("TextIOWrapper", stream).reconfigure(errors="replace")
    code = main(sys.argv[1:], os.environ, sys.stdout, sys.stderr, lambda: datetime.now(UTC))
    if code == BROKEN_PIPE:
        # Python flushes at exit and would complain about the closed pipe once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def main(
    argv: Sequence[str],
    environ: Mapping[str, str],
    stdout: IO[str],
    stderr: IO[str],
    clock: Clock,
) -> int:
    """Run one command; the exit code. A user's error is one line, ours keeps its traceback."""
    try:
        code = _command(argv, environ, stdout, stderr, clock)
        stdout.flush()
    except UserError as error:
        for line in (str(error), *said([error], stderr)):
            stderr.write(f"b12fhir: {report.one_line(line)}\n")
        return error.exit_code
    except KeyboardInterrupt:
        stderr.write("b12fhir: stopped.\n")
        return INTERRUPTED
    except BrokenPipeError:
        return BROKEN_PIPE
    except Exception:  # noqa: BLE001 - the last stop: whose mistake it is, and what to do
        traceback.print_exc(file=stderr)
        stderr.write("b12fhir: this is our mistake. Please report it, without patient data.\n")
        return Defect.exit_code
    return code


def _command(
    argv: Sequence[str],
    environ: Mapping[str, str],
    stdout: IO[str],
    stderr: IO[str],
    clock: Clock,
) -> int:
    args = cli.parse(argv, stdout)
    if args is None:
        return OK
    options = {name: getattr(args, name, None) for name in SETTING_OPTIONS}
    house = House(config.load(environ, options), clock, stderr)
    screens = report.Terminal(stdout, environ), report.Terminal(stderr, environ)
    return cli.run(args, doors(house, *screens))
