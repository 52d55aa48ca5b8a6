"""What the pages that users know print, run as apps word for word."""

from __future__ import annotations

import asyncio
import textwrap

from aiohttp import web

from tests.e2e.flows.house import calling
from tests.e2e.server import Server
from tests.flow_apps.app import Answer, Json, Script

HTTP_ANSWER = """
{
"type": "speak",
"session_id": "550e8400-e29b-41d4-a716-446655440000",
"text": "Hello!"
}"""

SOCKET_MESSAGE = HTTP_ANSWER

SIMPLE = """
{
"type": "speak",
"session_id": "session-123",
"text": "Hello! How can I help you?"
}"""

CONDITIONAL = """
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

CHAINING = """
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


def only_at_start(document: str) -> Script:
    """An app that answers the beginning of a call with a printed document."""

    def script(event: Json) -> Answer:
        return document if event["type"] == "session_start" else None

    return script


def printed(body: str, *kinds: str) -> Script:
    """An app whose handler for some kinds of event is printed Python."""
    names: dict[str, Script] = {}
    exec(f"def handler(event):\n{textwrap.indent(body, '    ')}", names)  # noqa: S102

    def script(event: Json) -> Answer:
        if event["type"] not in kinds:
            return web.Response(status=204)
        return names["handler"](event)  # type: ignore[return-value]

    return script


async def test_documents(server: Server) -> None:
    """The HTTP answer, the WebSocket message and the simple response are heard, though none of
    them names the call.
    """

    async def one(transport: str, document: str, words: str, handle: str) -> None:
        async with calling(server, only_at_start(document), transport, handle) as (caller, app):
            await caller.hear(words)
            await app.wait_for("assistant_speech_ended")

    await asyncio.gather(
        one("http", HTTP_ANSWER, "Hello!", "seed-http."),
        one("websocket", SOCKET_MESSAGE, "Hello!", "seed-socket."),
        one("http", SIMPLE, "Hello! How can I help you?", "seed-simple."),
        one("websocket", SIMPLE, "Hello! How can I help you?", "seed-simple-socket."),
    )


async def test_conditional(server: Server) -> None:
    """The conditional response understands, and hangs up on a goodbye."""
    async with calling(server, printed(CONDITIONAL, "user_speak"), "http", "seed-if.") as (
        caller,
        app,
    ):
        caller.say("some words")
        await caller.hear("I understand.")
        await app.wait_for("assistant_speech_ended")
        caller.say("goodbye")
        await asyncio.wait_for(caller.call.over.wait(), 15)


async def test_chaining(server: Server) -> None:
    """The chain ends by itself: sound, and all the more what is none, starts no other link."""
    script = printed(CHAINING, "user_speak", "assistant_speak")
    async with calling(server, script, "http", "seed-chain.") as (caller, app):
        caller.say("some words")
        await caller.hear("Please listen to this message.")
        await app.wait_for("assistant_speech_ended", 2)
        await asyncio.sleep(0.5)
    assert app.kinds().count("assistant_speak") == 1
    assert app.kinds().count("assistant_speech_ended") == 2
