"""Every action in a live SIP call, by ear at the caller's side and on the wire at the app's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from cordboard.media.tone_code import encode
from tests.e2e.flows.house import TRANSPORTS, calling, facts, lead_out
from tests.e2e.robustness.caller import Caller, until
from tests.e2e.server import Server
from tests.e2e.transfer.wire_callee import WireCallee, wire_callee
from tests.flow_apps.app import Answer, App, Json
from tests.flow_apps.documents import text, tone, wav

LONG = "one two three four five six seven eight nine ten"


def speak(words: str, **fields: Any) -> Json:
    """An action that says something."""
    return {"type": "speak", "session_id": "", "text": words, **fields}


def audio(document: bytes | str, **fields: Any) -> Json:
    """An action that plays a file, or what should be one."""
    body = document if isinstance(document, str) else text(document)
    return {"type": "audio", "session_id": "", "audio": body, **fields}


def spoken_file(words: str, rate_hz: int = 16_000) -> bytes:
    """A WAV file of words in tone code."""
    return wav(encode(words, rate_hz)[0], rate_hz)


class Scene:
    """Answers each event by its type and, where given, its words; counts down repeated ones."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers

    def __call__(self, event: Json) -> Answer:
        """Return what is to be answered, with the call's id in it."""
        answer = self._answers.get(event["type"])
        if isinstance(answer, list) and answer and isinstance(answer[0], list):
            answer = answer.pop(0)
        return _owned(answer, event["session"]["id"])


def _owned(answer: Any, session_id: str) -> Answer:
    if isinstance(answer, dict):
        return {**answer, "session_id": session_id} if "session_id" in answer else answer
    if isinstance(answer, list):
        return [_owned(item, session_id) for item in answer]  # type: ignore[misc]
    return None if answer is None else str(answer)


Play = Callable[[Caller, App], Awaitable[None]]


async def on_both(
    server: Server, handle: str, scene: Callable[[], Scene], play: Play, **fields: Any
) -> list[App]:
    """Play a scene over both transports at the same time."""

    async def one(transport: str) -> App:
        prefix = f"{handle}-{transport}."
        async with calling(server, scene(), transport, prefix, **fields) as (caller, app):
            await play(caller, app)
        return app

    return await asyncio.gather(*(one(transport) for transport in TRANSPORTS))


def loudness(caller: Caller) -> int:
    """The root mean square of the last half second."""
    samples = np.frombuffer(caller.recent(), "<i2").astype(float)
    return int(np.sqrt(np.mean(samples**2)))


async def warnings(server: Server, app: App) -> str:
    """Everything that the flow's event stream holds of what was wrong."""
    kept = await facts(server, app.events[0][1]["session"]["id"], "flow_warning")
    return " | ".join(line for fact in kept for line in fact["content"]["problems"])


async def test_sound_is_played(server: Server) -> None:
    """A file is heard word for word between two speeches; it ends with one event and starts with
    none.
    """

    def scene() -> Scene:
        file = spoken_file("from a file")
        return Scene(session_start=[speak("before"), audio(file), speak("after")])

    async def play(caller: Caller, app: App) -> None:
        await caller.hear("before from a file after")
        await app.wait_for("assistant_speech_ended", 3)

    for app in await on_both(server, "audio", scene, play):
        assert len(app.of("assistant_speak")) == 2
        assert len(app.of("assistant_speech_ended")) == 3


async def test_what_is_no_sound(server: Server) -> None:
    """Documents of every wrong kind are reported, end once each, and the call goes on."""
    broken = [
        *("", "!!", text(b"ID3" + bytes(50)), text(tone(50)), text(wav(b""))),
        *(text(spoken_file("cut")[:60]), text(spoken_file("eight", 8_000))),
    ]

    def scene() -> Scene:
        return Scene(session_start=[*(audio(body) for body in broken), speak("still here")])

    async def play(caller: Caller, app: App) -> None:
        await caller.hear("eight still here")
        await app.wait_for("assistant_speech_ended", len(broken) + 1)

    for app in await on_both(server, "broken", scene, play):
        assert len(app.of("assistant_speech_ended")) == len(broken) + 1
        told = await warnings(server, app)
        for word in (
            "is empty",
            "not base64",
            "MP3",
            "raw samples",
            "without samples",
            "cut short",
        ):
            assert word in told, word


