"""The caller speaks over the agent: who goes on, and which words wait for the agent to finish."""

from __future__ import annotations

from dataclasses import replace

from cordboard.call.backchannel import plain
from cordboard.call.desk import Desk
from cordboard.call.endpointing import FINAL_WORDS_WAIT_MS
from cordboard.call.expectation import Expectation
from cordboard.call.interruption import (
    NOISE_WAIT_MS,
    WORDLESS_MS,
    Verdict,
    is_worth_answering,
    judge,
    judge_by_rule,
)
from cordboard.call.playback import Pause
from cordboard.call.turns import CallerTurn, CallerWords


class Overlap:
    """A stretch of the caller's sound over the agent's turn, until it is decided who goes on.

    ``agent_heard`` tells whether the caller has heard any of the agent's turn yet.
    """

    def __init__(self, desk: Desk) -> None:
        self.is_open = False
        self.agent_heard = False
        self._desk = desk
        high = desk.plan.turn.interrupt_sensitivity == "high"
        self._sensitivity = "high" if high else "low"

    def begin(self, at_ms: int) -> None:
        """Silence the agent at once, and keep its sound."""
        self.is_open = True
        self._desk.note("overlap", {"at_ms": at_ms})
        self._desk.pause_speaking(Pause.OVERLAP)

    def await_words(self, words: CallerWords, now_ms: int) -> None:
        """Give an undecided overlap its end: while the caller makes sound, and after it."""
        if not self.is_open:
            return
        self._desk.deadlines.clear("overlap", "wordless")
        if words.speaking:
            self._desk.deadlines.set("wordless", now_ms + WORDLESS_MS[self._sensitivity])
        else:
            wait_ms = FINAL_WORDS_WAIT_MS if words.text else NOISE_WAIT_MS
            self._desk.deadlines.set("overlap", now_ms + wait_ms)

    def verdict(self, text: str, *, final: bool) -> Verdict:
        """Judge the words heard so far; ``final`` when no more will come."""
        desk = self._desk
        first = desk.playback.first
        if first is not None and first.rule is not None:
            return judge_by_rule(text, first.rule, final=final)
        verdict = judge(text, self._sensitivity, desk.expectation, desk.language, final=final)
        unheard = not self.agent_heard and not desk.playback.has_begun
        if unheard and verdict is not Verdict.NOISE and text:
            # Nothing of the reply has been heard: the caller is simply going on.
            return Verdict.BARGE_IN
        return verdict

    def end(self) -> None:
        """It is decided."""
        self.is_open = False
        self._desk.deadlines.clear("overlap", "wordless")


class KeptTurns:
    """Turns of the caller that could not be answered when they ended: over a greeting, over a
    running action.
    """

    def __init__(self) -> None:
        self._turns: list[CallerTurn] = []
        self._wanted = False

    def keep(self, turn: CallerTurn, *, wanted: bool = False) -> None:
        """Keep a turn for later; a ``wanted`` one took the floor: it is answered whatever it
        says.
        """
        self._turns.append(turn)
        self._wanted = self._wanted or wanted

    def take(self, expectation: Expectation, language: str) -> tuple[CallerTurn | None, str]:
        """Return one turn of all that was kept, or None where it wants no answer; and its words."""
        turns, self._turns = self._turns, []
        wanted, self._wanted = self._wanted, False
        text = " ".join(turn.text for turn in turns if plain(turn.text) or turn.digits)
        if not text:
            return None, ""
        digits = any(turn.digits for turn in turns)
        if not wanted and not digits and not is_worth_answering(text, expectation, language):
            return None, text
        last = turns[-1]
        return replace(last, text=text, digits=digits, kept=not wanted), text

    def followed_by(self, turn: CallerTurn) -> CallerTurn:
        """Return a turn that can be answered now, with all that was kept in front of its words."""
        turns, self._turns = self._turns, []
        self._wanted = False
        texts = [kept.text for kept in turns if plain(kept.text) or kept.digits]
        if not texts:
            return turn
        digits = turn.digits or any(kept.digits for kept in turns)
        return replace(turn, text=" ".join((*texts, turn.text)), digits=digits)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept."""
        return not self._turns
