"""Borders: who may import whom, and what the pure layers may not touch.

Imports count wherever they stand: at the top, in a function, or for type checking only.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence

from tests.tidy.source import Offence, Source

PURE = ("call", "media", "sip")

# The exact allowance; each entry is a decision (docs/decisions).
THIRD_PARTY: Mapping[str, frozenset[str]] = {
    "call": frozenset(),
    "media": frozenset({"numpy", "audioop", "G722"}),
    "sip": frozenset({"sipmessage"}),
}

_CLOCK = "take now_ms as a parameter"
_CHANCE = "take what was drawn, or a callable that draws, as a parameter"
_SHELL = "leave it to the layer that does things (engine, telephony, providers)"
_VALUES = "take it as a parameter"

IMPURE: Mapping[str, str] = {
    **dict.fromkeys(("time", "sched"), _CLOCK),
    **dict.fromkeys(("random", "secrets", "uuid"), _CHANCE),
    **dict.fromkeys(("asyncio", "threading", "multiprocessing", "concurrent", "queue"), _SHELL),
    **dict.fromkeys(("socket", "ssl", "selectors", "subprocess", "signal", "http"), _SHELL),
    **dict.fromkeys(("os", "io", "pathlib", "shutil", "tempfile", "sqlite3", "getpass"), _VALUES),
    "logging": "return an event; observe.py logs what passes by",
    "urllib": f"{_SHELL}; urllib.parse is fine",
}
_PURE_PARTS = frozenset({"urllib.parse", "http.HTTPStatus"})

IMPURE_CALLS: Mapping[str, str] = {
    **dict.fromkeys(("datetime.now", "datetime.utcnow", "datetime.today", "date.today"), _CLOCK),
    **dict.fromkeys(("datetime.datetime.now", "datetime.date.today"), _CLOCK),
    **dict.fromkeys(("numpy.random", "np.random"), _CHANCE),
    **dict.fromkeys(("open", "input"), _VALUES),
    "print": "return an event; observe.py logs what passes by",
}

# Leaves that every shell layer may use.
_EVERYWHERE = ("clock", "ids", "observe", "ports")

# What each layer may import of the package beside itself.
ALLOWED: Mapping[str, Sequence[str]] = {
    "call": (),
    "media": (),
    "sip": (),
    "clock": (),
    "ids": (),
    "observe": (),
    "settings": (),
    "dial_policy": (),
    "ports": ("call", "media"),
    "registry": ("ports",),
    "egress": _EVERYWHERE,
    "bus": _EVERYWHERE,
    "engine": ("call", "media", *_EVERYWHERE),
    "telephony": ("media", "sip", "call", *_EVERYWHERE),
    "providers": ("media", "call", "egress", "delivery.signing", *_EVERYWHERE),
    "storage": ("call", "media", *_EVERYWHERE),
    "delivery": ("storage", "egress", *_EVERYWHERE),
    "control": (
        *("storage", "bus", "call", "egress", "dial_policy", "delivery", "callpage"),
        *_EVERYWHERE,
    ),
}

# Finer than layers: nobody below may know what stands beside it.
FORBIDDEN: Sequence[tuple[str, str, str]] = (
    ("providers", "call.machine", "give the port what it needs as values"),
    ("providers", "call.agent", "give the port what it needs as values"),
    ("telephony", "call.machine", "report events and carry out commands; the engine decides"),
    ("control", "call.machine", "read the frozen plan; decisions belong to the machine"),
)

# Who makes the real clock and the real chance, and the terminal, which has no simulation.
INJECTORS = ("clock", "ids", "cli", "__main__")

_MEASURED = frozenset(
    {
        *("time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter"),
        *("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "monotonic"),
        *("datetime.datetime.now", "datetime.date.today", "monotonic_ns", "perf_counter"),
    }
)
_DRAWN = frozenset({"uuid.uuid4", "uuid4", "uuid.uuid1", "os.urandom", "urandom"})

SETTINGS_READERS = ("wiring", "__main__", "cli", "settings")


def imports(source: Source) -> Iterator[tuple[ast.stmt, str]]:
    """Yield every imported dotted name; ``from a import b`` yields ``a.b``."""
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def layers(source: Source) -> Iterator[Offence]:
    """A layer imports only the layers that the table gives it."""
    allowed = ALLOWED.get(source.layer)
    if not source.in_package or allowed is None:
        return
    for node, name in imports(source):
        target = name.removeprefix("cordboard.")
        if target == name or _within(target, (source.layer, *allowed)):
            continue
        advice = f"{source.layer} may not import {target}: take it through a Protocol in ports.py"
        yield source.offence("layers", node, f"{advice} and let wiring.py hand it in")


def forbidden(source: Source) -> Iterator[Offence]:
    """Within what a layer may import, some modules are closed to it."""
    for layer, module, advice in FORBIDDEN:
        for node, name in imports(source):
            if source.layer == layer and _within(name, (f"cordboard.{module}",)):
                yield source.offence("forbidden", node, f"{layer} must not know {module}: {advice}")


def siblings(source: Source) -> Iterator[Offence]:
    """Carriers do not know one another."""
    parts = source.module.split(".")
    if source.layer != "telephony" or len(parts) < 3:
        return
    for node, name in imports(source):
        target = name.split(".")
        if target[:2] == ["cordboard", "telephony"] and target[2:3] not in ([], [parts[2]]):
            advice = "move what two carriers share to media, sip or ports"
            yield source.offence("siblings", node, f"imports the carrier {target[2]}: {advice}")


def settings_readers(source: Source) -> Iterator[Offence]:
    """Settings are read in one place; everybody else is handed values."""
    if not source.in_package or source.layer in SETTINGS_READERS:
        return
    for node, name in imports(source):
        if name.startswith("cordboard.settings"):
            advice = "only wiring reads settings: take the values you need as parameters"
            yield source.offence("settings_readers", node, advice)


def purity(source: Source) -> Iterator[Offence]:
    """The pure layers know no clock, chance, task, socket, log or file."""
    if source.layer not in PURE:
        return
    for node, name in imports(source):
        top = name.partition(".")[0]
        if top in IMPURE and not _within(name, tuple(_PURE_PARTS)):
            yield source.offence("purity", node, f"imports {top}: {IMPURE[top]}")
        elif _is_foreign(top) and top not in THIRD_PARTY[source.layer]:
            allowed = ", ".join(sorted(THIRD_PARTY[source.layer])) or "none"
            advice = f"imports {top}; third parties allowed in {source.layer}: {allowed}"
            yield source.offence("purity", node, advice)
    for item in source.nodes:
        called = ast.unparse(item.func) if isinstance(item, ast.Call) else ""
        for banned, advice in IMPURE_CALLS.items():
            if called and _within(called, (banned,)):
                yield source.offence("purity", item, f"calls {called}: {advice}")


def injected(source: Source) -> Iterator[Offence]:
    """Time and chance are handed in everywhere, so that a simulation can hand in its own."""
    if not source.in_package or source.layer in INJECTORS:
        return
    for node, name in imports(source):
        if name.partition(".")[0] in ("random", "secrets") or name in _DRAWN:
            yield source.offence("injected", node, f"imports {name}: take a Randomness (ids.py)")
    for item in source.nodes:
        called = ast.unparse(item.func) if isinstance(item, ast.Call) else ""
        if called in _MEASURED or called in _DRAWN:
            port = "Clock (clock.py)" if called in _MEASURED else "Randomness (ids.py)"
            yield source.offence("injected", item, f"calls {called}: take a {port} and ask that")


def _is_foreign(top: str) -> bool:
    return top != "cordboard" and (top not in sys.stdlib_module_names or top == "audioop")


def _within(name: str, prefixes: Sequence[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def cycles(files: Sequence[Source]) -> list[list[str]]:
    """Return every group of modules that import one another, directly or not."""
    known = {source.module for source in files if source.in_package}
    graph: dict[str, set[str]] = {name: set() for name in known}
    for source in files:
        if source.in_package:
            targets = {_module_of(name, known) for _, name in imports(source)}
            graph[source.module] |= targets - {source.module, ""}
    return _knots(graph)


def _module_of(name: str, known: set[str]) -> str:
    if name in known:
        return name
    parent = name.rpartition(".")[0]
    return parent if parent in known else ""


def _knots(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Peel off what nobody imports and what imports nobody; what is left is knotted."""
    left = set(graph)
    while True:
        imported = {target for name in left for target in graph[name]} & left
        leaf = {name for name in left if not graph[name] & left or name not in imported}
        if not leaf:
            return [sorted(left)] if left else []
        left -= leaf


RULES = (layers, forbidden, siblings, settings_readers, purity, injected)
