"""Which rules were in force: one short text that changes with any file of the protocol."""

import hashlib
import json
from functools import cache

from b12fhir.protocol.documents import read_documents

_DIGITS = 16


@cache
def fingerprint(pack_id: str) -> str:
    """16 hex digits over all knowledge and one pack, comments and layout left out.

    A pack's version is set by people, who can forget it; this changes by itself. Raises
    `ProtocolError` for an unknown pack.
    """
    documents = read_documents(pack_id)
    whole = json.dumps([documents.toml, documents.codes], sort_keys=True, default=str)
    return hashlib.sha256(whole.encode()).hexdigest()[:_DIGITS]
