"""What every extractor sees besides the resource it reads: protocol, site, patient, neighbours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from b12fhir.facts.patient import Patient
from b12fhir.fhir.bundle import Resource
from b12fhir.fhir.extract.issues import Kind
from b12fhir.fhir.extract.lexicon import Lexicon
from b12fhir.fhir.extract.memory import Memories
from b12fhir.fhir.extract.tree import items, obj, text
from b12fhir.fhir.site import Site
from b12fhir.kernel.dates import When, parse_when
from b12fhir.protocol.model import Protocol


class Source(NamedTuple):
    """A resource, its reference (``Observation/123`` or a urn), and the address it came under.

    ``kind`` is its resourceType.
    """

    resource: Resource
    reference: str
    url: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A datum to be gathered with its like into one issue with a count.

    ``what`` tells the like apart (a code, an ingredient), ``shown`` is the name it came under.
    """

    kind: Kind
    what: str
    shown: str
    relevant: bool


@dataclass(frozen=True, slots=True)
class Record:
    """One patient's record while it is read.

    ``aliases`` are the references that mean the patient, ``subjects`` those of them that stand in
    a resource just so; ``base`` is the address of the server the patient was read from, if known;
    ``neighbours`` are resources that others refer to.
    ``memories`` outlive the record and name nobody.
    """

    protocol: Protocol
    site: Site
    patient: Patient
    lexicon: Lexicon
    memories: Memories
    aliases: frozenset[str]
    subjects: frozenset[str]
    base: str = ""
    neighbours: Mapping[str, Resource] = field(default_factory=dict)

    def when(self, value: object) -> When | None:
        """A FHIR date or time in the site's zone."""
        if not isinstance(value, str):
            return None
        known = self.memories.moments.get(value)
        if known is None:
            known = parse_when(value, self.site.zone)
            if known is not None:
                self.memories.moments.keep(value, known)
        return known

    def resolve(self, reference: object, holder: Resource) -> Resource | None:
        """The resource a Reference points to: contained in ``holder``, or among the others."""
        target = text(obj(reference).get("reference"))
        if target.startswith("#"):
            for part in items(holder.get("contained")):
                if part.get("id") == target[1:]:
                    return part
            return None
        bare = target.partition("/_history/")[0]
        return self.neighbours.get(bare.removeprefix(f"{self.base}/") if self.base else bare)

    def is_own_system(self, system: str) -> bool:
        """Is it one of our own identifier systems?"""
        return system.startswith(self.site.system(""))
