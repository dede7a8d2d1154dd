"""What is known about one patient on one day. No FHIR here and no rules."""
