"""The settings as lines for a person: what counts, and never a secret."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from b12fhir.config.settings import Settings
from b12fhir.config.table import SETTINGS
from b12fhir.ports import Client


def shown(settings: Settings) -> Iterator[str]:
    """Every setting with its value, then the clients. Secrets are told to be set, no more."""
    default = Settings()
    for row in SETTINGS:
        value = getattr(settings, row.name)
        same = value == getattr(default, row.name)
        if not row.table:
            text = _hidden(value) if row.secret and not same else _words(value)
            yield f"{row.name} = {text}{' (default)' if same else ''}"
    yield from (_client(client) for client in settings.client)


def _hidden(value: object) -> str:
    """A database's kind and host are no secret."""
    parts = urlsplit(str(value))
    return f"{parts.scheme}://{parts.hostname or ''} (set)" if parts.scheme else "(set)"


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_words(told)}" for name, told in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _client(client: Client) -> str:
    tenants = f"; tenants {', '.join(sorted(client.tenants))}" if client.tenants else ""
    servers = f"; servers {', '.join(client.fhir_servers)}" if client.fhir_servers else ""
    return f"client {client.name}: keys {client.jwks_file or client.jku}{tenants}{servers}"
