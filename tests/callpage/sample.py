"""A sample call whose sound and facts agree, except where a test wants it otherwise."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import soundfile

from cordboard.ports import Fact

AT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
RATE_HZ = 8000
Span = tuple[int, int]

GREETING = (200, 2600)
QUESTION = (3300, 5200)
ANSWER = (6040, 9100)
TIME = (9600, 10900)
ON_IT = (11500, 12700)
DONE = (14300, 16800)
THANKS = (17200, 18100)
GOODBYE = (18600, 19400)


def speech(
    spans: Sequence[Span], duration_ms: int, seed: int
) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Return sound that swells and sinks like speech within ``spans`` and is silent elsewhere."""
    chance = np.random.default_rng(seed)
    samples = np.zeros(duration_ms * RATE_HZ // 1000)
    for start_ms, end_ms in spans:
        first, last = start_ms * RATE_HZ // 1000, end_ms * RATE_HZ // 1000
        clock = np.arange(last - first) / RATE_HZ
        swell = 0.45 + 0.4 * np.abs(np.sin(2 * np.pi * 2.3 * clock + chance.uniform(0, 3)))
        tone = np.sin(2 * np.pi * 170 * clock) + 0.6 * np.sin(2 * np.pi * 940 * clock)
        samples[first:last] = swell * (tone + 0.3 * chance.standard_normal(last - first)) * 5000
    return np.clip(samples, -32768, 32767).astype(np.int16)


def recording(late_ms: int = 0) -> bytes:
    """Return the sample's recording in mu-law; the agent's sound comes ``late_ms`` late."""
    agent = [(a + late_ms, b + late_ms) for a, b in (GREETING, ANSWER, ON_IT, DONE, GOODBYE)]
    left = speech([QUESTION, TIME, THANKS], 20_000, 1)
    right = speech(agent, 20_000, 2)
    output = io.BytesIO()
    soundfile.write(output, np.column_stack((left, right)), RATE_HZ, format="WAV", subtype="ULAW")
    return output.getvalue()


def call() -> dict[str, object]:
    """Return the sample's row."""
    return {
        "id": "6d7a1f3e-6f43-4f3a-9d3d-0b2f6c5c7f10",
        "status": "ended",
        "direction": "inbound",
        "carrier": "sip",
        "from_number": "12025550143",
        "to_number": "12025550101",
        "agent": {"id": "a", "name": "Meeting Assistant"},
        "started_at": AT,
        "ended_at": AT + timedelta(milliseconds=19_800),
        "stage": "picked_up",
        "stage_outcome": "bot_disconnected",
        "end_reason": "agent_ended",
        "telephony_id": "b1946ac92492d2347c6235b4d2611184@192.0.2.7",
    }


class Timeline:
    """Numbers facts."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def add(self, now_ms: int | None, name: str, /, **content: object) -> None:
        """Append a fact."""
        at = AT + timedelta(milliseconds=now_ms or 0)
        self.facts.append(Fact(len(self.facts) + 1, name, at, now_ms, content))

    def said(self, utterance_id: str, span: Span, text: str, *, heard: str | None = None) -> None:
        """Append an utterance of the agent from its text to its end."""
        whole = heard is None
        self.add(
            span[0] - 40, "utterance", utterance_id=utterance_id, utterance_kind="reply", text=text
        )
        self.add(span[0], "first_sound", utterance_id=utterance_id, after_ms=40)
        self.add(span[0], "playout_started", utterance_id=utterance_id, at_ms=span[0])
        self.add(
            span[1],
            "heard",
            utterance_id=utterance_id,
            at_ms=span[1],
            whole=whole,
            text=text if heard is None else heard,
        )

    def turn(self, turn_id: str, span: Span, text: str, waited_ms: int, reason: str) -> None:
        """Append a caller's turn from its first sound to the decision that it was over."""
        self.add(span[0] + 60, "speech_started", at_ms=span[0])
        self.add(span[1] - 300, "words", final=False, text=text.rsplit(" ", 1)[0])
        self.add(span[1] + 90, "speech_stopped", at_ms=span[1])
        self.add(span[1] + 140, "words", final=True, text=text)
        self.add(
            span[1] + waited_ms,
            "turn_ended",
            turn_id=turn_id,
            reason=reason,
            caller_stopped_at_ms=span[1],
            waited_ms=waited_ms,
            text=text,
        )


def booking(line: Timeline) -> None:
    """Add the action of the sample, sent and answered."""
    line.add(
        11500,
        "action_started",
        action_call_id="a1",
        function_name="meeting_assistant",
        arguments={"day": "2026-03-05", "time": "09:30am", "length_minutes": 30},
    )
    line.add(11510, "action_sent", action_call_id="a1")
    line.add(
        13_980,
        "action_finished",
        action_call_id="a1",
        function_name="meeting_assistant",
        success=True,
        outcome_class="success",
        status_code=200,
        result={"booked": True, "reference": "M-2041", "room": {"name": "Elm", "floor": 2}},
        agent_message="You are booked for nine thirty.",
    )


def facts() -> list[Fact]:
    """Return the sample's timeline."""
    line = Timeline()
    line.add(None, "leg_offered", leg_id="l1")
    line.add(0, "leg_answered", leg_id="l1")
    line.said("u1", GREETING, "Hello, this is the meeting desk. How can I help you?")
    line.turn(
        "t1", QUESTION, "I would like to book a meeting for tomorrow", 420, "sentence_complete"
    )
    line.add(QUESTION[1] + 421, "reply_started", reply_id="r1")
    line.add(QUESTION[1] + 640, "first_text", reply_id="r1", after_ms=219)
    line.said(
        "u2",
        ANSWER,
        "Gladly. At what time would you like to meet, and for how long should I book the room?",
        heard="Gladly. At what time would you like to meet,",
    )
    line.add(9640, "overlap", at_ms=9640)
    line.add(9700, "barge_in", at_ms=9700, reason="words")
    line.turn("t2", TIME, "Half past nine please", 300, "expected_answer")
    line.add(TIME[1] + 301, "reply_started", reply_id="r2")
    line.add(TIME[1] + 460, "first_text", reply_id="r2", after_ms=159)
    line.said("u3", ON_IT, "One moment, I am booking that for you.")
    booking(line)
    line.said("u4", DONE, "You are booked for nine thirty. Is there anything else?")
    line.turn("t3", THANKS, "No thank you goodbye", 260, "sentence_complete")
    line.said("u5", GOODBYE, "Goodbye.")
    line.add(
        19_420,
        "action_started",
        action_call_id="a2",
        function_name="end_conversation",
        arguments={},
    )
    line.add(19_430, "action_finished", action_call_id="a2", success=True, outcome_class="success")
    line.add(19_440, "ended", reason="agent_ended", detail="")
    return line.facts
