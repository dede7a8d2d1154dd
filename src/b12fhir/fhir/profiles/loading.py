"""Which artefacts a server still lacks, and the transaction that brings them there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from b12fhir.ports import Resource

# What a server adds by itself.
_SERVERS_OWN = frozenset({"meta", "text"})


@dataclass(frozen=True, slots=True)
class Load:
    """One artefact to write; ``version`` is the one that stands there, ``""`` if none does."""

    artefact: Resource
    version: str = ""

    @property
    def reference(self) -> str:
        """Where it stands: type and id, chosen by us so that a second run finds it."""
        return f"{self.artefact['resourceType']}/{self.artefact['id']}"

    def entry(self, base: str) -> dict[str, Any]:
        """Its entry of a transaction; over another version only if it is the one that was read."""
        request = {"method": "PUT", "url": self.reference}
        if self.version:
            request["ifMatch"] = f'W/"{self.version}"'
        return {
            "fullUrl": f"{base}/{self.reference}",
            "resource": self.artefact,
            "request": request,
        }


def loads(wanted: Iterable[Resource], held: Iterable[Resource]) -> tuple[Load, ...]:
    """What is missing or different; nothing for what stands there as it should."""
    by_name = {(one["resourceType"], one["id"]): one for one in held}
    found = ((one, by_name.get((one["resourceType"], one["id"]))) for one in wanted)
    return tuple(
        Load(one, _version(there)) for one, there in found if there is None or not _same(one, there)
    )


def transaction(base: str, chosen: Sequence[Load]) -> dict[str, Any]:
    """All of them or none."""
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [load.entry(base) for load in chosen],
    }


def _same(one: Resource, there: Resource) -> bool:
    return _content(one) == _content(there)


def _content(resource: Resource) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key not in _SERVERS_OWN}


def _version(there: Resource | None) -> str:
    return "" if there is None else str(there.get("meta", {}).get("versionId", ""))
