"""Apps that take events by HTTP, with a real server at the other end."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from cordboard.call.events import AppAnswered, AppFailed, AppWarned
from cordboard.call.flow.actions import FlowAudio, FlowHangup
from cordboard.flow_apps.address import EVENTS_MAX
from cordboard.flow_apps.webhook import WebhookLine
from tests.flow_apps.app import TOKEN, App, Json, Script, serving
from tests.flow_apps.documents import text, tone, wav
from tests.flow_apps.lines import Noted, address, gate

HANGUP = {"type": "hangup", "session_id": "x"}


def unused_url() -> str:
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/app"


@asynccontextmanager
async def line_to(script: Script, **plan: Any) -> AsyncIterator[tuple[WebhookLine, App, Noted]]:
    """Run an app and a line to it; the line is closed and run to its end."""
    async with serving(script, "http") as app, gate() as egress:
        noted = Noted()
        line = WebhookLine(address(egress, app.url, noted, **plan))
        async with asyncio.TaskGroup() as group:
            group.create_task(line.run())
            yield line, app, noted
            line.close()


def tell(line: WebhookLine, *kinds: str) -> None:
    """Tell events; each has its place as its id."""
    contents: dict[str, Json] = {
        "user_speak": {"text": "Hi"},
        "dtmf_received": {"digit": "1"},
        "assistant_speak": {"text": "a", "duration_ms": 5, "speech_started_at": 6},
    }
    for place, kind in enumerate(kinds):
        answerable = kind != "session_end"
        line.tell(f"{place}-{kind}", kind, contents.get(kind, {}), answerable=answerable)


async def test_order_and_headers() -> None:
    """Every event comes once, in order, with the token and a length, over few connections; what is
    for sockets only does not come.
    """
    kinds = ["session_start", "assistant_speak", "user_speak", "dtmf_received", "session_end"]
    peers = set()

    def script(_event: Json) -> None:
        peers.add(app.requests[-1].transport.get_extra_info("peername"))  # type: ignore[union-attr]

    async with line_to(script) as (line, app, noted):
        for kind in kinds[:2]:
            tell(line, kind)
            await noted.wait_for(AppAnswered, kinds.index(kind) + 1)
        assert len(peers) == 1
        tell(line, "user_speech_started", *kinds[2:])
    assert app.kinds() == kinds
    assert [event.nothing_to_do for event in noted.of(AppAnswered)] == [True] * 4
    for request in app.requests:
        assert request.headers["X-API-TOKEN"] == TOKEN
        assert request.headers["Content-Type"] == "application/json"
        assert "Transfer-Encoding" not in request.headers


async def test_lesser_events_wait() -> None:
    """Of lesser events one at a time is open; what the caller says waits for none, and takes along
    what was told before it.
    """
    go_on = asyncio.Event()

    async def slow(event: Json) -> None:
        if event["type"] != "user_speak":
            await go_on.wait()

    async with line_to(slow) as (line, app, noted):
        tell(line, "assistant_speak", "assistant_speech_ended")
        await app.wait_for("assistant_speak")
        await asyncio.sleep(0.1)
        assert app.kinds() == ["assistant_speak"]
        tell(line, "user_speak")
        await app.wait_for("user_speak")
        assert app.kinds() == ["assistant_speak", "assistant_speech_ended", "user_speak"]
        await noted.wait_for(AppAnswered)
        go_on.set()
    assert len(noted.of(AppAnswered)) == 3


@pytest.mark.parametrize(
    ("answer", "actions", "warnings"),
    [
        (HANGUP, 1, 1),
        ([], 0, 0),
        ("", 0, 0),
        ("OK", 0, 1),
        ({"success": True}, 0, 1),
        (web.Response(status=201, text=json.dumps([HANGUP, HANGUP])), 2, 2),
        (web.Response(status=500, text=json.dumps(HANGUP)), 0, 1),
        (web.Response(status=401), 0, 1),
        (web.Response(status=302, headers={"Location": "/app"}), 0, 1),
        (web.Response(body=b" " * (2**24 + 1)), 0, 1),
    ],
)
async def test_answers(answer: Any, actions: int, warnings: int) -> None:
    """Any answer is an answer: what it asks for is done, what is wrong with it is told."""
    async with line_to(lambda _: answer) as (line, app, noted):
        tell(line, "user_speak")
        answered = await noted.wait_for(AppAnswered)
    assert len(answered.actions) == actions
    assert sum(len(warned.problems) for warned in noted.of(AppWarned)) == warnings
    assert (answered.event_id, answered.nothing_to_do) == ("0-user_speak", False)
    assert len(app.events) == 1
    assert not noted.of(AppFailed)


async def test_long_sound() -> None:
    """Minutes of sound in an answer are taken."""
    sound = {"type": "audio", "session_id": "x", "audio": text(wav(tone(300_000)))}
    async with line_to(lambda _: sound) as (line, _app, noted):
        tell(line, "user_speak")
        answered = await noted.wait_for(AppAnswered)
    (action,) = answered.actions
    assert isinstance(action, FlowAudio)
    assert action.sound is not None
    assert action.sound.duration_ms == 300_000


async def test_timeout() -> None:
    """An answer that does not come in time is a failure; one that comes later is not read."""

    async def slow(_event: Json) -> Json:
        await asyncio.sleep(0.5)
        return HANGUP

    async with line_to(slow, answer_within_ms=200) as (line, _app, noted):
        tell(line, "user_speak")
        failed = await noted.wait_for(AppFailed)
        await asyncio.sleep(0.5)
    assert (failed.event_id, failed.failure) == ("0-user_speak", "timed_out")
    assert not noted.of(AppAnswered)


async def test_nobody_there() -> None:
    """Where nobody listens the event has failed; the first one is tried twice, no other is."""
    async with gate() as egress:
        noted = Noted()
        line = WebhookLine(address(egress, unused_url(), noted))
        tell(line, "session_start", "user_speak", "session_end")
        line.close()
        await line.run()
    assert {(each.event_id, each.failure) for each in noted.of(AppFailed)} == {
        ("0-session_start", "unreachable"),
        ("1-user_speak", "unreachable"),
    }


async def test_first_event_again() -> None:
    """An app that comes up a moment late still gets the first event, once."""
    async with serving(lambda _: HANGUP, "http") as there, gate() as egress:
        noted, url = Noted(), unused_url()
        port = int(url.rpartition(":")[2].partition("/")[0])
        line = WebhookLine(address(egress, url, noted))
        tell(line, "session_start")
        line.close()
        router = web.Application()
        router.router.add_post("/app", there.post)
        runner = web.AppRunner(router)
        await runner.setup()

        async def late() -> None:
            await asyncio.sleep(0.1)
            await web.TCPSite(runner, "127.0.0.1", port).start()

        async with asyncio.TaskGroup() as group:
            group.create_task(late())
            await line.run()
        await runner.cleanup()
    assert there.kinds() == ["session_start"]
    assert noted.of(AppAnswered)[0].actions == (FlowHangup(),)


async def test_refused_by_the_gate() -> None:
    """An address that the gate does not let through is never reached."""
    async with serving(lambda _: HANGUP, "http") as app, gate(closed=True) as egress:
        noted = Noted()
        line = WebhookLine(address(egress, app.url, noted))
        tell(line, "session_start")
        line.close()
        await line.run()
    assert (app.events, noted.of(AppFailed)[0].failure) == ([], "ssrf_blocked")


async def test_bounded() -> None:
    """Events that nobody takes do not pile up; the last one is always sent."""
    go_on = asyncio.Event()

    async def hanging(event: Json) -> None:
        if event["type"] == "dtmf_received":
            await go_on.wait()

    async with line_to(hanging) as (line, app, noted):
        tell(line, "dtmf_received")
        await app.wait_for("dtmf_received")
        tell(line, *["dtmf_received"] * (EVENTS_MAX + 3), "session_end")
        assert [each.failure for each in noted.of(AppFailed)] == ["too_many_events"] * 3
        await app.wait_for("session_end")
        go_on.set()
    assert app.kinds()[-1] == "session_end"
