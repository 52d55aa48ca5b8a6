"""Python files as the rules see them: path, text and syntax tree."""

from __future__ import annotations

import ast
import functools
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "src/cordboard/"

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Offence:
    """One breach of one rule; ``measured`` is what was counted, for rules that count."""

    rule: str
    where: str
    line: int
    message: str
    measured: int = 0

    def __str__(self) -> str:
        """Return what the failing test prints."""
        return f"{self.where} (line {self.line}): {self.message} [{self.rule}]"


@dataclass(frozen=True)
class Source:
    """One Python file; ``path`` is relative to the root and uses slashes."""

    path: str
    text: str = field(repr=False)
    tree: ast.Module = field(repr=False)

    @classmethod
    def parse(cls, path: str, text: str) -> Source:
        """Parse ``text`` as if it stood at ``path``."""
        return cls(path, text, ast.parse(text))

    @property
    def in_package(self) -> bool:
        """Whether the file is part of the product."""
        return self.path.startswith(PACKAGE)

    @property
    def layer(self) -> str:
        """The first name below the package (``call``, ``clock``), or an empty text."""
        if not self.in_package:
            return ""
        return PurePosixPath(self.path.removeprefix(PACKAGE)).with_suffix("").parts[0]

    @property
    def module(self) -> str:
        """The dotted name, for files of the package."""
        parts = PurePosixPath(self.path.removeprefix("src/")).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @functools.cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree."""
        return tuple(ast.walk(self.tree))

    @functools.cached_property
    def definitions(self) -> tuple[tuple[str, Definition], ...]:
        """Every class and function with its dotted name within the file."""
        return tuple(_definitions(self.tree, ""))

    def offence(
        self, rule: str, node: ast.AST | None, message: str, name: str = "", measured: int = 0
    ) -> Offence:
        """Return an offence at ``node`` of this file."""
        where = f"{self.path}::{name}" if name else self.path
        return Offence(rule, where, getattr(node, "lineno", 1), message, measured)


Rule = Callable[[Source], Iterator[Offence]]


def _definitions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Definition]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            yield prefix + child.name, child
            yield from _definitions(child, f"{prefix}{child.name}.")
        else:
            yield from _definitions(child, prefix)


def dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` for a chain of names, and ``?`` for what is not one."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{dotted(node.func)}()"
    return "?"


@functools.cache
def project_files() -> tuple[str, ...]:
    """Return every file that is or could be committed, relative to the root."""
    listing = subprocess.run(
        [
            "git",
            "-c",
            "safe.directory=*",
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    names = sorted({name for name in listing.stdout.split("\0") if name})
    return tuple(name for name in names if (ROOT / name).is_file())


@functools.cache
def sources() -> tuple[Source, ...]:
    """Return every Python file of the project but generated migrations."""
    return tuple(
        Source.parse(name, (ROOT / name).read_text(encoding="utf-8"))
        for name in project_files()
        if name.endswith(".py") and "/migrations/versions/" not in name
    )
