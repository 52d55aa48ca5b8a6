"""The webhook with plain dictionaries answers as its text says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.examples.running import HEADERS, running, told
from tests.tidy.source import ROOT


@pytest.fixture(scope="module")
def bakery() -> Iterator[httpx.Client]:
    """The app, running."""
    with (
        running("examples/bakery_webhook.py") as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=HEADERS, timeout=30) as http,
    ):
        yield http


def _ask(http: httpx.Client, kind: str, call: str, **fields: object) -> Any:
    answer = http.post("/voice", json=told(kind, call, **fields))
    if answer.status_code == 204:
        return None
    assert answer.status_code == 200
    return answer.json()


def test_a_call(bakery: httpx.Client) -> None:
    """It greets, answers, lets keys interrupt, and hangs up once its goodbye has been heard."""
    greeting = _ask(bakery, "session_start", "a")
    assert greeting["session_id"] == "a"
    assert greeting["user_input_timeout_seconds"] == 8
    assert _ask(bakery, "assistant_speech_ended", "a") is None
    assert "seven" in _ask(bakery, "user_speak", "a", text="When are you open?")["text"]
    stop, speak = _ask(bakery, "dtmf_received", "a", digit="2")
    assert (stop["type"], speak["type"]) == ("barge_in", "speak")
    assert _ask(bakery, "dtmf_received", "a", digit="9") is None
    assert "Goodbye" in _ask(bakery, "user_speak", "a", text="Thank you")["text"]
    assert _ask(bakery, "assistant_speech_ended", "b") is None
    assert _ask(bakery, "assistant_speech_ended", "a") == {"type": "hangup", "session_id": "a"}
    assert _ask(bakery, "session_end", "a") is None


def test_silence(bakery: httpx.Client) -> None:
    """The first silence brings a question, the second one the goodbye."""
    _ask(bakery, "session_start", "c")
    texts = [_ask(bakery, "user_input_timeout", "c")["text"] for _ in range(2)]
    assert texts[0] == "Are you still there?"
    assert texts[1].startswith("Goodbye")


def test_strangers(bakery: httpx.Client) -> None:
    """Without the token nothing is answered."""
    headers = {"X-API-TOKEN": "wrong"}
    assert bakery.post("/voice", json=told("session_start"), headers=headers).status_code == 401


@pytest.mark.parametrize("name", ["bakery_webhook", "parcel_socket"])
def test_plain_examples_import_nothing_of_ours(name: str) -> None:
    """The plain examples run where there is no Cordboard."""
    text = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("cordboard")
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("cordboard") for alias in node.names)
