"""A call by text: the app is told and obeyed as on a call with sound."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence

import pytest

from cordboard.call.barge_in import BargeInRule, BargeInStrategy
from cordboard.call.flow.actions import (
    FlowAction,
    FlowAudio,
    FlowHangup,
    FlowMixAudio,
    FlowSendSms,
    FlowSpeak,
    FlowTransfer,
)
from cordboard.call.sound import Sound
from cordboard.clock import VirtualClock, run_virtual
from cordboard.rehearsal.rehearsal import Manners, Rehearsal
from tests.rehearsal.troupe import Decide, FunctionApp, new_call, rehearse

CYCLE = ["assistant_speak", "assistant_speech_ended"]
BOTH = pytest.mark.parametrize("answers_each", [True, False])


def _on(**answers: Sequence[FlowAction] | FlowAction) -> Decide:
    """An app that answers each kind of event in one way."""

    def decide(kind: str, content: Mapping[str, object]) -> Sequence[FlowAction]:
        answer = answers.get(kind, ())
        return answer if isinstance(answer, Sequence) else (answer,)

    return decide


GREETS = FlowSpeak(text="Which day suits you?", input_timeout_ms=8_000)


@BOTH
def test_a_call(answers_each: bool) -> None:
    """The events come in the protocol's order, and what the app says is heard."""
    decide = _on(session_start=GREETS, user_speak=[FlowSpeak(text="Goodbye."), FlowHangup()])
    lines, app, trouble = rehearse(decide, "? which day\nMonday\n", answers_each=answers_each)
    began = ["user_speech_started"] if not answers_each else []
    start = ["session_start", *CYCLE, *began, "user_speak"]
    assert app.told == [*start, *CYCLE, "session_end"]
    assert (trouble, app.closed) == (0, True)
    assert '... you hear {"text": "Which day suits you?"}' in lines
    assert '>>> says {"text": "Monday"}' in lines
    assert '--> user_speak {"text": "Monday", "barged_in": false}' in lines
    assert '<-- speak {"text": "Which day suits you?", "input_timeout_ms": 8000}' in lines
    assert lines[-1] == '... over {"reason": "agent_ended"}'


def test_the_caller_hangs_up() -> None:
    """``/hangup`` and the end of a script end the call."""
    for script in ("", "/hangup\n"):
        lines, app, trouble = rehearse(_on(session_start=GREETS), script)
        assert app.told == ["session_start", *CYCLE, "session_end"]
        assert lines[-1] == '... over {"reason": "caller_hung_up"}'
        assert trouble == 0


@BOTH
def test_silence(answers_each: bool) -> None:
    """``/timeout`` lets the silence pass that the app waits for; where it waits for none, that is
    trouble.
    """
    decide = _on(session_start=GREETS, user_input_timeout=FlowSpeak(text="Still there?"))
    lines, app, trouble = rehearse(decide, "/timeout\n", answers_each=answers_each)
    assert app.told == ["session_start", *CYCLE, "user_input_timeout", *CYCLE, "session_end"]
    assert any(line.startswith(">>> is silent") for line in lines)
    assert trouble == 0
    lines, _, trouble = rehearse(decide, "/timeout\n/timeout\n", answers_each=answers_each)
    assert "!!! the app waits for no silence" in lines
    assert trouble == 1


def test_keys() -> None:
    """Each key is an event of its own."""
    _, app, _ = rehearse(_on(dtmf_received=()), "/dtmf 12 #\n")
    assert app.told.count("dtmf_received") == 3


@pytest.mark.parametrize(
    ("script", "told", "reason"),
    [
        ("put me through\n", 1, "transferred"),
        ("put me through\n/answer\n", 1, "transferred"),
        ("put me through\n/busy\n", 2, "caller_hung_up"),
        ("put me through\nhello?\n", 2, "caller_hung_up"),
    ],
)
def test_transfers(script: str, told: int, reason: str) -> None:
    """The target answers or is busy, as the script says; one that goes on has the caller back."""
    said: list[object] = []

    def decide(kind: str, content: Mapping[str, object]) -> Sequence[FlowAction]:
        said.append(content.get("text"))
        through = kind == "user_speak" and content["text"] == "put me through"
        return [FlowTransfer(number="+12025550142", timeout_s=20)] if through else []

    lines, app, trouble = rehearse(decide, script)
    assert '... target rings {"number": "+12025550142"}' in lines
    assert app.told.count("session_start") == told
    assert lines[-1] == f'... over {{"reason": "{reason}"}}'
    assert ("hello?" in said) == ("hello?" in script)
    assert trouble == 0


