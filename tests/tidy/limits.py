"""Limits on size: what does not fit into a head gets cut in two."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.tidy.source import Offence, Source

FILE_LINES = 400
TEST_FILE_LINES = 600
FUNCTION_LINES = 50
CLASS_LINES = 250
PUBLIC_METHODS = 15
ATTRIBUTES = 10
CONSTRUCTOR_PARAMETERS = 8


def file_lines(source: Source) -> Iterator[Offence]:
    """A file has at most 400 lines, a test file 600."""
    limit = FILE_LINES if source.in_package else TEST_FILE_LINES
    measured = len(source.text.splitlines())
    if measured > limit:
        advice = f"{measured} lines, at most {limit}: move one of its subjects to its own module"
        yield source.offence("file_lines", None, advice, measured=measured)


def function_lines(source: Source) -> Iterator[Offence]:
    """A function has at most 50 lines without its docstring."""
    for name, node in source.definitions:
        if isinstance(node, ast.ClassDef):
            continue
        measured = (node.end_lineno or node.lineno) - node.lineno + 1 - _docstring_lines(node)
        if measured > FUNCTION_LINES:
            advice = f"{measured} lines, at most {FUNCTION_LINES}: give its steps names"
            yield source.offence("function_lines", node, advice, name, measured)


def class_lines(source: Source) -> Iterator[Offence]:
    """A class has at most 250 lines."""
    for name, node in _classes(source):
        measured = (node.end_lineno or node.lineno) - node.lineno + 1
        if measured > CLASS_LINES:
            advice = f"{measured} lines, at most {CLASS_LINES}: let it own a smaller object"
            yield source.offence("class_lines", node, advice, name, measured)


def public_methods(source: Source) -> Iterator[Offence]:
    """A class has at most 15 public methods."""
    for name, node in _classes(source):
        methods = [item for item in node.body if isinstance(item, _FUNCTIONS)]
        measured = len({item.name for item in methods if not item.name.startswith("_")})
        if measured > PUBLIC_METHODS:
            advice = f"{measured} public methods, at most {PUBLIC_METHODS}: split what it does"
            yield source.offence("public_methods", node, advice, name, measured)


def attributes(source: Source) -> Iterator[Offence]:
    """A class assigns at most 10 attributes on ``self``."""
    for name, node in _classes(source):
        measured = len(set(_assigned(node)))
        if measured > ATTRIBUTES:
            advice = f"{measured} attributes on self, at most {ATTRIBUTES}: group what belongs"
            yield source.offence("attributes", node, f"{advice} together", name, measured)


def constructor_parameters(source: Source) -> Iterator[Offence]:
    """A constructor takes at most 8 parameters."""
    for name, node in source.definitions:
        if not isinstance(node, _FUNCTIONS) or node.name != "__init__":
            continue
        arguments = node.args
        measured = len([*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]) - 1
        if measured > CONSTRUCTOR_PARAMETERS:
            advice = f"{measured} parameters, at most {CONSTRUCTOR_PARAMETERS}: pass a dataclass"
            yield source.offence("constructor_parameters", node, advice, name, measured)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _classes(source: Source) -> Iterator[tuple[str, ast.ClassDef]]:
    return ((name, node) for name, node in source.definitions if isinstance(node, ast.ClassDef))


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if ast.get_docstring(node) is None:
        return 0
    first = node.body[0]
    return (first.end_lineno or first.lineno) - first.lineno + 1


def _assigned(node: ast.ClassDef) -> Iterator[str]:
    for item in ast.walk(node):
        if not isinstance(item, ast.Attribute) or not isinstance(item.ctx, ast.Store):
            continue
        if ast.unparse(item.value) == "self":
            yield item.attr


RULES = (
    file_lines,
    function_lines,
    class_lines,
    public_methods,
    attributes,
    constructor_parameters,
)
