"""Everything that meets the outside world: files, terminal, reports, FHIR servers."""