def test_what_else_is_shown() -> None:
    """Sound, loops and text messages are told in words."""
    sound = Sound(bytes(16_000), 8_000)
    actions: list[FlowAction] = [
        FlowMixAudio(sound=sound),
        FlowAudio(sound=sound),
        FlowSendSms("+12025550142", "Hello"),
    ]
    lines, app, _ = rehearse(_on(session_start=actions), "")
    assert '<-- audio {"sound": "1000 ms"}' in lines
    assert '... you hear {"text": "[1000 ms of sound]"}' in lines
    assert '... looped sound {"on": true}' in lines
    assert '... text message {"to": "+12025550142", "text": "Hello"}' in lines
    assert "sms_failed" not in app.told
    assert "assistant_speak" not in app.told


def test_checks() -> None:
    """A check looks at what was said since the caller's last line."""
    decide = _on(session_start=FlowSpeak(text="Good morning."), user_speak=FlowSpeak(text="Yes."))
    lines, _, trouble = rehearse(decide, "? MORNING\nhi\n? yes\n? morning\n")
    assert '!!! not heard {"words": "morning"}' in lines
    assert trouble == 1


def test_a_call_that_is_over_before_its_script() -> None:
    """Last words are still looked at when the app hangs up; a line that nobody can say any more is
    trouble.
    """
    decide = _on(user_speak=[FlowSpeak(text="Goodbye."), FlowHangup()])
    assert rehearse(decide, "hi\n? goodbye\n/hangup\n")[2] == 0
    lines, _, trouble = rehearse(decide, "hi\n? see you\n? goodbye\nbut wait\nand then\n")
    assert '!!! not heard {"words": "see you"}' in lines
    assert lines[-1] == '!!! the call was over before {"text": "but wait"}'
    assert trouble == 2


@BOTH
def test_an_app_that_is_away(answers_each: bool) -> None:
    """An app that cannot be reached is trouble, and the call ends as a real one does."""

    def decide(kind: str, content: Mapping[str, object]) -> None:
        return None

    lines, _, trouble = rehearse(decide, "", answers_each=answers_each)
    assert any(line.startswith("!!! flow_failure") for line in lines)
    assert lines[-1] == '... over {"reason": "provider_failed"}'
    assert trouble


def test_a_silent_app_on_a_socket() -> None:
    """An app that lets the caller talk first is given its time, and then taken for silent."""
    _, app, trouble = rehearse(_on(), "hello\n", answers_each=False)
    assert app.told == ["session_start", "user_speech_started", "user_speak", "session_end"]
    assert trouble == 0


def _typing(decide: Decide, *lines: tuple[float, str | None]) -> tuple[list[str], FunctionApp]:
    """Type lines at their seconds; time passes as on a call."""
    shown: list[str] = []

    async def run() -> FunctionApp:
        app = FunctionApp(decide, answers_each=False)
        made = Rehearsal(new_call(answers_each=False), VirtualClock(), shown.append, Manners())
        for at_s, text in lines:
            asyncio.get_running_loop().call_later(at_s, made.typed, text)
        await made.run(app)
        return app

    app = run_virtual(run())
    return shown, app


def test_typed_while_the_app_speaks() -> None:
    """Typed words interrupt what is being said where its rule lets them."""
    long = "one two three four five six seven eight nine ten"
    for strategy, cut in ((BargeInStrategy.IMMEDIATE, True), (BargeInStrategy.NONE, False)):
        rule = BargeInRule(strategy=strategy)
        decide = _on(session_start=FlowSpeak(text=long, rule=rule))
        lines, app = _typing(decide, (2.0, "Stop it"), (30.0, None))
        (told,) = [line for line in lines if "--> user_speak " in line]
        assert json.loads(told.partition("user_speak ")[2]) == {"text": "Stop it", "barged_in": cut}
        assert any("cut off" in line for line in lines) == cut
        assert app.told.count("assistant_speech_ended") == 1


def test_time_stands_still_while_the_caller_thinks() -> None:
    """However long somebody takes to type, the app is told of no silence by itself."""
    lines, app = _typing(_on(session_start=GREETS), (600.0, "Monday"), (700.0, None))
    assert "user_input_timeout" not in app.told
    assert '"text": "Monday"' in "".join(lines)


def test_help_and_mistyping() -> None:
    """``/help`` shows what can be typed; what is no command is told, and nothing happens."""
    lines, _ = _typing(_on(), (15.0, "/help"), (16.0, "/nonsense"), (17.0, "/answer"), (18.0, None))
    assert any("/timeout" in line for line in lines)
    assert "/nonsense is no command; /help tells them" in lines
    assert any("nobody is being rung" in line for line in lines)
