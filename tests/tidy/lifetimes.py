"""Lifetimes: every task has an owner, every queue a bound, every cancellation arrives."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from tests.tidy.source import Offence, Source, dotted

# Where a broad handler may stand, and why. Everything else names what it expects.
BROAD_HANDLERS: Mapping[str, str] = {
    "src/cordboard/engine/runner.py": "our own mistake ends one call, never the process",
    "src/cordboard/delivery/worker.py": "one bad delivery must not stop the others",
    "src/cordboard/flowapp/serving.py": "a mistake in a user's handler costs one event",
    "src/cordboard/control/errors.py": "the API's last handler answers 500 without a trace",
}

_BROAD = ("Exception", "BaseException")


def tasks(source: Source) -> Iterator[Offence]:
    """Tasks are started in a TaskGroup."""
    for node in source.nodes:
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        owner, _, method = name.rpartition(".")
        orphaned = method == "create_task" and _is_loop(owner)
        if orphaned or (method == "ensure_future" and _is_loop(owner)):
            advice = "nobody owns this task's end: start it with create_task of a TaskGroup"
            yield source.offence("tasks", node, f"{name}: {advice}")


def _is_loop(owner: str) -> bool:
    last = owner.rpartition(".")[2]
    return last in ("asyncio", "get_running_loop()", "get_event_loop()") or last.endswith("loop")


def queues(source: Source) -> Iterator[Offence]:
    """Queues are bounded, with a written policy for when they are full."""
    unbounded = ("Queue", "PriorityQueue", "LifoQueue", "SimpleQueue")
    for node in source.nodes:
        if not isinstance(node, ast.Call) or not source.in_package:
            continue
        module, _, name = dotted(node.func).rpartition(".")
        if (
            module in ("asyncio", "queue")
            and name in unbounded
            and not (node.args or node.keywords)
        ):
            advice = "give it a maxsize, and say in a comment what happens when it is full"
            yield source.offence("queues", node, f"{module}.{name} without a bound: {advice}")


def broad_handlers(source: Source) -> Iterator[Offence]:
    """``except Exception`` stands only in the named places, or re-raises."""
    if not source.in_package or source.path in BROAD_HANDLERS:
        return
    for node in source.nodes:
        if not isinstance(node, ast.ExceptHandler) or _raises(node):
            continue
        if node.type is None or any(name in _BROAD for name in _names(node.type)):
            places = ", ".join(BROAD_HANDLERS)
            advice = f"name the errors you expect; broad handlers stand only in {places}"
            yield source.offence("broad_handlers", node, advice)


def cancellation(source: Source) -> Iterator[Offence]:
    """``CancelledError`` passes through: who catches it raises it again."""
    advice = "raise it again: a swallowed cancellation leaves its owner waiting"
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            caught = any(name == "CancelledError" for name in _names(node.type))
            if caught and not _raises(node):
                yield source.offence("cancellation", node, f"CancelledError: {advice}")
        elif isinstance(node, ast.Call) and dotted(node.func).endswith("suppress"):
            caught = "CancelledError" in {name for item in node.args for name in _names(item)}
            if caught:
                yield source.offence("cancellation", node, f"suppress(CancelledError): {advice}")


def _names(node: ast.expr) -> Iterator[str]:
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return (dotted(part).rpartition(".")[2] for part in parts)


def _raises(node: ast.ExceptHandler) -> bool:
    return any(isinstance(item, ast.Raise) for item in ast.walk(node))


RULES = (tasks, queues, broad_handlers, cancellation)
