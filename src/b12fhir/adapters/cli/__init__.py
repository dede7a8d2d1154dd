"""The command line: parser, commands, and the doors they need."""

from b12fhir.adapters.cli.commands import run
from b12fhir.adapters.cli.doors import (
    Diagnosis,
    Doors,
    Heard,
    Hearing,
    Installed,
    Round,
    Step,
    Stepped,
    Synced,
    Ticker,
)
from b12fhir.adapters.cli.parser import parse

__all__ = [
    "Diagnosis",
    "Doors",
    "Heard",
    "Hearing",
    "Installed",
    "Round",
    "Step",
    "Stepped",
    "Synced",
    "Ticker",
    "parse",
    "run",
]
