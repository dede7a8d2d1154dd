"""Read, check and build the protocol: the one way to get a `Protocol`.

A faulty protocol decides nothing: every file is checked against its JSON Schema, then everything
is checked together by the lint, and all that is wrong is reported at once.
"""

from datetime import date
from functools import lru_cache

from b12fhir.protocol.builders.analytes import analyte_table
from b12fhir.protocol.builders.concepts import concept_table
from b12fhir.protocol.builders.limits import limits
from b12fhir.protocol.builders.pack import pack
from b12fhir.protocol.builders.rules import rules, sources, tests
from b12fhir.protocol.documents import Documents, pack_ids, read_documents
from b12fhir.protocol.lint import lint
from b12fhir.protocol.model import Protocol
from b12fhir.protocol.problems import refuse
from b12fhir.protocol.shape import shape_problems

__all__ = ["DEFAULT_PACK", "build", "load_protocol", "pack_ids"]

DEFAULT_PACK = "seed-default"


@lru_cache(maxsize=64)
def load_protocol(pack_id: str = DEFAULT_PACK, on: date | None = None) -> Protocol:
    """The protocol with the numbers in force ``on`` a day; without one the newest.

    Loaded once and shared: nothing in it is ever changed. Raises `ProtocolError` for an unknown
    pack, naming the known ones, and for a faulty one, naming file, key and version of each fault.
    """
    return build(read_documents(pack_id), on)


def build(documents: Documents, on: date | None = None) -> Protocol:
    """Check documents and make the protocol of them."""
    refuse(documents.pack_id, shape_problems(documents))
    refuse(documents.pack_id, lint(documents, on))
    return Protocol(
        pack=pack(documents),
        limits=limits(documents, on),
        analytes=analyte_table(documents, on),
        concepts=concept_table(documents),
        tests=tests(documents),
        rules=rules(documents),
        packs=documents.packs,
        sources=sources(documents),
    )
