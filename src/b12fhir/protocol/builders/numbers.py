"""Numbers of TOML as exact decimals."""

from decimal import Decimal

from b12fhir.protocol.documents import Document
from b12fhir.protocol.model import Citation


def decimal(value: Decimal | int) -> Decimal:
    """A TOML number, exactly as written."""
    return Decimal(value)


def citation(entry: Document) -> Citation:
    """Who says so."""
    return Citation(tuple(entry["sources"]), entry["evidence"])
