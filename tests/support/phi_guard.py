"""A plugin: a test fails when a sentinel reaches a log record, an error of ours, or its output.

Log records are seen at every level and of every logger, before any filter. Errors of the b12fhir
tree are seen when they are made, whether or not they are caught. Output is all that pytest captured
for the test, that of servers in threads and of child processes included; what a test takes out with
`capsys` it checks itself, with `assert_no_phi`.
"""

import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pytest

from b12fhir.errors import B12Error
from tests.support.phi import found_in


class Leaks(list[str]):
    """Where sentinels were seen, in words that do not repeat them."""

    def look(self, where: str, text: str) -> None:
        self.extend(f"{what} in {where}" for what in found_in(text))


LEAKS = pytest.StashKey[Leaks]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Watch a test with its set-up and teardown."""
    leaks = item.stash[LEAKS] = Leaks()
    with log_records_watched(leaks), errors_watched(leaks):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail the phase in which something leaked; a failure of its own stays the first to read."""
    report = yield
    leaks = item.stash[LEAKS]
    for title, text in report.sections:
        if title.startswith("Captured std") and title.endswith(str(report.when)):
            leaks.look(title, text)
    if leaks:
        problem = "a patient could be identified: " + "; ".join(dict.fromkeys(leaks))
        leaks.clear()
        report.sections.append(("PHI guard", problem))
        report.longrepr = report.longrepr if report.failed else f"{item.nodeid}: {problem}"
        report.outcome = "failed"
    return report


@contextmanager
def log_records_watched(leaks: Leaks) -> Iterator[None]:
    """See each record in `Logger.handle`: its extras are set, no filter or handler came before."""
    handle, level = logging.Logger.handle, logging.root.level

    def watched(logger: logging.Logger, record: logging.LogRecord) -> None:
        text = f"{logging.Formatter().format(record)} {vars(record)}"
        leaks.look(f"a log record of {record.name} ({record.filename}:{record.lineno})", text)
        handle(logger, record)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logging.Logger, "handle", watched)
        logging.root.setLevel(logging.NOTSET + 1)
        try:
            yield
        finally:
            logging.root.setLevel(level)


@contextmanager
def errors_watched(leaks: Leaks) -> Iterator[None]:
    """See each error of our tree when its base has been initialised."""
    init = B12Error.__init__

    @wraps(init)
    def watched(error: B12Error, *args: Any, **kwargs: Any) -> None:
        init(error, *args, **kwargs)
        leaks.look(f"the text of {type(error).__name__}", f"{error.args} {vars(error)}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(B12Error, "__init__", watched)
        yield
