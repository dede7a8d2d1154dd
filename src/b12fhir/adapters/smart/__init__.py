"""Who we are for a FHIR server: SMART Backend Services, as a client with a private key."""

from b12fhir.adapters.smart.discovery import Endpoint
from b12fhir.adapters.smart.keys import SigningKey, make_key, public_set, read_key
from b12fhir.adapters.smart.registration import Registration
from b12fhir.adapters.smart.tokens import SmartTokens

__all__ = [
    "Endpoint",
    "Registration",
    "SigningKey",
    "SmartTokens",
    "make_key",
    "public_set",
    "read_key",
]
