"""Reports for people: terminal table and details, progress, the HTML page."""

from b12fhir.adapters.report.feedback import table_csv as feedback_csv
from b12fhir.adapters.report.page import RoundTable, page
from b12fhir.adapters.report.terminal import Terminal
from b12fhir.adapters.report.words import clean as one_line

__all__ = ["RoundTable", "Terminal", "feedback_csv", "one_line", "page"]
