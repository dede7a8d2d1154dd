"""The engine itself, as author and requester."""

from typing import Any

from b12fhir import __version__
from b12fhir.fhir.compose.entry import DEVICE_KEY, identifier, meta
from b12fhir.fhir.identity import DEVICE
from b12fhir.fhir.site import Site
from b12fhir.kernel.codes import SNOMED

_PROGRAM = "Application program software"


def device(site: Site) -> dict[str, Any]:
    """One Device for each version of the engine."""
    return {
        "resourceType": "Device",
        "meta": meta(site, "b12-engine"),
        "identifier": [identifier(site, DEVICE, DEVICE_KEY)],
        "status": "active",
        "manufacturer": "b12fhir",
        "deviceName": [{"name": "b12fhir", "type": "model-name"}],
        "type": {
            "coding": [{"system": SNOMED, "code": "706689003", "display": _PROGRAM}],
            "text": _PROGRAM,
        },
        "version": [{"value": __version__}],
    }
