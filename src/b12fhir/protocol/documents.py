"""The protocol's files as read: TOML with exact decimals, and the table of codes.

The only reading of files outside the adapters. What is read here is data of this package, no
patient's.
"""

import csv
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from b12fhir.errors import ProtocolError

Document = dict[str, Any]

KNOWLEDGE = ("analytes", "concepts", "limits", "rules", "tests")
PACK = ("pack", "products", "regimens", "monitoring")
CODES = "codes.csv"


@dataclass(frozen=True, slots=True)
class Documents:
    """Everything one pack is built from: documents by name (without ``.toml``), and code rows."""

    pack_id: str
    toml: dict[str, Document]
    codes: list[dict[str, str]]
    packs: tuple[str, ...]

    def list_of(self, name: str, key: str) -> list[Document]:
        """The entries of one array of tables; empty where the file has none."""
        entries: list[Document] = self.toml[name].get(key, [])
        return entries


def home() -> Traversable:
    """Where the protocol files lie in the installed package."""
    return files("b12fhir.protocol")


def pack_ids(root: Traversable | None = None) -> tuple[str, ...]:
    """Ids of the packs that are there, in order."""
    packs = (root or home()).joinpath("packs")
    return tuple(sorted(one.name for one in packs.iterdir() if one.joinpath("pack.toml").is_file()))


def read_documents(pack_id: str, root: Traversable | None = None) -> Documents:
    """Read every file of a pack and the knowledge all packs share.

    Raises `ProtocolError` for an unknown pack and for a file that is missing or no TOML.
    """
    base = root or home()
    known = pack_ids(base)
    if pack_id not in known:
        raise ProtocolError(
            f"There is no protocol pack named {pack_id!r}.", hint=f"Known: {', '.join(known)}."
        )
    knowledge, pack = base.joinpath("knowledge"), base.joinpath("packs", pack_id)
    toml = {name: _toml(knowledge, name) for name in KNOWLEDGE}
    toml |= {name: _toml(pack, name) for name in PACK}
    return Documents(pack_id, toml, _codes(knowledge), known)


def _toml(folder: Traversable, name: str) -> Document:
    try:
        return tomllib.loads(_text(folder, f"{name}.toml"), parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ProtocolError(
            f"{name}.toml of the protocol is no TOML: {error}.", hint="Mend the line named."
        ) from error


def _codes(folder: Traversable) -> list[dict[str, str]]:
    return list(csv.DictReader(_text(folder, CODES).splitlines()))


def _text(folder: Traversable, name: str) -> str:
    try:
        return folder.joinpath(name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ProtocolError(
            f"The protocol has no file {name} in {folder.name}.", hint="Install the package again."
        ) from error
