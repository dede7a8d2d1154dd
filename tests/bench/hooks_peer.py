"""HealthChain with the least that could be called B12 support: the newest value and its band.

It runs in an environment of its own, for it pins an older fhir.resources; nothing of ours is in it.
"""

from typing import Any

from healthchain.gateway import CDSHooksService, HealthChainAPI
from healthchain.models.requests.cdsrequest import CDSRequest
from healthchain.models.responses.cdsresponse import CDSResponse

CODE = "2132-9"
DEFICIENT, BORDERLINE = 180, 350


def newest(prefetch: dict[str, Any]) -> tuple[str, float] | None:
    """The newest total B12 of all searchsets, with its moment."""
    found = [
        (one["effectiveDateTime"], float(one["valueQuantity"]["value"]))
        for bundle in prefetch.values()
        for entry in bundle.get("entry", ())
        for one in [entry["resource"]]
        if one["resourceType"] == "Observation"
        and any(coding["code"] == CODE for coding in one["code"]["coding"])
    ]
    return max(found, default=None)


service = CDSHooksService()


@service.hook("patient-view", id="b12-patient-view")
def bands(request: CDSRequest) -> CDSResponse:
    """One card with the band."""
    latest = newest(request.prefetch or {})
    if latest is None or latest[1] > BORDERLINE:
        return CDSResponse(cards=[])
    moment, value = latest
    low = value < DEFICIENT
    card = {
        "summary": f"B12 {value:g} pg/mL ({moment[:10]}): {'low' if low else 'borderline'}",
        "indicator": "warning" if low else "info",
        "source": {"label": "bands"},
        "detail": "Consider treatment." if low else "Consider methylmalonic acid.",
    }
    return CDSResponse(cards=[card])


app = HealthChainAPI()
app.register_service(service)
