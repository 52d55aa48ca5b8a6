"""Handlers: what they take, what they may return, in which order they run."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import Any

import pytest

from cordboard.flowapp import (
    Answer,
    Event,
    FlowApp,
    FlowCall,
    Hangup,
    SessionEnd,
    SessionStart,
    Speak,
    UserSpeak,
)
from tests.flowapp.wire import SESSION, connected, post, told

ID = SESSION["id"]
SPOKEN = {"type": "speak", "session_id": ID, "text": "Hello."}


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ("Hello.", SPOKEN),
        (Speak(text="Hello."), SPOKEN),
        ({"type": "speak", "text": "Hello."}, SPOKEN),
        (["Hello.", Hangup()], [SPOKEN, {"type": "hangup", "session_id": ID}]),
        (("Hello.",), SPOKEN),
        (Hangup(session_id="other"), {"type": "hangup", "session_id": "other"}),
        (None, None),
        ([], None),
    ],
)
async def test_answers(answer: Answer, body: object) -> None:
    """Actions, texts, dictionaries and lists of them go out with the session's id; nothing is
    204.
    """
    app = FlowApp()
    app.on_session_start(lambda event: answer)
    assert await post(app, told("session_start")) == (204 if body is None else 200, body)


@pytest.mark.parametrize(
    "answer", [7, b"Hello.", {"text": "Hello."}, [None], ["Hello.", object()], {"type": 1}]
)
async def test_no_answer(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    """What is no action is a mistake of the app: 500, logged."""
    app = FlowApp()
    app.on_session_start(lambda event: answer)
    assert (await post(app, told("session_start")))[0] == 500
    assert "session_start" in caplog.text


async def test_handlers_may_be_of_any_kind() -> None:
    """Plain or coroutine functions and callable objects, with or without the call."""

    class Greeter:
        async def __call__(self, event: Event, call: FlowCall[Any]) -> str:
            return f"async {call.id}"

    def plain(event: Event) -> str:
        assert threading.current_thread() is not threading.main_thread(), "it may block"
        return "plain"

    async def coroutine(event: UserSpeak) -> str:
        return event.text

    app = FlowApp()
    app.on_session_start(Greeter())
    app.on_user_input_timeout(plain)
    app.on_user_speak(coroutine)
    texts = [
        (await post(app, event))[1]["text"]
        for event in (
            told("session_start"),
            told("user_input_timeout"),
            told("user_speak", text="hi"),
        )
    ]
    assert texts == [f"async {ID}", "plain", "hi"]


def test_one_handler_an_event() -> None:
    """A second handler of an event, or one that takes nothing, is refused when it is registered."""
    app = FlowApp()
    app.on_session_start(lambda event: None)
    with pytest.raises(ValueError, match="session_start"):
        app.on_session_start(lambda event: None)
    with pytest.raises(TypeError):
        app.on_user_speak(lambda: None)


async def test_every_event_has_a_decorator() -> None:
    """Each event of the protocol reaches the handler of its name."""
    fields: dict[str, dict[str, Any]] = {
        "user_speak": {"text": "yes"},
        "user_barge_in": {"text": "stop"},
        "assistant_speak": {"duration_ms": 1, "speech_started_at": 2},
        "dtmf_received": {"digit": "1"},
    }
    plain = ("session_start", "user_speech_started", "assistant_speech_ended", "user_input_timeout")
    app, seen = FlowApp(), []
    for kind in (*plain, *fields, "sms_failed", "session_end"):
        getattr(app, f"on_{kind}")(lambda event: seen.append(event.type))
        await post(app, told(kind, **fields.get(kind, {})))
        assert seen[-1] == kind


async def test_state() -> None:
    """Each call has a state of its own, from its first event to its end, and it is freed then."""
    app = FlowApp(state=list[str])

    @app.on_user_speak
    def heard(event: UserSpeak, call: FlowCall[list[str]]) -> str:
        call.state.append(event.text)
        return " ".join(call.state)

    assert (await post(app, told("user_speak", text="one")))[1]["text"] == "one"
    assert (await post(app, told("user_speak", "other", text="two")))[1]["text"] == "two"
    assert (await post(app, told("user_speak", text="three")))[1]["text"] == "one three"
    assert await post(app, told("session_end")) == (204, None)
    assert app.calls.get(ID) is None
    assert len(app.calls) == 1
    assert (await post(app, told("user_speak", text="new")))[1]["text"] == "new"


async def test_state_is_freed_by_a_failing_handler() -> None:
    """The state goes with the call, also where the last handler makes a mistake."""
    app = FlowApp()

    @app.on_session_end
    def over(event: SessionEnd) -> None:
        raise RuntimeError("over")

    await post(app, told("session_start"))
    assert (await post(app, told("session_end")))[0] == 500
    assert len(app.calls) == 0


async def test_lost_ends() -> None:
    """Where ends are lost, the calls that were heard of longest ago are let go of."""
    app = FlowApp()
    app.calls._most = 3
    for number in range(5):
        await post(app, told("session_start", str(number)))
        await post(app, told("user_input_timeout", "0"))
    assert len(app.calls) == 3
    assert app.calls.get("0") is not None
    assert app.calls.get("1") is None


async def test_the_call_comes_back() -> None:
    """A second ``session_start`` tells that a transfer failed; the state stands."""
    app = FlowApp()

    @app.on_session_start
    def begin(event: SessionStart, call: FlowCall[dict[str, Any]]) -> str:
        call.state["count"] = call.state.get("count", 0) + 1
        return f"{call.state['count']} {call.came_back}"

    texts = [(await post(app, told("session_start")))[1]["text"] for _ in range(2)]
    assert texts == ["1 False", "2 True"]


async def test_events_of_a_call_wait_for_one_another() -> None:
    """Of one call one handler runs at a time, in the events' order; others do not wait for it."""
    app, log = FlowApp(), []
    may_end = asyncio.Event()

    @app.on_user_speak
    async def heard(event: UserSpeak) -> str:
        log.append(f"begin {event.text}")
        if event.text == "slow":
            await may_end.wait()
        log.append(f"end {event.text}")
        return event.text

    async with connected(app) as wire:
        wire.tell("user_speak", text="slow")
        wire.tell("user_speak", text="next")
        wire.tell("user_speak", "other", text="free")
        assert (await wire.next())["text"] == "free"
        may_end.set()
        assert [(await wire.next())["text"] for _ in range(2)] == ["slow", "next"]
    assert log == ["begin slow", "begin free", "end free", "end slow", "begin next", "end next"]


def test_importing_it_imports_no_server() -> None:
    """An app needs neither the server's parts nor what they need."""
    code = (
        "import sys, cordboard.flowapp; "
        "print(sorted(name for name in sys.modules if name.startswith('cordboard.')"
        " and not name.startswith('cordboard.flowapp')), "
        "[name for name in ('numpy', 'fastapi', 'sqlalchemy', 'uvicorn') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[] []"
