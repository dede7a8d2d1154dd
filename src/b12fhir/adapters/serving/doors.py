"""The socket that is listened at, opened before anything else so that a fault is one clear line."""

import socket
import struct
from dataclasses import dataclass

from b12fhir.errors import ConfigError

_BACKLOG = 2048
# Seconds without a byte of a request that has begun: whoever sends slower gives its thread back.
_IDLE_S = 10


@dataclass(frozen=True, slots=True)
class Listening:
    """An open socket, and the port it really has."""

    socket: socket.socket
    port: int


def listen(host: str, port: int) -> Listening:
    """Open a listening socket; raises `ConfigError` if that cannot be done."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Connections inherit it.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", _IDLE_S, 0))
            opened.bind(address)
            opened.listen(_BACKLOG)
        except OSError:
            opened.close()
            raise
    except OSError as error:
        raise ConfigError(
            f"{host}:{port} cannot be listened at ({error.strerror}).",
            hint="Stop what uses it, or choose another address with B12FHIR_LISTEN.",
        ) from None
    return Listening(opened, opened.getsockname()[1])
