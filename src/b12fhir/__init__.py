"""b12fhir: FHIR R4 interoperability and decision support for vitamin B12 deficiency."""

__version__ = "0.1.0"
