"""`python -m b12fhir`: the same as the command `b12fhir`."""

from b12fhir.wiring import run

run()
