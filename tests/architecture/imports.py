"""Who may import whom: ranks of rooms, adapters apart, libraries at home, no circle."""

import ast
import sys
from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter

from tests.architecture.source import PACKAGE, Module, in_rooms

# From left to right: a room imports rooms to its left and its own modules, nothing else. Rooms side
# by side do not know each other. `__init__` is the bare package: its version.
RANKS = (
    ("__init__", "errors", "demo"),
    ("kernel", "ports"),
    ("facts", "protocol"),
    ("decision",),
    ("plan",),
    ("fhir",),
    ("service",),
    ("adapters",),
    ("config",),
    ("wiring",),
    ("__main__",),
)
RANK_OF = {room: rank for rank, rooms in enumerate(RANKS) for room in rooms}

# Data for the demonstration is no part of the program proper.
DEMO_USERS = (f"{PACKAGE}.adapters.cli", f"{PACKAGE}.wiring")

# What would let the world into a decision.
PURE_ROOMS = ("facts", "decision", "plan")
CLOCK_AND_CHANCE = {"time", "random", "secrets", "uuid"}
FILES_AND_NETWORK = {
    "flask",
    "http",
    "io",
    "os",
    "pathlib",
    "requests",
    "socket",
    "urllib",
    "urllib3",
}
MACHINERY = {"asyncio", "concurrent", "logging", "pyspark", "subprocess", "sys", "threading"}
WORLDLY = CLOCK_AND_CHANCE | FILES_AND_NETWORK | MACHINERY

# Libraries that only one room may know.
HOMES = {
    "cryptography": "adapters",
    "alembic": "adapters",
    "fhir": "fhir",  # fhir.resources
    "flask": "adapters",
    "gunicorn": "adapters",
    "jinja2": "adapters",
    "jwt": "adapters",
    "matplotlib": "adapters",
    "pyspark": "adapters",
    "requests": "adapters",
    "rich": "adapters",
    "sqlalchemy": "adapters",
    "urllib3": "adapters",
}


def ranks_kept(modules: Sequence[Module]) -> Iterator[str]:
    """A room imports only rooms to its left."""
    for module in modules:
        if module.room not in RANK_OF:
            yield module.breach(1, f"room '{module.room}' stands in no rank")
            continue
        for name, line in module.imports():
            target = room_of(name)
            if target and target != module.room and RANK_OF[target] >= RANK_OF[module.room]:
                yield module.breach(line, f"{module.room} may not import {target} ({name})")


def room_of(name: str) -> str:
    """The room of an imported name; nothing for what is not ours."""
    package, _, rest = name.partition(".")
    if package != PACKAGE:
        return ""
    room = rest.partition(".")[0]
    return room if room in RANK_OF else "__init__"


def adapters_apart(modules: Sequence[Module]) -> Iterator[str]:
    """An adapter, be it a module or a package, imports no other adapter."""
    for module in in_rooms(modules, ["adapters"]):
        own = adapter_of(module.name)
        for name, line in module.imports():
            if room_of(name) == "adapters" and adapter_of(name) != own:
                yield module.breach(line, f"adapter {own} imports adapter {adapter_of(name)}")


def adapter_of(name: str) -> str:
    """`cli` of b12fhir.adapters.cli.report; the bare package of adapters has no name."""
    return ".".join(name.split(".")[2:3])


def demo_apart(modules: Sequence[Module]) -> Iterator[str]:
    """The demo's data are for the command line only."""
    for module in modules:
        for name, line in module.imports():
            if room_of(name) == "demo" != module.room and not module.name.startswith(DEMO_USERS):
                yield module.breach(line, "demo is for the command line only")


def absolute_only(modules: Sequence[Module]) -> Iterator[str]:
    """No relative imports: a reader sees the room in each line."""
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                yield module.breach(node.lineno, "relative import")


def pure_rooms_unworldly(modules: Sequence[Module]) -> Iterator[str]:
    """Facts, decision and plan know no clock, network, file, chance or log."""
    for module in in_rooms(modules, PURE_ROOMS):
        for name, line in module.imports():
            if name.partition(".")[0] in WORLDLY:
                yield module.breach(line, f"{module.room} may not import {name}")


def kernel_stdlib_only(modules: Sequence[Module]) -> Iterator[str]:
    """The kernel needs nothing but Python."""
    for module in in_rooms(modules, ["kernel"]):
        for name, line in module.imports():
            if name.partition(".")[0] not in {PACKAGE, *sys.stdlib_module_names}:
                yield module.breach(line, f"kernel is stdlib only, not {name}")


def libraries_at_home(modules: Sequence[Module]) -> Iterator[str]:
    """HTTP, pages and terminals belong to adapters, FHIR models to the room fhir."""
    for module in modules:
        for name, line in module.imports():
            home = HOMES.get(name.partition(".")[0], module.room)
            if home != module.room:
                yield module.breach(line, f"{name} is at home in {home} only")


def no_circles(modules: Sequence[Module]) -> Iterator[str]:
    """No module imports itself by way of others."""
    known = {module.name: module for module in modules}
    graph = {
        module.name: {
            target
            for name, _ in module.imports()
            for target in [name if name in known else name.rpartition(".")[0]]
            if target in known and target != module.name
        }
        for module in modules
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]
        yield known[circle[0]].breach(1, "imports in a circle: " + " < ".join(circle))


RULES = (
    ranks_kept,
    adapters_apart,
    demo_apart,
    absolute_only,
    pure_rooms_unworldly,
    kernel_stdlib_only,
    libraries_at_home,
    no_circles,
)
