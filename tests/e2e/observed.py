"""``cordboard`` with a window: on SIGUSR1 it writes what it holds inside to a file.

The figures are of the process's own objects, which no route of the API shows: user agent, ports,
tasks. Otherwise it is the program as it is.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from cordboard.__main__ import main
from cordboard.telephony.sip.endpoint import SipEndpoint
from cordboard.telephony.sip.ports import PortRange

VARIABLE = "E2E_COUNTS_FILE"

_seen: list[SipEndpoint | PortRange] = []


def _note_instances(kind: type[SipEndpoint | PortRange]) -> None:
    """Remember each object of a class as it is made."""
    make: Callable[..., None] = kind.__init__

    def noted(self: Any, *arguments: Any, **named: Any) -> None:
        make(self, *arguments, **named)
        _seen.append(self)

    kind.__init__ = noted  # type: ignore[method-assign]


def counts() -> dict[str, int]:
    """Count what calls hold: legs, dialogs, transactions, timers, ports and tasks."""
    found = {"tasks": len(asyncio.all_tasks(asyncio.get_running_loop()))}
    for thing in _seen:
        if isinstance(thing, SipEndpoint):
            found |= thing.agent.counts()
        else:
            found["ports"] = thing.in_use_count
    return found


def _write(number: int, frame: FrameType | None) -> None:
    path = Path(os.environ[VARIABLE])
    half_done = path.with_suffix(".new")
    half_done.write_text(json.dumps(counts()), encoding="ascii")
    half_done.rename(path)


if __name__ == "__main__":
    _note_instances(SipEndpoint)
    _note_instances(PortRange)
    signal.signal(signal.SIGUSR1, _write)
    main()
