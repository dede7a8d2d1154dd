"""Who may call the CDS Hooks service: tokens, the keys that prove them, and no use of one twice."""

from b12fhir.adapters.trust.gate import OpenGate, TokenGate
from b12fhir.adapters.trust.keyring import KeyRing, Loader
from b12fhir.adapters.trust.refusal import Refusal
from b12fhir.adapters.trust.replays import MemoryReplays
from b12fhir.adapters.trust.sources import from_file, from_url

__all__ = [
    "KeyRing",
    "Loader",
    "MemoryReplays",
    "OpenGate",
    "Refusal",
    "TokenGate",
    "from_file",
    "from_url",
]
