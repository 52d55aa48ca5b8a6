"""Both want the floor: when the caller's sound silences the agent, and who goes on."""

from __future__ import annotations

from collections.abc import Callable

from cordboard.call.desk import Desk
from cordboard.call.interruption import Verdict
from cordboard.call.operator import Operator
from cordboard.call.overlap import KeptTurns, Overlap
from cordboard.call.playback import Pause, Utterance
from cordboard.call.turns import CallerTurn, CallerWords

_SHIELD = "shield:"
"""Deadlines of this kind end the time in which an utterance cannot be interrupted."""


class Contest:
    """Opens an overlap, and ends it by barge-in or by letting the agent go on."""

    def __init__(
        self,
        desk: Desk,
        operator: Operator,
        words: CallerWords,
        kept: KeptTurns,
        hand_on: Callable[[CallerTurn, int], None],
    ) -> None:
        self.answered_ms = 0
        self._desk = desk
        self._operator = operator
        self._words = words
        self._kept = kept
        self._hand_on = hand_on
        self._overlap = Overlap(desk)

    @property
    def is_open(self) -> bool:
        """Whether it is not decided yet who goes on."""
        return self._overlap.is_open

    @property
    def agent_has_turn(self) -> bool:
        """Whether the agent speaks, or is about to."""
        return self._operator.is_busy or not self._desk.playback.is_empty

    @property
    def agent_yields(self) -> bool:
        """Whether the caller may take the floor now."""
        return self._desk.playback.is_interruptible and not self._operator.is_deaf

    def agent_began(self, utterance: Utterance, now_ms: int) -> None:
        """The first sound of an utterance was heard."""
        self._overlap.agent_heard |= bool(utterance.text)
        if utterance.shielded and utterance.rule is not None:
            shielded_ms = now_ms + utterance.rule.allow_after_ms
            self._desk.deadlines.set(f"{_SHIELD}{utterance.utterance_id}", shielded_ms)

    def turn_over(self) -> None:
        """The caller's turn has been handed on: nothing of the answer has been heard yet."""
        self._overlap.agent_heard = False

    def begin(self, now_ms: int) -> None:
        """The caller makes sound: silence the agent where that may be."""
        may = self.agent_has_turn and self.agent_yields
        if may and not self._overlap.is_open and not self._desk.playback.is_dropping:
            self._overlap.begin(now_ms - self.answered_ms)
            first = self._desk.playback.first
            if first is not None and first.yields_at_once:
                self.barge_in("voice", now_ms)
        self.await_words(now_ms)

    def await_words(self, now_ms: int) -> None:
        """Give an undecided overlap its end."""
        self._overlap.await_words(self._words, now_ms)

    def judge(self, now_ms: int, *, final: bool) -> None:
        """Decide by the words so far; ``final`` when no more will come."""
        if not self._overlap.is_open:
            return
        verdict = self._overlap.verdict(self._words.text, final=final)
        if verdict is Verdict.BARGE_IN:
            self.barge_in("words", now_ms)
        elif verdict is not Verdict.UNDECIDED:
            self._resume(verdict, now_ms)

    def due(self, reason: str, now_ms: int) -> bool:
        """Take a deadline of an overlap; False if it is not one."""
        if reason.startswith(_SHIELD):
            self._unshield(reason.removeprefix(_SHIELD), now_ms)
        elif reason not in ("overlap", "wordless"):
            return False
        elif reason == "overlap" or self._words.text:
            self.judge(now_ms, final=True)
        elif self._overlap.is_open:
            first = self._desk.playback.first
            if first is not None and first.rule is not None:
                # The rule asks for words, and sound alone brings none.
                self._resume(Verdict.NOISE, now_ms)
            else:
                self.barge_in("wordless", now_ms)
        return True

    def barge_in(self, reason: str, now_ms: int) -> None:
        """The caller has the floor."""
        self._overlap.end()
        self._overlap.agent_heard = False
        self._desk.note("barge_in", {"at_ms": now_ms - self.answered_ms, "reason": reason})
        self._desk.stop_speaking()
        self._operator.barged_in(self._desk, now_ms)

    def _unshield(self, utterance_id: str, now_ms: int) -> None:
        utterance = self._desk.playback.get(utterance_id)
        if utterance is not None:
            utterance.shielded = False
        if self._words.speaking or self._words.text:
            self.begin(now_ms)
            self.judge(now_ms, final=False)

    def _resume(self, verdict: Verdict, now_ms: int) -> None:
        self._overlap.end()
        text = self._words.text
        self._desk.note(
            "resumed", {"at_ms": now_ms - self.answered_ms, "reason": verdict.value}, text=text
        )
        if text and self._operator.ear is not None:
            self._hand_on(self._words.take(now_ms, verdict.value), now_ms)
        elif text:
            self._kept.keep(self._words.take(now_ms, verdict.value))
        else:
            self._words.drop()
        self._desk.resume_speaking(Pause.OVERLAP)
        self._operator.resumed(self._desk, now_ms)
