"""The only room that knows FHIR: resources in, facts out; plans in, resources out."""
