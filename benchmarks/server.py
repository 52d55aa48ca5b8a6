"""The server under test: ``wiring`` with vendors of fixed delays, on one core.

``python -m benchmarks.server CORE AGENT_SPEECH --option=value ...``. It writes one JSON line when
it is up, and one with the lateness of its media clock at each SIGUSR1.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path

import uvloop

from benchmarks.vendors import building
from cordboard.observe import configure_logging
from cordboard.settings import Settings
from cordboard.wiring.server import running, set_aside_start


def _tell(content: object) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


async def _run(settings: Settings, agent_speech: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    async with running(settings, building(agent_speech)) as server:
        loop.add_signal_handler(signal.SIGUSR1, lambda: _tell(asdict(server.lateness)))
        set_aside_start()
        _tell({"http_port": server.http_port, "sip_port": server.sip_port})
        await stop.wait()


def main() -> None:
    """Pin the process and run."""
    os.sched_setaffinity(0, {int(sys.argv[1])})
    options = (word.removeprefix("--").partition("=") for word in sys.argv[3:])
    overrides: dict[str, object] = {name.replace("-", "_"): value for name, _, value in options}
    settings = Settings.from_environment({}, overrides)
    configure_logging(sys.stderr, settings.log_level, [])
    uvloop.run(_run(settings, Path(sys.argv[2])))


if __name__ == "__main__":
    main()
