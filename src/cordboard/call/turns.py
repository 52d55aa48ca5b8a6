"""The caller's words on their way to becoming a turn."""

from __future__ import annotations

from dataclasses import dataclass

from cordboard.call.endpointing import FINAL_WORDS_WAIT_MS, Endpointing
from cordboard.call.events import WordsHeard
from cordboard.call.expectation import Expectation

NOISY_TURN_MS = 1_000
"""Where voice activity goes on after the transcriber says that the turn is over: a noisy line."""

NOISY_WORDS_MS = 10_000
"""Voice activity of this length without new words does not keep a turn open."""


WORDS_SPEECH_MS = 700
"""Speech of this length should have had words in it."""


@dataclass(frozen=True, slots=True)
class CallerTurn:
    """One turn of the caller.

    ``stopped_ms`` is when the caller's sound ended on the core's clock, ``waited_ms`` the
    silence after it that ended the turn, ``reason`` why it did. ``kept`` tells that it had
    to wait for the agent to finish.
    """

    text: str
    reason: str
    stopped_ms: int
    waited_ms: int
    digits: bool = False
    kept: bool = False


class CallerWords:
    """Collects words and voice activity until the policy says that the turn is over. All times are
    ``now_ms``.
    """

    def __init__(self, endpointing: Endpointing) -> None:
        self._endpointing = endpointing
        self._finals: list[str] = []
        self._partial = ""
        self._ends_turn = False
        self._started_ms: int | None = None
        self._stopped_ms: int | None = None
        self._words_ms = 0
        self._last_started_ms = 0
        self.speaking = False

    @property
    def text(self) -> str:
        """All words since the last turn, partial ones last."""
        return " ".join(part for part in (*self._finals, self._partial) if part)

    @property
    def is_final(self) -> bool:
        """Whether no words are still on their way: voice activity has ended and the last words are
        final.
        """
        return not self.speaking and not self._partial

    @property
    def wordless_since_ms(self) -> int | None:
        """When speech ended that was long enough for words and brought none; None otherwise."""
        if self.speaking or self.text or self._started_ms is None or self._stopped_ms is None:
            return None
        return self._stopped_ms if self._stopped_ms - self._started_ms >= WORDS_SPEECH_MS else None

    def speech_started(self, now_ms: int) -> None:
        """Note that voice activity began."""
        if self._stopped_ms is not None and self._finals:
            self._endpointing.went_on_after(now_ms - self._stopped_ms)
        if self._is_forgotten(now_ms):
            self._started_ms = None
        self.speaking = True
        self._ends_turn = False
        self._last_started_ms = now_ms
        if self._started_ms is None:
            self._started_ms = now_ms

    def speech_stopped(self, stopped_ms: int) -> None:
        """Note that voice activity ended, at ``stopped_ms``."""
        self.speaking = False
        self._stopped_ms = stopped_ms

    def heard(self, words: WordsHeard, now_ms: int) -> None:
        """Take words from the transcriber."""
        text = words.text.strip()
        if words.final:
            self._partial = ""
            if text:
                self._finals.append(text)
        else:
            self._partial = text
        self._words_ms = now_ms
        self._ends_turn = words.ends_turn and words.final
        if text and self._stopped_ms is None and not self.speaking:
            self._stopped_ms = now_ms

    def end_at_ms(self, expectation: Expectation) -> tuple[int, str] | None:
        """Return when the turn ends unless something comes, and the reason; None while it cannot
        end.
        """
        if not self.text:
            return None
        if self.speaking:
            since_ms = max(self._words_ms, self._last_started_ms)
            if self._ends_turn and not self._partial:
                return since_ms + NOISY_TURN_MS, "transcriber"
            return since_ms + NOISY_WORDS_MS, "noise"
        stopped_ms = self._words_ms if self._stopped_ms is None else self._stopped_ms
        if self._partial:
            return max(stopped_ms, self._words_ms) + FINAL_WORDS_WAIT_MS, "no_final_words"
        end = self._endpointing.judge(self.text, expectation, ends_turn=self._ends_turn)
        return stopped_ms + end.wait_ms, end.reason

    def _is_forgotten(self, now_ms: int) -> bool:
        """Tell whether the sound so far brought no words and will bring none: a cough a while
        ago.
        """
        if self.text or self._stopped_ms is None:
            return False
        return now_ms - self._stopped_ms > FINAL_WORDS_WAIT_MS

    def take(self, now_ms: int, reason: str) -> CallerTurn:
        """Close the turn and begin the next one."""
        stopped_ms = now_ms if self._stopped_ms is None else self._stopped_ms
        turn = CallerTurn(self.text, reason, stopped_ms, max(0, now_ms - stopped_ms))
        if self._started_ms is not None:
            self._endpointing.turn_over(turn.text, stopped_ms - self._started_ms)
        self.drop()
        return turn

    def drop(self) -> None:
        """Forget the words so far; voice activity goes on as it is."""
        self._finals.clear()
        self._partial = ""
        self._ends_turn = False
        self._started_ms = None
        self._stopped_ms = None
