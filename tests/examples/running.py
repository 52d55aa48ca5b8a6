"""Examples as processes on loopback, spoken to by the protocol."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.tidy.source import ROOT

TOKEN = "token-of-the-tests"
HEADERS = {"X-API-TOKEN": TOKEN}
READY_WAIT_S = 60.0


def told(kind: str, session_id: str = "call-1", **fields: object) -> dict[str, Any]:
    """An event as it goes over the wire."""
    session = {
        "id": session_id,
        "account_id": "acme",
        "phone_number": "+12025550110",
        "direction": "inbound",
        "from_phone_number": "+12025550199",
        "to_phone_number": "+12025550110",
    }
    return {"type": kind, "session": session, **fields}


@contextmanager
def running(*command: str) -> Iterator[int]:
    """Run a Python program with ``--port`` and the token within the block; gives the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = [sys.executable, *command, "--port", str(port)]
    environment = {**os.environ, "FLOW_TOKEN": TOKEN}
    with subprocess.Popen(words, cwd=ROOT, env=environment) as child:
        try:
            _wait_for(port, child)
            yield port
        finally:
            child.terminate()
            child.wait(20)


def _wait_for(port: int, child: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_WAIT_S
    while time.monotonic() < until and child.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)  # noqa: TID251  (a process tells nobody that it listens)
        else:
            return
    raise AssertionError(f"nothing listens: {child.args!r}")
