"""What is going on while the caller speaks over the agent, and words that wait for the agent to
finish.
"""

from __future__ import annotations

from dataclasses import replace

from cordboard.call.backchannel import plain
from cordboard.call.expectation import Expectation
from cordboard.call.interruption import is_worth_answering
from cordboard.call.turns import CallerTurn


class KeptTurns:
    """Turns of the caller that could not be answered when they ended: over a greeting, over a
    running action.
    """

    def __init__(self) -> None:
        self._turns: list[CallerTurn] = []

    def keep(self, turn: CallerTurn) -> None:
        """Keep a turn for later."""
        self._turns.append(turn)

    def take(self, expectation: Expectation, language: str) -> tuple[CallerTurn | None, str]:
        """Return one turn of all that was kept, or None where it wants no answer; and its words."""
        turns, self._turns = self._turns, []
        text = " ".join(turn.text for turn in turns if plain(turn.text))
        if not turns or not text:
            return None, ""
        if not any(turn.digits for turn in turns) and not is_worth_answering(
            text, expectation, language
        ):
            return None, text
        last = turns[-1]
        digits = any(turn.digits for turn in turns)
        return CallerTurn(
            text, last.reason, last.stopped_ms, last.waited_ms, digits, kept=True
        ), text

    def followed_by(self, turn: CallerTurn) -> CallerTurn:
        """Return a turn that can be answered now, with all that was kept in front of its words."""
        turns, self._turns = self._turns, []
        texts = [kept.text for kept in turns if plain(kept.text)]
        return replace(turn, text=" ".join((*texts, turn.text))) if texts else turn

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept."""
        return not self._turns
