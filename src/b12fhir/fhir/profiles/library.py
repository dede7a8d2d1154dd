"""The Library of a pack: its limits and rules as attachments."""

import base64
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from b12fhir.fhir.json import encode
from b12fhir.fhir.profiles.header import Shelf
from b12fhir.kernel.words import Word

_TYPE = "http://terminology.hl7.org/CodeSystem/library-type"


def library(shelf: Shelf) -> dict[str, Any]:
    """Limits in force and the rules with their state and sources."""
    pack = shelf.protocol.pack
    return {
        **shelf.packed("Library", f"b12-{pack.id}", f"rules and limits of {pack.id}"),
        "type": {"coding": [{"system": _TYPE, "code": "asset-collection"}]},
        "description": f"Limits and numbered rules behind pack {pack.id} {pack.version}. Review:"
        f" {pack.review.status}.",
        "content": [
            _attachment("Limits", _plain(shelf.protocol.limits)),
            _attachment("Rules", [_plain(rule) for rule in shelf.protocol.rules.values()]),
        ],
    }


def _attachment(title: str, value: Any) -> dict[str, str]:
    data = base64.b64encode(encode(value)).decode()
    return {"contentType": "application/json", "title": title, "data": data}


def _plain(value: Any) -> Any:
    """Values as JSON has them; a key of two parts is joined."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): _plain(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


def _key(key: Any) -> str:
    if isinstance(key, tuple):
        return " ".join(_key(part) for part in key)
    return str(key.value) if isinstance(key, Word) else str(key)
