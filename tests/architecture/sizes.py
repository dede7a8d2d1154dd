"""Sizes to live by: what does not fit on a few screens is two things."""

import ast
from collections.abc import Iterator, Sequence
from statistics import median

from tests.architecture.source import Function, Module

MODULE_LINES = 400
MODULE_MEDIAN = 130
FUNCTION_LINES = 50


def modules_small(modules: Sequence[Module]) -> Iterator[str]:
    """No module over the limit."""
    for module in modules:
        if (lines := length(module)) > MODULE_LINES:
            yield module.breach(1, f"{lines} lines, at most {MODULE_LINES}")


def modules_small_by_habit(modules: Sequence[Module]) -> Iterator[str]:
    """The middle module fits on two screens. Package files, nearly empty, do not count."""
    lengths = [length(module) for module in modules if not module.is_package]
    if lengths and (middle := median(lengths)) > MODULE_MEDIAN:
        yield f"{modules[0].path.parts[0]}:0: median module {middle} lines, at most {MODULE_MEDIAN}"


def functions_small(modules: Sequence[Module]) -> Iterator[str]:
    """No function over the limit; its docstring is not counted."""
    for module in modules:
        for function in module.functions():
            if (lines := code_lines(function)) > FUNCTION_LINES:
                problem = f"{function.name} has {lines} lines, at most {FUNCTION_LINES}"
                yield module.breach(function.lineno, problem)


def length(module: Module) -> int:
    """Lines of a file, all of them."""
    return len(module.text.splitlines())


def code_lines(function: Function) -> int:
    """Lines from `def` to the end, less the docstring."""
    lines = span(function)
    return lines - (span(function.body[0]) if ast.get_docstring(function) else 0)


def span(node: ast.stmt) -> int:
    """Lines from the first to the last of a statement."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


RULES = (modules_small, modules_small_by_habit, functions_small)
