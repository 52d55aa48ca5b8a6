"""What a simulated app answers: actions of every kind, each speech with words of its own."""

from __future__ import annotations

from cordboard.call.barge_in import BargeInRule, BargeInStrategy
from cordboard.call.flow.actions import (
    FlowAction,
    FlowAudio,
    FlowBargeIn,
    FlowConfigureTranscription,
    FlowHangup,
    FlowMixAudio,
    FlowSendSms,
    FlowSpeak,
    FlowTransfer,
)
from cordboard.call.sound import Sound
from cordboard.ids import Randomness
from cordboard.media.tones import noise
from tests.simulation.vendors import sentence

TARGET = "11234567890"
Actions = tuple[FlowAction, ...]

# How often which kind of answer is given to which event, in percent; the rest is nothing.
_TABLE: dict[str, dict[str, int]] = {
    "session_start": {"speak": 60, "two": 10, "configure": 10, "audio": 6, "wild": 4, "leave": 2},
    "user_speak": {"speak": 60, "two": 6, "leave": 8, "audio": 4, "aside": 6, "wild": 4},
    "user_input_timeout": {"speak": 60, "leave": 15, "audio": 5},
    "dtmf_received": {"replace": 50, "speak": 10, "wild": 5},
    "assistant_speak": {"last": 8, "speak": 4, "wild": 3},
    "assistant_speech_ended": {"speak": 6, "audio": 3, "last": 5, "wild": 2},
    "sms_failed": {"speak": 50},
    "unasked": {"speak": 40, "replace": 15, "aside": 15, "two": 8, "wild": 10, "last": 3},
}


class FlowAnswers:
    """Draws answers. ``quiet`` mixes silence alone, which does not lie over the words heard."""

    def __init__(self, draw: Randomness, *, quiet: bool) -> None:
        self._draw = draw
        self._quiet = quiet
        self._count = 0

    def to(self, kind: str) -> Actions:
        """Return the answer to an event of this kind, often none."""
        left = self._draw.uniform(0, 100)
        for way, share in _TABLE.get(kind, {}).items():
            left -= share
            if left < 0:
                return self._of(way)
        return ()

    def unasked(self) -> Actions:
        """Return what the app does of its own accord."""
        return self.to("unasked")

    def _of(self, way: str) -> Actions:
        match way:
            case "two":
                return self._speak(), self._speak()
            case "configure":
                return self._configure(), self._speak()
            case "audio":
                return (self._audio(),)
            case "aside":
                return self._aside(), self._speak()
            case "replace":
                return FlowBargeIn(), self._speak()
            case "leave":
                return self._speak(), self._last()
            case "last":
                return (self._last(),)
            case "wild":
                return tuple(self._any() for _ in range(int(self._draw.uniform(1, 6))))
            case _:
                return (self._speak(),)

    def _any(self) -> FlowAction:
        makers = (
            self._speak, self._speak, self._audio, self._configure, self._aside, FlowBargeIn,
            self._last,
        )  # fmt: skip
        return makers[self._one_of(len(makers))]()

    def _one_of(self, count: int) -> int:
        return min(count - 1, int(self._draw.uniform(0, count)))

    def _perhaps(self, share: float, low: float, high: float) -> int | None:
        draw = self._draw
        return int(draw.uniform(low, high)) if draw.uniform(0, 1) < share else None

    def _rule(self) -> BargeInRule | None:
        draw = self._draw
        if draw.uniform(0, 1) < 0.5:
            return None
        strategies = list(BargeInStrategy)
        return BargeInRule(
            strategy=strategies[self._one_of(len(strategies))],
            minimum_characters=int(draw.uniform(1, 20)),
            allow_after_ms=self._perhaps(0.3, 0, 3_000) or 0,
        )

    def _speak(self) -> FlowSpeak:
        self._count += 1
        text = f"{sentence(self._draw, 6)} n{self._count}"
        return FlowSpeak(
            text=text,
            markup=f"<speak>{text}</speak>" if self._draw.uniform(0, 1) < 0.1 else None,
            rule=self._rule(),
            input_timeout_ms=self._perhaps(0.4, 500, 8_000),
            turn_silence_ms=self._perhaps(0.1, 150, 2_000),
        )

    def _audio(self) -> FlowAudio:
        return FlowAudio(
            sound=self._sound(),
            rule=self._rule(),
            input_timeout_ms=self._perhaps(0.2, 500, 8_000),
        )

    def _sound(self) -> Sound | None:
        way = self._draw.uniform(0, 1)
        if way < 0.2:
            return None
        rate_hz = (8_000, 16_000, 44_100)[self._one_of(3)]
        return Sound(noise(int(self._draw.uniform(0, 2_500)), rate_hz, -20.0), rate_hz)

    def _configure(self) -> FlowConfigureTranscription:
        return FlowConfigureTranscription(
            provider="nowhere" if self._draw.uniform(0, 1) < 0.2 else None,
            languages=("de-DE",) if self._draw.uniform(0, 1) < 0.5 else None,
            vocabulary=("lima", "mike") if self._draw.uniform(0, 1) < 0.5 else None,
            turn_silence_ms=self._perhaps(0.5, 150, 2_000),
        )

    def _aside(self) -> FlowAction:
        if self._draw.uniform(0, 1) < 0.5:
            return FlowSendSms("+4917000001", "Your code")
        if self._quiet:
            return FlowMixAudio(sound=Sound(bytes(8_000), 8_000))
        return FlowMixAudio(sound=self._sound(), volume=self._draw.uniform(0, 1))

    def _last(self) -> FlowAction:
        if self._draw.uniform(0, 1) < 0.5:
            return FlowHangup()
        return FlowTransfer(number=TARGET, timeout_s=self._perhaps(0.7, 5, 30))
