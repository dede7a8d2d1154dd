"""A FHIR R4 server over HTTP."""

from b12fhir.adapters.server.habits import SearchesByGet
from b12fhir.adapters.server.rest import RestServer
from b12fhir.adapters.server.retry import Patience
from b12fhir.adapters.server.tls import Tls
from b12fhir.adapters.server.transport import Limits
from b12fhir.adapters.server.web import Web

__all__ = ["Limits", "Patience", "RestServer", "SearchesByGet", "Tls", "Web"]
