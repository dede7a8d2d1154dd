"""Whom a secure connection trusts, and which certificate it shows."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from b12fhir.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM: authorities to trust in place of the usual ones; our certificate and its key.

    There is no way to trust just anybody.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def check(self) -> None:
        """Raise `ConfigError` for files that no connection could be made with.

        Without this a missing file would look like a server out of reach, and a key with a password
        would ask for it on the terminal in the midst of a run.
        """
        context = ssl.create_default_context()
        if self.ca:
            try:
                context.load_verify_locations(self.ca)
            except OSError as error:
                raise ConfigError(
                    f"tls_ca: {self.ca} holds no certificates that can be read ({_why(error)}).",
                    hint="It must be PEM: the certificates of the authorities to trust.",
                ) from None
        if self.cert:
            try:
                context.load_cert_chain(self.cert, self.key, password="")
            except OSError as error:
                raise ConfigError(
                    f"tls_cert and tls_key: {self.cert} and {self.key or 'the same file'} are no "
                    f"certificate with its key ({_why(error)}).",
                    hint="Both must be PEM, belong together, and the key have no password.",
                ) from None

    @property
    def verify(self) -> str | bool:
        """What to check a server with, as `requests` wants it."""
        return str(self.ca) if self.ca else True

    @property
    def shown(self) -> str | tuple[str, str] | None:
        """What to show a server that asks who we are, as `requests` wants it."""
        if self.cert is None:
            return None
        return (str(self.cert), str(self.key)) if self.key else str(self.cert)


def _why(error: OSError) -> str:
    """A reason without any content of the file."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "not PEM").lower().replace("_", " ")
    return error.strerror or type(error).__name__
