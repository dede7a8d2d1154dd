"""The few small protocols by which the core meets the world."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

Resource = Mapping[str, Any]


class FhirReader(Protocol):
    """Reads resources from a FHIR server or from something that acts as one."""

    def capabilities(self) -> Resource:
        """The CapabilityStatement."""
        ...

    def search(self, kind: str, params: Mapping[str, str]) -> Iterator[Resource]:
        """Every match and included resource of a search, all pages, never from a cache.

        A page that reports an OperationOutcome yields it too, so that nothing is lost in silence.
        """
        ...


class FhirWriter(Protocol):
    """Writes to a FHIR server."""

    def transaction(self, bundle: Resource) -> Resource:
        """Send one transaction Bundle; the response Bundle.

        Raises `ConflictError` (409), `DuplicateError` (412), `RefusedError`, `AuthError` or
        `TemporaryServerError`.
        """
        ...


class FhirServer(FhirReader, FhirWriter, Protocol):
    """Reads and writes; ``base`` is the normalised address."""

    base: str
