"""References inside FHIR JSON: find them, rewrite them."""

from collections.abc import Iterator, Mapping
from typing import Any


def links_in(node: object) -> Iterator[str]:
    """Every literal reference, at any depth."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "reference" and isinstance(value, str):
                yield value
            else:
                yield from links_in(value)
    elif isinstance(node, list):
        for item in node:
            yield from links_in(item)


def relinked(node: Any, addresses: Mapping[str, str]) -> Any:
    """The same JSON with the references named in ``addresses`` replaced."""
    # A text is what most of it is, and a Mapping is dear to ask for.
    if isinstance(node, str):
        return node
    if isinstance(node, Mapping):
        return {key: _relinked(key, value, addresses) for key, value in node.items()}
    if isinstance(node, list):
        return [relinked(item, addresses) for item in node]
    return node


def _relinked(key: str, value: Any, addresses: Mapping[str, str]) -> Any:
    if key == "reference" and isinstance(value, str):
        return addresses.get(value, value)
    return relinked(value, addresses)
