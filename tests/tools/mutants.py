"""Reads what mutmut left: names for a sample, or the score with what survived.

``python mutants.py names FOLDER EVERY`` and ``python mutants.py score FOLDER``.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

SURVIVED, NO_TEST = 0, 33


def outcomes(folder: Path) -> Iterator[tuple[str, int | None]]:
    """Each mutant with the exit code of its tests; ``None`` if they were not run."""
    for path in sorted(folder.glob("src/**/*.meta")):
        yield from json.loads(path.read_text("utf-8"))["exit_code_by_key"].items()


def main(task: str, folder: str, every: str = "1") -> int:
    """Print names, or survivors and score."""
    found = list(outcomes(Path(folder)))
    if task == "names":
        print("\n".join(name for name, _ in found[:: int(every)]))
        return 0
    run = {name: code for name, code in found if code is not None}
    alive = sorted(name for name, code in run.items() if code in (SURVIVED, NO_TEST))
    print("\n".join(alive))
    killed = len(run) - len(alive)
    print(f"killed {killed} of {len(run)}: {100 * killed / max(len(run), 1):.1f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
