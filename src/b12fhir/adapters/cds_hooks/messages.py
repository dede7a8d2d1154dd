"""The JSON Schemas of CDS Hooks 2.0: what may be sent to us, and all that we send.

Each is a file of ``schemas/``, written from the specification and not from our code. What we
receive is described tolerantly, what we send strictly: nothing but what stands there, no member
without value.
"""

import json
from importlib.resources import files
from typing import Any

_FOLDER = files("b12fhir.adapters.cds_hooks").joinpath("schemas")
NAMES = tuple(sorted(one.name.removesuffix(".json") for one in _FOLDER.iterdir()))


def schema(name: str) -> dict[str, Any]:
    """One schema (draft 2020-12) with all that it refers to in it."""
    return {"$ref": f"#/$defs/{name}", "$defs": schemas("#/$defs/")}


def schemas(place: str) -> dict[str, Any]:
    """All schemas by name, for a document that holds them under ``place`` (``#/$defs/``).

    They refer to each other there, and bear no address of their own any more.
    """
    return {name: _placed(_read(name), name, place) for name in NAMES}


def _read(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(_FOLDER.joinpath(f"{name}.json").read_text("utf-8"))
    return {key: part for key, part in told.items() if key not in {"$id", "$schema"}}


def _placed(part: object, name: str, place: str) -> object:
    if isinstance(part, list):
        return [_placed(one, name, place) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        key: _target(one, name, place) if key == "$ref" else _placed(one, name, place)
        for key, one in part.items()
    }


def _target(ref: str, name: str, place: str) -> str:
    """Where in the whole document ``file.json#/x``, ``file.json`` or ``#/x`` stands."""
    file, _, within = ref.partition("#")
    return f"{place}{file.removesuffix('.json') or name}{within}"
