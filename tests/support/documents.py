"""Protocol documents to spoil: what ships, read anew, with a way to change one entry."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from b12fhir.protocol.documents import Documents, read_documents

_SHIPPED = read_documents("seed-default")


def shipped() -> Documents:
    """A copy of the documents that ship; a test may change it as it likes."""
    return deepcopy(_SHIPPED)


def spoiled(change: Callable[[Documents], Any]) -> Documents:
    """The shipped documents after one change."""
    documents = shipped()
    change(documents)
    return documents


def entry(documents: Documents, name: str, key: str, which: str) -> Any:
    """The entry with an id in an array of tables."""
    return next(one for one in documents.list_of(name, key) if one.get("id") == which)
