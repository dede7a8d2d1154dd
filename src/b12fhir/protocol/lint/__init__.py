"""Does the protocol make sense as a whole? Every fault is reported, none stops the others.

The shape of the files is settled by then (`b12fhir.protocol.shape`).
"""

from collections.abc import Iterator
from datetime import date

from b12fhir.protocol.documents import Documents
from b12fhir.protocol.lint.analytes import analyte_problems
from b12fhir.protocol.lint.citations import citation_problems
from b12fhir.protocol.lint.concepts import concept_problems
from b12fhir.protocol.lint.numbers import number_problems
from b12fhir.protocol.lint.pack import pack_problems
from b12fhir.protocol.lint.regimens import regimen_problems
from b12fhir.protocol.problems import Problem


def lint(documents: Documents, on: date | None = None) -> list[Problem]:
    """Everything that is wrong with a protocol whose files have the right shape."""
    return sorted(set(_all(documents, on)), key=str)


def _all(documents: Documents, on: date | None) -> Iterator[Problem]:
    yield from citation_problems(documents)
    yield from number_problems(documents, on)
    yield from analyte_problems(documents, on)
    yield from concept_problems(documents)
    yield from pack_problems(documents)
    yield from regimen_problems(documents, on)