async def test_barge_in(server: Server) -> None:
    """The caller cuts a speech off and is told to have done so; the app cuts one off by action;
    what may not be cut off is heard to its end.
    """

    def scene() -> Scene:
        whole = speak(LONG, barge_in={"strategy": "none"})
        return Scene(
            session_start=[speak(LONG + " eleven", barge_in={"strategy": "immediate"})],
            user_speak=[[whole], [{"type": "barge_in", "session_id": ""}, speak("instead")]],
            dtmf_received=[{"type": "barge_in", "session_id": ""}, speak("by key")],
        )

    async def play(caller: Caller, app: App) -> None:
        await caller.hear("two")
        caller.say("stop that please")
        first = await app.wait_for("user_speak")
        assert first["barged_in"] is True
        assert "eleven" not in caller.said
        await caller.hear("one two three", 20)
        caller.say("hello")
        await caller.hear("instead")
        assert (await app.wait_for("user_speak", 2))["barged_in"] is False
        caller.call.press("5")
        await caller.hear("by key")
        assert app.of("dtmf_received")[0]["digit"] == "5"

    for app in await on_both(server, "barge", scene, play):
        kinds = [kind for kind in app.kinds() if kind != "user_speech_started"]
        cut = kinds.index("user_speak")
        assert kinds[cut - 1] == "assistant_speech_ended"


async def test_silence_is_told(server: Server) -> None:
    """A speech that asks for it has the caller's silence told, once, so long after its end."""

    def scene() -> Scene:
        return Scene(
            session_start=speak("anybody", user_input_timeout_seconds=1.5),
            user_input_timeout=speak("nobody"),
        )

    async def play(caller: Caller, app: App) -> None:
        await caller.hear("nobody")
        await app.wait_for("assistant_speech_ended", 2)

    for app in await on_both(server, "silence", scene, play):
        times = {event["type"]: at for at, event in reversed(app.events)}
        waited = times["user_input_timeout"] - times["assistant_speech_ended"]
        assert 1.2 < waited < 3
        assert len(app.of("user_input_timeout")) == 1


async def test_loop_under_everything(server: Server) -> None:
    """A loop sounds in the pauses until it is stopped, and words are understood over it."""
    hum = text(wav(tone(1_000, freq_hz=60)))

    def scene() -> Scene:
        mix = {"type": "mix_audio", "session_id": "", "audio": hum, "volume": 0.3}
        return Scene(
            session_start=[mix, speak("over it")],
            user_speak=[{"type": "mix_audio", "session_id": "", "stop": True}, speak("quiet")],
        )

    async def play(caller: Caller, app: App) -> None:
        await app.wait_for("assistant_speech_ended")
        await asyncio.sleep(0.7)
        assert loudness(caller) > 300
        caller.say("enough")
        await app.wait_for("assistant_speech_ended", 2)
        await asyncio.sleep(0.8)
        assert loudness(caller) < 50

    await on_both(server, "loop", scene, play, waiting="nothing")


async def test_listening_changes(server: Server) -> None:
    """Listening in another way leaves the call up and the caller understood; a provider that is
    not there is told.
    """

    def scene() -> Scene:
        change = {
            "type": "configure_transcription",
            "session_id": "",
            "provider": "AZURE",
            "languages": ["de-DE"],
            "custom_vocabulary": ["Kreuzkamp"],
            "vad": {"end_of_turn_silence_ms": 400},
        }
        return Scene(session_start=[change, speak("listening")], user_speak=speak("understood"))

    async def play(caller: Caller, app: App) -> None:
        await app.wait_for("assistant_speech_ended")
        caller.say("guten tag")
        assert (await app.wait_for("user_speak"))["text"] == "guten tag"
        await caller.hear("understood")

    for app in await on_both(server, "listen", scene, play):
        call_id = app.events[0][1]["session"]["id"]
        kept = await facts(server, call_id, "warning")
        assert "transcriber_not_configured" in str(kept)


