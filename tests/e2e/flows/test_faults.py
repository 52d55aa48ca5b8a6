"""Live calls to apps that are slow, broken or away (R35)."""

from __future__ import annotations

import asyncio
import itertools
import time

from aiohttp import web

from tests.e2e.flows.house import calling, facts, flow_number
from tests.e2e.flows.test_actions import Scene, speak
from tests.e2e.robustness.caller import Caller, street, until
from tests.e2e.server import Server
from tests.flow_apps.app import Answer, Json
from tests.flow_apps.test_webhook import unused_url

GOODBYE = "we will call you back"


def longest_silence_s(caller: Caller, since: float) -> float:
    """The longest time from then on in which nothing was to be heard."""
    times = [since, *(at for at in caller.loud_at if at > since), time.perf_counter()]
    return max(later - sooner for sooner, later in itertools.pairwise(times))


async def test_nobody_there(server: Server) -> None:
    """A flow whose app cannot be reached says its goodbye and hangs up."""

    async def one(url: str, handle: str) -> None:
        number = await asyncio.to_thread(flow_number, server, url, fallback_text=GOODBYE)
        async with street(server.address, handle) as people:
            (caller,) = await people.ring(number)
            await asyncio.wait_for(caller.call.over.wait(), 25)
            assert GOODBYE in caller.said

    socket_url = unused_url().replace("http", "ws")
    await asyncio.gather(one(unused_url(), "nobody."), one(socket_url, "nobody-socket."))


async def test_failures(server: Server) -> None:
    """Three answers in a row that do not come end the app's part; errors that come as answers do
    not, and are told in the event stream.
    """
    answers = [web.Response(status=500), web.Response(text="OK"), web.Response(status=301)]

    async def slow_at_last(event: Json) -> Answer:
        if event["type"] == "user_speak" and answers:
            return answers.pop(0)
        if event["type"] in ("session_start", "session_end"):
            return None
        await asyncio.sleep(3)
        return None

    options = {"answer_within_ms": 500, "fallback_text": GOODBYE, "waiting": "nothing"}
    async with calling(server, slow_at_last, "http", "failing.", **options) as (caller, app):
        for count in (1, 2, 3):
            caller.say("are you there")
            await app.wait_for("user_speak", count)
            await asyncio.sleep(0.4)
        assert not caller.words
        for digit in "123":
            caller.call.press(digit)
            await asyncio.sleep(0.7)
        await asyncio.wait_for(caller.call.over.wait(), 15)
        assert GOODBYE in caller.said
    call_id = app.events[0][1]["session"]["id"]
    told = [fact["content"]["problems"][0] for fact in await facts(server, call_id, "flow_warning")]
    assert told[:3] == [
        "body: status 500; no action",
        "body: is not JSON",
        "body: status 301; no action",
    ]
    failures = await facts(server, call_id, "flow_failure")
    assert [fact["content"]["failure"] for fact in failures] == ["timed_out"] * 3


async def test_slow_thinker(server: Server) -> None:
    """While the app thinks, the caller hears that somebody is there; a late answer still counts."""

    async def thinker(event: Json) -> Answer:
        if event["type"] == "user_speak":
            await asyncio.sleep(5)
            return speak("here it is")
        return None

    async with calling(server, thinker, "http", "thinking.") as (caller, app):
        caller.say("think please")
        await app.wait_for("user_speak")
        asked = time.perf_counter()
        await caller.hear("here it is")
        assert longest_silence_s(caller, asked) <= 3
        await app.wait_for("assistant_speech_ended")


async def test_lost_and_back(server: Server) -> None:
    """A socket that drops in mid-call is made again behind a sound; what the caller says meanwhile
    reaches the app once, and the start of the call is not repeated.
    """
    scene = Scene(session_start=speak("welcome"), user_speak=speak("heard you"))
    async with calling(server, scene, "websocket", "dropping.") as (caller, app):
        await app.wait_for("assistant_speech_ended")
        app.refuses = True
        dropped = time.perf_counter()
        await app.sockets[-1].close()
        caller.say("while away")
        await asyncio.sleep(3.5)
        assert longest_silence_s(caller, dropped) <= 3
        app.refuses = False
        await caller.hear("heard you")
        assert [event["text"] for event in app.of("user_speak")] == ["while away"]
        assert len(app.of("session_start")) == 1
        await until(lambda: len(app.of("assistant_speech_ended")) == 2, 10)
    call_id = app.events[0][1]["session"]["id"]
    kinds = [fact["kind"] for fact in await facts(server, call_id)]
    assert kinds.count("flow_lost") == kinds.count("flow_back") == 1


async def test_another_call_is_left_alone(server: Server) -> None:
    """An app that names another live call of its own is refused, and told so in the event stream;
    frames that name no call, or one that never was, act on their own.
    """
    scene = Scene(session_start=None)
    async with (
        calling(server, scene, "websocket", "one.") as (one, first),
        calling(server, scene, "websocket", "two.") as (two, second),
    ):
        other = (await second.wait_for("session_start"))["session"]["id"]
        mine = (await first.wait_for("session_start"))["session"]["id"]
        await first.send(speak("not for you") | {"session_id": other})
        await first.send({"type": "speak", "text": "for nobody"}, speak("for a stranger"))
        await one.hear("for nobody for a stranger")
        assert not two.words
        await until(lambda: len(first.of("assistant_speech_ended")) == 2, 10)
    (refused, *taken) = [
        fact["content"]["problems"] for fact in await facts(server, mine, "flow_warning")
    ]
    assert refused == ["session_id: is that of another call; the action is refused"]
    assert len(taken) == 2
