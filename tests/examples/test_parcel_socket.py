"""The WebSocket app answers as its text says, at its own time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from tests.examples.running import HEADERS, running, told


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where the app listens."""
    with running("examples/parcel_socket.py") as port:
        yield f"ws://127.0.0.1:{port}/parcels"


def _next(socket: Connection) -> Any:
    return json.loads(socket.recv(30))


def test_a_call(url: str) -> None:
    """It collects keys, says that it looks, tells what it found, and hangs up after goodbye."""
    with connect(url, additional_headers=HEADERS) as socket:
        socket.send(json.dumps(told("session_start")))
        configured, greeting = _next(socket)
        assert configured["languages"] == ["en-GB"]
        assert "hash" in greeting["text"]
        socket.send(json.dumps(told("user_speech_started")))
        for digit in "1234#":
            socket.send(json.dumps(told("dtmf_received", digit=digit)))
        assert "looking" in _next(socket)["text"]
        found = _next(socket)
        assert found["text"] == "Your parcel 1 2 3 4 is on its way and comes tomorrow morning."
        assert found["session_id"] == "call-1"
        socket.send(json.dumps(told("user_speak", text="Bye")))
        assert [action["type"] for action in _next(socket)] == ["speak", "hangup"]
        socket.send(json.dumps(told("session_end")))


def test_strangers(url: str) -> None:
    """Without the token there is no connection."""
    with pytest.raises(InvalidStatus, match="401"), connect(url):
        pass
