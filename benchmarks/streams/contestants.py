"""Who is measured: ours with an agent or a flow, the bare agent, and the peers in their own
environments.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.streams.ladder import Contestant

OURS, BARE = "cordboard", "bare agent"
FLOWS = {"flow by webhook": "http", "flow by WebSocket": "websocket"}
"""Ours with an app that drives the call, by how it is reached."""

PEERS = ("vocode", "livekit", "pipecat", "bolna")
_SERVERS = Path(__file__).parent / "peers"
_ENVIRONMENTS = Path("build/peers")


def contestant(name: str) -> Contestant:
    """Return a contestant by its name; ``make bench-all`` makes the peers' environments."""
    if name == OURS:
        return Contestant(name, (sys.executable, "-m", "benchmarks.streams.ours"))
    if name in FLOWS:
        return Contestant(name, (sys.executable, "-m", "benchmarks.streams.ours", FLOWS[name]))
    if name == BARE:
        return Contestant(name, (sys.executable, "-m", "benchmarks.streams.bare"))
    if name not in PEERS:
        raise SystemExit(f"--only: {name!r} is none of {', '.join((OURS, BARE, *FLOWS, *PEERS))}")
    python = _ENVIRONMENTS / name / "bin" / "python"
    if not python.exists():
        raise SystemExit(f"{python} is not there; make bench-all makes it")
    return Contestant(name, (str(python), str(_SERVERS / f"with_{name}.py")))
