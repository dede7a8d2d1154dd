"""A source tree as the house rules see it: modules, their rooms, their imports, their functions."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = "b12fhir"

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Import(NamedTuple):
    """One imported name, in full: `from b12fhir.kernel import dates` is b12fhir.kernel.dates."""

    name: str
    line: int


@dataclass(frozen=True)
class Module:
    """One file of the tree."""

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @cached_property
    def name(self) -> str:
        """The dotted name; of a package, its own."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self) -> str:
        """The first name below the package; of the package itself, `__init__`."""
        return self.path.with_suffix("").parts[1]

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    def breach(self, line: int, problem: str) -> str:
        """What every rule reports: file, line, problem."""
        return f"{self.path}:{line}: {problem}"

    def imports(self) -> Iterator[Import]:
        """Every absolute import, those under TYPE_CHECKING and inside functions included."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (Import(alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                for alias in node.names:
                    yield Import(f"{node.module}.{alias.name}", node.lineno)

    def functions(self) -> Iterator[Function]:
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))


def read(source: Path) -> list[Module]:
    """All modules of the package under a `src` folder; none where there is no such folder."""
    return [
        Module(file.relative_to(source), file.read_text(encoding="utf-8"))
        for file in sorted((source / PACKAGE).rglob("*.py"))
    ]


def in_rooms(modules: Iterable[Module], rooms: Iterable[str]) -> Iterator[Module]:
    """The modules of some rooms."""
    wanted = frozenset(rooms)
    return (module for module in modules if module.room in wanted)
