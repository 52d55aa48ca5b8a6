"""Who is measured: ours, the bare agent, and the peers in environments of their own."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.streams.ladder import Contestant

OURS, BARE = "cordboard", "bare agent"
PEERS = ("vocode", "livekit", "pipecat", "bolna")
_SERVERS = Path(__file__).parent / "peers"
_ENVIRONMENTS = Path("build/peers")


def contestant(name: str) -> Contestant:
    """Return a contestant by its name; ``make bench-all`` makes the peers' environments."""
    if name == OURS:
        return Contestant(name, (sys.executable, "-m", "benchmarks.streams.ours"))
    if name == BARE:
        return Contestant(name, (sys.executable, "-m", "benchmarks.streams.bare"))
    if name not in PEERS:
        raise SystemExit(f"--only: {name!r} is none of {', '.join((OURS, BARE, *PEERS))}")
    python = _ENVIRONMENTS / name / "bin" / "python"
    if not python.exists():
        raise SystemExit(f"{python} is not there; make bench-all makes it")
    return Contestant(name, (str(python), str(_SERVERS / f"with_{name}.py")))
