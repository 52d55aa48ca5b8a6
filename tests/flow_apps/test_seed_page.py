"""The flow protocol's page of action types (reference/seeds/003): its answers, word for word."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from aiohttp import web

from cordboard.rehearsal.script import parse_script
from cordboard.wiring.rehearsal import Rehearsing, rehearse
from tests.flow_apps.app import Answer, Json, Script, serving

# "HTTP Webhook" and "WebSocket" of "Response Format": one body.
SPEAK: Final = """{
"type": "speak",
"session_id": "550e8400-e29b-41d4-a716-446655440000",
"text": "Hello!"
}"""
SIMPLE: Final = """{
"type": "speak",
"session_id": "session-123",
"text": "Hello! How can I help you?"
}"""
# The page has lost its indentation, which Python needs; not a word is changed.
CONDITIONAL: Final = """
if "goodbye" in event['text'].lower():
    return {
"type": "hangup",
"session_id": event['session']['id']
}
else:
    return {
"type": "speak",
"session_id": event['session']['id'],
"text": "I understand."
}
"""
CHAINING: Final = """
# First response
if event['type'] == 'user_speak':
    return {
"type": "speak",
"session_id": event['session']['id'],
"text": "Please listen to this message."
}
# Follow-up after assistant speaks
if event['type'] == 'assistant_speak':
    return {
"type": "audio",
"session_id": event['session']['id'],
"audio": "base64-audio-data"
}
"""

ANSWER_WITHIN_MS: Final = 1_000
"""So long a WebSocket app is given that has nothing to do."""

both = pytest.mark.parametrize("transport", ["http", "websocket"])


def pattern(code: str) -> Callable[[Json], Answer]:
    """Return a pattern of the page as the function that an app calls with each event."""
    names: dict[str, Any] = {}
    body = "".join(f"    {line}\n" for line in code.strip().splitlines())
    exec(f"def answer(event):\n{body}    return None\n", names)  # noqa: S102  (the page's own)
    found: Callable[[Json], Answer] = names["answer"]
    return found


def _ignore(*_: object) -> None:
    """Leave what is reported or offered; what happens is in the lines."""


async def called(script: Script, transport: str, caller: str) -> tuple[list[str], list[str]]:
    """Let a caller by text ring the app; return all lines, and the types of what it was told."""
    lines: list[str] = []
    async with serving(script, transport) as app:
        wanted = Rehearsing(url=app.url, fast=True, answer_within_ms=ANSWER_WITHIN_MS)
        await rehearse(wanted, lines.append, _ignore, parse_script(caller), _ignore)
        return lines, app.kinds()


def heard(lines: list[str]) -> list[str]:
    """Return what the caller heard."""
    shown = (line.partition(" you hear ")[2] for line in lines)
    return [json.loads(text).get("text", "") for text in shown if text]


def on(kind: str, answer: Answer) -> Script:
    """Return an app that answers one kind of event."""
    return lambda event: answer if event["type"] == kind else None


@both
@pytest.mark.parametrize(
    ("body", "text"), [(SPEAK, "Hello!"), (SIMPLE, "Hello! How can I help you?")]
)
async def test_simple_response(transport: str, body: str, text: str) -> None:
    """The answer of "Response Format", and the pattern "Simple Response", are spoken."""
    lines, _ = await called(on("session_start", body), transport, f"? {text}\n")
    assert heard(lines) == [text]
    # Its session is another one than the call's: that is told, and nothing else comes of it.
    assert any("flow_warning" in line and "session" in line for line in lines), lines


async def test_no_content() -> None:
    """``204 No Content`` asks for nothing, and the call goes on."""
    lines, told = await called(lambda _: web.Response(status=204), "http", "Hello\n/hangup\n")
    assert heard(lines) == []
    assert told == ["session_start", "user_speak", "session_end"]


@both
async def test_conditional_response(transport: str) -> None:
    """The pattern "Conditional Response" speaks until the caller says goodbye, which ends it."""
    answer = pattern(CONDITIONAL)

    def app(event: Json) -> Answer:
        return answer(event) if event["type"] == "user_speak" else None

    lines, _ = await called(app, transport, "My bread is gone\n? I understand.\nGoodbye then\n")
    assert heard(lines) == ["I understand."]
    assert "agent_ended" in lines[-1]


@both
async def test_chaining_actions(transport: str) -> None:
    """The pattern "Chaining Actions" goes on after the speech; the page's sound is none at all."""
    caller = "Hello\n? Please listen to this message.\n/hangup\n"
    lines, told = await called(pattern(CHAINING), transport, caller)
    assert heard(lines) == ["Please listen to this message.", "[0 ms of sound]"]
    assert [kind for kind in told if kind.startswith("assistant_")] == [
        *("assistant_speak", "assistant_speech_ended"),
        "assistant_speech_ended",
    ]
    assert any("audio" in line and "flow_" in line for line in lines), lines
    assert "caller_hung_up" in lines[-1]
