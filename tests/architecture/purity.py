"""What code may not do where: read clock or environment, hold a number, print, catch all."""

import ast
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from tests.architecture.source import Module, in_rooms

CORE = ("errors", "kernel", "ports", "facts", "protocol", "decision", "plan", "fhir", "service")
EXACT_ROOMS = ("kernel", "facts", "protocol", "decision", "plan", "fhir", "service")
NUMBERLESS_ROOMS = ("facts", "decision", "plan")

CLOCK_METHODS = frozenset({"now", "today", "utcnow"})
CLOCK_FUNCTIONS = frozenset(
    {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "gmtime", "localtime"}
)
COUNTING = (-1, 0, 1, 2)  # an index, a sign, a pair: no clinical number
NUMBER_TYPES = frozenset({"Decimal", "Fraction", "float", "int"})

# (file, function): why nothing narrower can be caught there. The list is meant to stay this short.
BROAD_EXCEPTS = {
    (
        "b12fhir/wiring/entry.py",
        "main",
    ): "the last stop: a defect keeps its traceback",
    ("b12fhir/adapters/cds_hooks/app.py", "wsgi_app"): "a defect is logged and told, as Flask does",
    ("b12fhir/adapters/subscriptions/watcher.py", "_one"): "a defect must not end the listening",
    ("b12fhir/adapters/sync/run.py", "_guarded"): "one patient's defect must not stop the others",
    ("b12fhir/adapters/sync/crew.py", "_run"): "raised again in the thread that listens",
    ("b12fhir/adapters/serving/relay.py", "_do"): "raised again where the result is asked for",
}


def no_clock(modules: Sequence[Module]) -> Iterator[str]:
    """In the core, time is an argument."""
    for module in in_rooms(modules, CORE):
        yield from (
            module.breach(line, f"{name} is read from the clock; time is an argument here")
            for name, line in module.imports()
            if name.startswith("time.") and name.removeprefix("time.") in CLOCK_FUNCTIONS
        )
        for call in calls(module):
            if isinstance(call.func, ast.Attribute) and reads_clock(call.func):
                problem = f"{ast.unparse(call.func)}() reads the clock; time is an argument here"
                yield module.breach(call.lineno, problem)


def reads_clock(function: ast.Attribute) -> bool:
    """`anything.now()` or `time.time()`."""
    of_time = isinstance(function.value, ast.Name) and function.value.id == "time"
    return function.attr in CLOCK_METHODS or (of_time and function.attr in CLOCK_FUNCTIONS)


def no_clinical_numbers(modules: Sequence[Module]) -> Iterator[str]:
    """In facts, decision and plan no number: its home is a dated, cited version in a pack."""
    for module in in_rooms(modules, NUMBERLESS_ROOMS):
        for value, line in [*literal_numbers(module), *quoted_numbers(module)]:
            if value not in COUNTING or isinstance(value, float):
                yield module.breach(line, f"number {value}: it belongs to a protocol pack")


def literal_numbers(module: Module) -> Iterator[tuple[complex, int]]:
    """Number literals with their sign."""
    negated = {
        id(node.operand): node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and type(node.value) in {int, float, complex}:
            yield (-node.value if id(node) in negated else node.value), node.lineno


def quoted_numbers(module: Module) -> Iterator[tuple[Decimal, int]]:
    """Numbers as text: Decimal("350")."""
    for call in calls(module):
        if called_name(call) in NUMBER_TYPES and call.args:
            text = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
            if isinstance(text, str) and (number := as_number(text)) is not None:
                yield number, call.lineno


def as_number(text: str) -> Decimal | None:
    """The number a text spells, if it does."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def no_floats(modules: Sequence[Module]) -> Iterator[str]:
    """The core counts in Decimals: a float is never quite 0.3, and NaN is below no cut-off."""
    for module in in_rooms(modules, EXACT_ROOMS):
        for value, line in literal_numbers(module):
            if isinstance(value, float):
                yield module.breach(line, f"float {value}: use Decimal")
        for call in calls(module):
            if is_builtin(call, "float"):
                yield module.breach(call.lineno, "float(): use Decimal")


def environment_in_config_only(modules: Sequence[Module]) -> Iterator[str]:
    """Only config reads the environment, and wiring, which hands it over."""
    for module in modules:
        if module.room in {"config", "wiring"}:
            continue
        for name, line in module.imports():
            if name in {"os.environ", "os.getenv"}:
                yield module.breach(line, "only config reads the environment")
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}:
                yield module.breach(node.lineno, "only config reads the environment")


def prints_in_cli_only(modules: Sequence[Module]) -> Iterator[str]:
    """Nobody but the command line speaks to a terminal."""
    for module in modules:
        if not module.name.startswith("b12fhir.adapters.cli"):
            for call in calls(module):
                if is_builtin(call, "print"):
                    yield module.breach(call.lineno, "print() outside adapters.cli")


def no_broad_except(modules: Sequence[Module]) -> Iterator[str]:
    """An except names what can fail; an exemption that nobody uses is a breach as well."""
    for module in modules:
        exempt = {function for file, function in BROAD_EXCEPTS if file == str(module.path)}
        unused = set(exempt)
        for node, function in nodes_in_functions(module.tree):
            if isinstance(node, ast.ExceptHandler) and is_broad(node):
                unused.discard(function)
                if function not in exempt:
                    yield module.breach(node.lineno, f"broad except in {function or 'the module'}")
        yield from (module.breach(1, f"no broad except in {name} any more") for name in unused)


def is_broad(handler: ast.ExceptHandler) -> bool:
    """Bare, or Exception or BaseException alone or among others; not if it only tidies up."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    if handler.type is None:
        return True
    names = (node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name))
    return any(name in {"Exception", "BaseException"} for name in names)


def nodes_in_functions(node: ast.AST, function: str = "") -> Iterator[tuple[ast.AST, str]]:
    """Every node with the name of the function it stands in."""
    for child in ast.iter_child_nodes(node):
        yield child, function
        is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from nodes_in_functions(child, child.name if is_function else function)


def calls(module: Module) -> Iterator[ast.Call]:
    """Every call."""
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))


def is_builtin(call: ast.Call, name: str) -> bool:
    """`print(...)`, not console.print(...)."""
    return isinstance(call.func, ast.Name) and call.func.id == name


def called_name(call: ast.Call) -> str:
    """`Decimal` of Decimal(...) and of decimal.Decimal(...)."""
    return ast.unparse(call.func).rpartition(".")[2]


RULES = (
    no_clock,
    no_clinical_numbers,
    no_floats,
    environment_in_config_only,
    prints_in_cli_only,
    no_broad_except,
)
