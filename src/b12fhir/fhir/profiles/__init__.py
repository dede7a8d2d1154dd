"""Our FHIR conformance artefacts, all made from the code and the protocol, none written by hand."""

from b12fhir.fhir.profiles.everything import artefacts, file_name
from b12fhir.fhir.profiles.valuesets import PROGRAM_FACTS, code_system, value_sets

__all__ = ["PROGRAM_FACTS", "artefacts", "code_system", "file_name", "value_sets"]