async def test_text_messages(server: Server) -> None:
    """Where no way to send one is connected a text message fails, and the app learns it."""

    def scene() -> Scene:
        sms = {"type": "send_sms", "session_id": "", "phone_number": "+12025550111", "message": "a"}
        return Scene(session_start=sms, sms_failed=speak("not sent"))

    async def play(caller: Caller, app: App) -> None:
        await caller.hear("not sent")
        assert app.of("sms_failed")[0]["phone_number"].lstrip("+") == "12025550111"

    await on_both(server, "sms", scene, play)


async def test_spoken_before_the_end(server: Server) -> None:
    """What is asked for after a speech, in the same answer or over HTTP on its start, waits for
    it; the whole sentence is heard.
    """
    hangup = {"type": "hangup", "session_id": ""}
    scenes: list[tuple[str, Scene]] = [
        ("http", Scene(session_start=speak(LONG), assistant_speak=hangup)),
        ("http", Scene(session_start=[speak(LONG), hangup])),
        ("websocket", Scene(session_start=[speak(LONG), hangup])),
    ]

    async def one(place: int, transport: str, scene: Scene) -> None:
        async with calling(server, scene, transport, f"end{place}.") as (caller, _):
            await asyncio.wait_for(caller.call.over.wait(), 20)
            assert LONG in caller.said

    await asyncio.gather(*(one(place, *each) for place, each in enumerate(scenes)))


async def test_at_the_end(server: Server) -> None:
    """A flow may be told of its speeches when they have ended, so that hanging up cuts nothing."""
    scene = Scene(session_start=speak(LONG), assistant_speak={"type": "hangup", "session_id": ""})
    options = {"assistant_speak_at": "end"}
    async with calling(server, scene, "websocket", "at-end.", **options) as (caller, _):
        await asyncio.wait_for(caller.call.over.wait(), 20)
        assert LONG in caller.said


@pytest.fixture
async def callee(server: Server) -> Any:
    """Somebody whom calls out lead to."""
    async with wire_callee() as far:
        await asyncio.to_thread(lead_out, server, far.port)
        yield far
        await asyncio.to_thread(lead_out, server, None)


async def test_there_and_back(server: Server, callee: WireCallee) -> None:
    """A transfer that fails brings the caller back with a second start of the same call; one that
    is answered connects, and the app hears no more but the end.
    """

    def scene() -> Scene:
        transfer = {
            "type": "transfer",
            "session_id": "",
            "target_phone_number": "12025550177",
            "caller_id_name": "Desk",
            "caller_id_number": "",
            "timeout": 10,
        }
        return Scene(
            session_start=[[speak("one moment"), transfer], [speak("nobody there")]],
            user_speak=[transfer],
        )

    async def play(caller: Caller, app: App) -> None:
        await caller.hear("nobody there", 20)
        assert len({event["session"]["id"] for event in app.of("session_start")}) == 1

    callee.busy = True
    await on_both(server, "back", scene, play)
    callee.busy = False
    async with calling(server, scene(), "websocket", "through.") as (caller, app):
        await until(lambda: callee.acknowledged is not None, 15)
        heard = len(callee.ear.heard)
        await until(lambda: len(callee.ear.heard) > heard + 20, 5)
        before = len(app.events)
        caller.say("hello you")
        await asyncio.sleep(1)
        assert len(app.events) == before
    assert app.kinds().count("session_start") == 1
    await asyncio.wait_for(callee.over.wait(), 5)
