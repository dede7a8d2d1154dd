"""The feedback report: from the book that `serve` keeps. Other commands work without the extra."""

from datetime import datetime

from b12fhir.service.hooks.rates import FeedbackReport
from b12fhir.wiring.extra import not_installed
from b12fhir.wiring.house import House

_NO_REPORT = "there is no report of feedback"


def feedback(house: House, since: datetime | None) -> FeedbackReport:
    """What became of the cards that were issued since then. Raises `ConfigError`, `BookError`."""
    try:
        from b12fhir.adapters.database.book import book_store, read_report  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        raise not_installed(error, _NO_REPORT) from None
    store = book_store(house.settings.hooks_store)
    try:
        return read_report(store, since)
    finally:
        store.close()


def feedback_plot(report: FeedbackReport, kind: str) -> bytes:
    """A picture of it, ``png`` or ``svg``. Raises `ConfigError`."""
    try:
        from b12fhir.adapters.report.feedback_plot import plot  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        raise not_installed(error, _NO_REPORT) from None
    return plot(report, kind)
