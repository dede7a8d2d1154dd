"""Files in and out: Bundles, NDJSON and folders of them; results written whole."""

from b12fhir.adapters.files.grouping import Records
from b12fhir.adapters.files.handover import HandoverFolder
from b12fhir.adapters.files.reading import read
from b12fhir.adapters.files.writing import sheet, write

__all__ = ["HandoverFolder", "Records", "read", "sheet", "write"]
