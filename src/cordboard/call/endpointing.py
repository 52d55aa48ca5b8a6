"""Policy: when the caller's turn is over.

It combines voice activity, the transcriber's own end signal, whether the sentence sounds
finished, the speaker's own pauses, and what kind of answer was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from cordboard.call.answers import is_whole_answer, needs_patience
from cordboard.call.backchannel import plain, word_count
from cordboard.call.expectation import Expectation
from cordboard.call.plan import TurnPlan

FINAL_WORDS_WAIT_MS = 1_500
PAUSE_WAIT_MAX_MS = 2_000
PATIENT_WAIT_MS = 1_400

_DANGLING = frozenset(
    (
        "and", "but", "or", "um", "uh", "er", "to", "the", "a", "an", "my", "your", "our", "so",
        "because", "with",
        "at", "for", "of", "in", "on", "from", "if", "when", "which", "that", "is", "are",
        "und", "oder", "aber", "weil", "mit", "für", "der", "die", "das", "ein", "eine", "mein",
        "ähm", "äh", "zu", "am", "im",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waits:
    """Silence that ends a turn, in milliseconds, by how finished the words sound."""

    whole_answer_ms: int
    finished_ms: int
    unknown_ms: int
    unfinished_ms: int


WAITS: dict[str, Waits] = {
    "sensitive": Waits(200, 300, 400, 700),
    "auto": Waits(300, 500, 700, 1_000),
    "relaxed": Waits(400, 500, 1_000, 1_400),
}


@dataclass(frozen=True, slots=True)
class EndOfTurn:
    """When the turn ends unless the caller goes on, and why then."""

    wait_ms: int
    reason: str


class SpeakingRate:
    """How fast this caller speaks, as a coefficient of 150 words a minute that starts at
    ``conversation_speed``.
    """

    def __init__(self, conversation_speed: float) -> None:
        self._words_per_minute = 150.0 * min(4.0, max(0.25, conversation_speed))

    @property
    def coefficient(self) -> float:
        """1.0 is 150 words a minute; waits are divided by it."""
        return min(2.5, max(0.4, self._words_per_minute / 150.0))

    def heard(self, words: int, speech_ms: int) -> None:
        """Adapt to a final utterance of so many words, spoken in so long a time."""
        if words < 1 or speech_ms < 200:
            return
        rate = min(400.0, words * 60_000 / speech_ms)
        weight = min(1.0, 0.1 * (words + 3) / 8)
        self._words_per_minute += (rate - self._words_per_minute) * weight


class Endpointing:
    """The policy for one call; ``judge`` is a pure function of what is known, but for the caller's
    habits.
    """

    def __init__(self, plan: TurnPlan) -> None:
        self._waits = WAITS.get(plan.endpointing_sensitivity, WAITS["auto"])
        self.rate = SpeakingRate(plan.conversation_speed)
        self._pause_ms = 0.0
        self._punctuates = False
        self.fixed_ms: int | None = None
        """Silence that ends every turn, where the operator has set one."""

    def judge(self, text: str, expectation: Expectation, *, ends_turn: bool) -> EndOfTurn:
        """Return how long a silence ends the turn after these words."""
        if self.fixed_ms is not None:
            return EndOfTurn(self.fixed_ms, "fixed")
        if ends_turn:
            return EndOfTurn(0, "transcriber")
        if text.rstrip().endswith((".", "?", "!", "。", "？", "！")):
            self._punctuates = True
        if is_whole_answer(text, expectation):
            return EndOfTurn(self._scaled(self._waits.whole_answer_ms), "whole_answer")
        if needs_patience(expectation):
            return EndOfTurn(self._patient(PATIENT_WAIT_MS), "patient_answer")
        words = plain(text).split()
        if words and words[-1] in _DANGLING and not text.rstrip().endswith((".", "?", "!")):
            return EndOfTurn(self._patient(self._waits.unfinished_ms), "unfinished")
        if text.rstrip().endswith((".", "?", "!", "。", "？", "！")):
            return EndOfTurn(self._scaled(self._waits.finished_ms), "finished")
        if self._punctuates:
            return EndOfTurn(self._patient(self._waits.unfinished_ms), "unpunctuated")
        return EndOfTurn(self._patient(self._waits.unknown_ms), "silence")

    def turn_over(self, text: str, speech_ms: int) -> None:
        """Learn from a whole turn how fast the caller speaks."""
        self.rate.heard(word_count(text), speech_ms)

    def went_on_after(self, pause_ms: int) -> None:
        """Learn that the caller paused so long within a turn and then went on."""
        if 100 <= pause_ms <= PAUSE_WAIT_MAX_MS:
            self._pause_ms += (pause_ms - self._pause_ms) * 0.4

    def _scaled(self, wait_ms: int) -> int:
        return int(wait_ms / self.rate.coefficient)

    def _patient(self, wait_ms: int) -> int:
        return min(PAUSE_WAIT_MAX_MS, max(self._scaled(wait_ms), int(self._pause_ms * 1.2)))
