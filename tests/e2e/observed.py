"""``cordboard`` with a window: on SIGUSR1 it writes what it holds inside to a file.

The figures are of the process's own objects, which no route of the API shows: user agent, ports,
tasks. Otherwise it is the program as it is.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
from pathlib import Path
from types import FrameType

from cordboard.__main__ import main
from cordboard.telephony.sip.endpoint import SipEndpoint
from cordboard.telephony.sip.ports import PortRange

VARIABLE = "E2E_COUNTS_FILE"


def counts() -> dict[str, int]:
    """Count what calls hold: legs, dialogs, transactions, timers, ports and tasks."""
    found: dict[str, int] = {}
    for thing in gc.get_objects():
        if isinstance(thing, SipEndpoint):
            found |= thing.agent.counts()
        elif isinstance(thing, PortRange):
            found["ports"] = thing.in_use_count
        elif isinstance(thing, asyncio.AbstractEventLoop) and thing.is_running():
            found["tasks"] = len(asyncio.all_tasks(thing))
    return found


def _write(number: int, frame: FrameType | None) -> None:
    path = Path(os.environ[VARIABLE])
    half_done = path.with_suffix(".new")
    half_done.write_text(json.dumps(counts()), encoding="ascii")
    half_done.rename(path)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _write)
    main()
