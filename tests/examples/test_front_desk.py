"""The app on ``flowapp`` answers alike over webhook and WebSocket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.examples.running import HEADERS, running, told

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Host and port of the app."""
    with running("examples/front_desk.py") as port:
        yield f"127.0.0.1:{port}"


@contextmanager
def _webhook(address: str) -> Iterator[Ask]:
    with httpx.Client(headers=HEADERS, timeout=30) as http:

        def ask(kind: str, **fields: object) -> Any:
            answer = http.post(f"http://{address}/", json=told(kind, "http", **fields))
            assert answer.status_code in (200, 204)
            return answer.json() if answer.content else None

        yield ask


@contextmanager
def _socket(address: str) -> Iterator[Ask]:
    with connect(f"ws://{address}/", additional_headers=HEADERS) as socket:

        def ask(kind: str, **fields: object) -> Any:
            socket.send(json.dumps(told(kind, "ws", **fields)))
            return json.loads(socket.recv(30))

        yield ask


@pytest.mark.parametrize("way", [_webhook, _socket])
def test_a_call(address: str, way: Callable[[str], Any]) -> None:
    """It puts through who has given a name; where nobody answers, it texts the message."""
    with way(address) as ask:
        greeting = ask("session_start")
        assert greeting["user_input_timeout_seconds"] == 10
        assert "tell me your name" in ask("user_input_timeout")["text"]
        assert "Ada" in ask("user_speak", text="Ada.")["text"]
        transfer = ask("assistant_speech_ended")
        assert transfer["type"] == "transfer"
        assert (transfer["caller_id_name"], transfer["timeout"]) == ("Ada", 20)
        back = ask("session_start")
        assert back["vad"] == {"end_of_turn_silence_ms": 1_500}
        sms, thanks = ask("user_speak", text="Please ring back.")
        assert (sms["type"], sms["message"]) == ("send_sms", "Ada: Please ring back.")
        assert thanks["type"] == "speak"
        assert "later" in ask("sms_failed", phone_number="+1", error="no_gateway")["text"]
        assert ask("assistant_speech_ended")["type"] == "hangup"


def test_strangers(address: str) -> None:
    """Without the token both ways are closed with 401."""
    assert httpx.post(f"http://{address}/", json=told("session_start")).status_code == 401
    with pytest.raises(InvalidStatus, match="401"), connect(f"ws://{address}/"):
        pass
