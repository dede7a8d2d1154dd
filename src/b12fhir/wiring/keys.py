"""Our keys, for the commands: made, and shown by their public halves."""

from collections.abc import Sequence
from pathlib import Path

from b12fhir.wiring.proof import smart


def new_key(algorithm: str, path: Path) -> bytes:
    """Write a private key; its public half as a JWKS."""
    adapter = smart()
    made: bytes = adapter.public_set([adapter.make_key(algorithm, path)])
    return made


def public_keys(paths: Sequence[Path]) -> bytes:
    """The public halves of private keys as a JWKS."""
    adapter = smart()
    made: bytes = adapter.public_set([adapter.read_key(path) for path in paths])
    return made
