"""Apps that are connected to for the length of a call, with a real server at the other end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from cordboard.call.events import AppAnswered, AppBack, AppGone, AppLost, AppWarned
from cordboard.call.flow.actions import FlowAudio, FlowHangup
from cordboard.clock import SystemClock
from cordboard.flow_apps.web_socket import Patience, SocketLine
from tests.e2e.robustness.caller import until
from tests.flow_apps.app import TOKEN, App, Script, serving
from tests.flow_apps.documents import text, tone, wav
from tests.flow_apps.lines import CALL_ID, Noted, address, gate
from tests.flow_apps.test_webhook import unused_url

QUICK = Patience(back_off_s=(0.05, 0.1), back_within_ms=400)
HANGUP = {"type": "hangup", "session_id": CALL_ID}


@asynccontextmanager
async def line_to(script: Script) -> AsyncIterator[tuple[SocketLine, App, Noted]]:
    """Run an app and a line to it; the line is closed and run to its end."""
    async with serving(script, "websocket") as app, gate() as egress:
        noted = Noted()
        line = SocketLine(address(egress, app.url, noted, answers_each=False), SystemClock(), QUICK)
        async with asyncio.TaskGroup() as group:
            group.create_task(line.run())
            yield line, app, noted
            line.close()


def tell(line: SocketLine, kind: str) -> None:
    """Tell an event."""
    content = {"text": "Hi"} if kind == "user_speak" else {}
    line.tell(kind, kind, content, answerable=True)


async def test_events_and_actions() -> None:
    """The token is shown on the upgrade, events come in order, actions at any time; at the end the
    connection is closed in order.
    """
    async with line_to(lambda _: None) as (line, app, noted):
        tell(line, "session_start")
        tell(line, "user_speech_started")
        await app.wait_for("user_speech_started")
        await app.send(HANGUP, [HANGUP, HANGUP], "[]", {"type": "connected"})
        await noted.wait_for(AppWarned)
        tell(line, "session_end")
    assert app.kinds() == ["session_start", "user_speech_started", "session_end"]
    assert [len(each.actions) for each in noted.of(AppAnswered)] == [1, 2]
    assert {each.event_id for each in noted.of(AppAnswered)} == {None}
    (request,) = app.requests
    assert request.headers["X-API-TOKEN"] == TOKEN
    assert "Sec-WebSocket-Protocol" not in request.headers
    assert app.sockets[0].close_code == 1000
    assert not noted.of(AppLost)


async def test_lost_and_back() -> None:
    """A lost connection is made again: what was written is not repeated, what was not is sent."""
    async with line_to(lambda _: None) as (line, app, noted):
        tell(line, "session_start")
        await app.wait_for("session_start")
        await app.sockets[0].close()
        await noted.wait_for(AppLost)
        tell(line, "user_speak")
        await noted.wait_for(AppBack)
        await app.wait_for("user_speak")
        await app.send(HANGUP)
        await noted.wait_for(AppAnswered)
        tell(line, "session_end")
    assert app.kinds() == ["session_start", "user_speak", "session_end"]
    assert len(app.requests) == 2


async def test_never_there() -> None:
    """An app that cannot be reached while it rings is given up soon."""
    async with gate() as egress:
        noted = Noted()
        url = unused_url().replace("http", "ws")
        line = SocketLine(address(egress, url, noted, answers_each=False), SystemClock(), QUICK)
        tell(line, "session_start")
        await line.run()
        tell(line, "session_end")
    assert noted.of(AppGone) == [AppGone("unreachable")]
    assert len(noted.of(AppWarned)) == QUICK.first_tries


async def test_away_for_good() -> None:
    """An app that does not come back is given up after its time."""
    async with gate() as egress:
        noted = Noted()
        async with serving(lambda _: None, "websocket") as app:
            where = address(egress, app.url, noted, answers_each=False)
            line = SocketLine(where, SystemClock(), QUICK)
            async with asyncio.TaskGroup() as group:
                running = group.create_task(line.run())
                tell(line, "session_start")
                await app.wait_for("session_start")
                await app.sockets[0].close()
                app.refuses = True
                await running
    assert len(noted.of(AppLost)) == 1
    assert [type(event) for event in noted.events][-1] is AppGone


async def test_refused_and_redirected() -> None:
    """A status in place of an upgrade is told; a redirect is not followed, and gets no token."""
    followed = []

    async def elsewhere(request: web.Request) -> web.Response:
        followed.append(request)
        return web.Response()

    async def away(request: web.Request) -> web.Response:
        raise web.HTTPFound("/elsewhere") if request.path == "/away" else web.HTTPUnauthorized

    router = web.Application()
    router.router.add_get("/elsewhere", elsewhere)
    router.router.add_get("/{any}", away)
    runner = web.AppRunner(router)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"ws://127.0.0.1:{runner.addresses[0][1]}"
    for path, word in (("/away", "redirect"), ("/no", "status 401")):
        async with gate() as egress:
            noted = Noted()
            where = address(egress, base + path, noted, answers_each=False)
            line = SocketLine(where, SystemClock(), QUICK)
            await line.run()
        assert all(word in each.problems[0] for each in noted.of(AppWarned))
        assert noted.of(AppGone) == [AppGone("bad_answer")]
    await runner.cleanup()
    assert followed == []


async def test_long_sound_and_flood() -> None:
    """Minutes of sound come through; a flood is read, however long it takes."""
    sound = {"type": "audio", "session_id": CALL_ID, "audio": text(wav(tone(60_000)))}
    async with line_to(lambda _: None) as (line, app, noted):
        tell(line, "session_start")
        await app.wait_for("session_start")
        await app.send(sound)
        (action,) = (await noted.wait_for(AppAnswered)).actions
        assert isinstance(action, FlowAudio)
        await app.send(*["x"] * 150, HANGUP)
        await until(lambda: len(noted.of(AppAnswered)) == 2, 10)
        tell(line, "session_end")
    assert noted.of(AppAnswered)[-1].actions == (FlowHangup(),)
    assert len(noted.of(AppWarned)) == 150
