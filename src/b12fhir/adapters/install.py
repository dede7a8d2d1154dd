"""Loads our conformance artefacts into a FHIR server; run again, it writes nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from b12fhir.errors import RefusedError
from b12fhir.fhir.capabilities import Capabilities, read_capabilities
from b12fhir.fhir.profiles.loading import Load, loads, transaction
from b12fhir.ports import FhirServer, Resource

# Ids asked for in one search: longer ones are cut by some gateways.
_AT_ONCE = 50


@dataclass(slots=True)
class Kind:
    """What became of the artefacts of one type. ``lacking``: the server has no such type."""

    kind: str
    total: int
    created: int = 0
    updated: int = 0
    refused: list[tuple[str, RefusedError]] = field(default_factory=list)
    lacking: bool = False

    @property
    def unchanged(self) -> int:
        """How many stood there as they should."""
        return self.total - self.created - self.updated - len(self.refused)

    def line(self) -> str:
        """The counts in one line."""
        if self.lacking:
            return f"{self.kind}: the server does not take this type; {self.total} left out."
        refused = f", {len(self.refused)} refused" if self.refused else ""
        return (
            f"{self.kind}: {self.created} created, {self.updated} updated,"
            f" {self.unchanged} unchanged{refused}"
        )


def install(
    server: FhirServer, artefacts: Sequence[Resource], *, dry_run: bool = False
) -> tuple[Kind, ...]:
    """Load the artefacts in their order; ``dry_run`` reads and compares only.

    A type the server lacks, or an artefact it refuses, does not stop the others. Any other trouble
    (down, not allowed, another writer) raises the `ServerError` it is: run it again afterwards.
    """
    can = read_capabilities(server.capabilities())
    groups = groupby(artefacts, key=lambda one: str(one["resourceType"]))
    return tuple(_kind(server, can, kind, tuple(group), dry_run) for kind, group in groups)


def _kind(
    server: FhirServer,
    can: Capabilities,
    kind: str,
    wanted: Sequence[Resource],
    dry_run: bool,  # noqa: FBT001 - passed on
) -> Kind:
    done = Kind(kind, len(wanted))
    if not (can.has(kind, "update") and can.searches(kind)):
        done.lacking = True
        return done
    chosen = loads(wanted, _held(server, kind, wanted))
    if chosen and not dry_run:
        done.refused = list(_write(server, chosen))
    refused = {name for name, _ in done.refused}
    written = [load for load in chosen if load.reference not in refused]
    done.updated = sum(bool(load.version) for load in written)
    done.created = len(written) - done.updated
    return done


def _held(server: FhirServer, kind: str, wanted: Sequence[Resource]) -> Iterator[Resource]:
    for first in range(0, len(wanted), _AT_ONCE):
        names = ",".join(str(one["id"]) for one in wanted[first : first + _AT_ONCE])
        found = server.search(kind, {"_id": names})
        yield from (one for one in found if one.get("resourceType") == kind)


def _write(server: FhirServer, chosen: Sequence[Load]) -> Iterator[tuple[str, RefusedError]]:
    """All at once; if that is refused, one by one, so that the one to blame is named."""
    try:
        server.transaction(transaction(server.base, chosen))
    except RefusedError as error:
        if len(chosen) == 1:
            yield chosen[0].reference, error
            return
        for load in chosen:
            yield from _write(server, [load])


def refusals(kinds: Iterable[Kind]) -> Iterator[str]:
    """What was refused, in words that quote nothing of the server's."""
    for kind in kinds:
        for name, error in kind.refused:
            status = f" (HTTP {error.status})" if error.status else ""
            yield (
                f"{name}: the server refused it{status}. Nothing of it was stored; what refers to"
                " it cannot be validated there. A server may refuse ids chosen by a client, or"
                " hold the same address under another id: remove that one, or load it by hand from"
                " the folder that `b12fhir protocol export` writes."
            )
