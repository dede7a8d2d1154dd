"""JSON Schemas of our answers: closed for what we write, and compared between versions."""

import json
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from b12fhir.fhir.json import encode

# Keywords that say nothing about what is valid.
_SAID = frozenset({"$id", "$schema", "$comment", "title", "description", "examples", "deprecated"})
# Keywords that are compared by what is in them.
_LOOKED_INTO = frozenset({"properties", "required", "items", "oneOf", "$ref", "$defs"})


def wrong(answer: object, schema: dict[str, Any]) -> list[str]:
    """What is wrong with an answer of ours, read as another program reads it: through the wire.

    A reader lets pass what it does not know; we may write nothing that the schema does not name.
    """
    value = json.loads(encode(answer))
    found = Draft202012Validator(closed(schema)).iter_errors(value)
    return [f"{one.json_path}: {one.message}" for one in found]


def closed(schema: Any) -> Any:
    """The schema without room for other properties; a FHIR resource stays open."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    told = {key: closed(part) for key, part in schema.items()}
    ours = "properties" in told and "resourceType" not in told["properties"]
    return told | {"additionalProperties": False} if ours else told


def breaches(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Where a minor version breaks a promise of the one before it; empty if it keeps them all.

    Both ways: a reader of the old version understands every new answer, and an answer that was
    kept from the old one is still valid.
    """
    return list(_compared(old, new, (old, new), "$"))


def _compared(old: Any, new: Any, roots: tuple[Any, Any], where: str) -> Iterator[str]:
    old, new = _resolved(old, roots[0]), _resolved(new, roots[1])
    yield from _keywords(old, new, where)
    yield from _properties(old, new, roots, where)
    if "items" in old and "items" in new:
        yield from _compared(old["items"], new["items"], roots, f"{where}[]")
    before, after = old.get("oneOf", []), new.get("oneOf", [])
    if len(before) != len(after):
        yield f"{where}: one of {len(before)} forms became one of {len(after)}"
    for one, other in zip(before, after, strict=False):
        yield from _compared(one, other, roots, where)


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """The schema with what it refers to in its place."""
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].removeprefix("#/$defs/")
    return _resolved(root["$defs"][name], root) | {k: v for k, v in schema.items() if k != "$ref"}


def _keywords(old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[str]:
    """Every other keyword stays as it is: type, enum, pattern, limits, ``open``."""
    for key in sorted((old.keys() | new.keys()) - _SAID - _LOOKED_INTO):
        if old.get(key) != new.get(key):
            yield f"{where}: {key} was {old.get(key)}, is {new.get(key)}"
    for key in ("items", "oneOf"):
        if (key in old) != (key in new):
            yield f"{where}: {key} came or went"


def _properties(
    old: dict[str, Any], new: dict[str, Any], roots: tuple[Any, Any], where: str
) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name, part in before.items():
        if name in after:
            yield from _compared(part, after[name], roots, f"{where}.{name}")
        else:
            yield f"{where}.{name}: is gone"
    must, had_to = set(new.get("required", ())), set(old.get("required", ()))
    yield from (f"{where}.{name}: became required" for name in sorted(must - had_to))
    yield from (f"{where}.{name}: is no longer required" for name in sorted(had_to - must))
