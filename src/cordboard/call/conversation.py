"""When each side may speak: the floor, the caller's words, overlap, and turns that must wait."""

from __future__ import annotations

from dataclasses import replace

from cordboard.call import floor as floors
from cordboard.call.contest import Contest
from cordboard.call.desk import Desk
from cordboard.call.digits import DIGITS_WAIT_MS, DigitRow
from cordboard.call.endpointing import Endpointing
from cordboard.call.events import (
    DigitPressed,
    PlayoutStarted,
    SpeechStarted,
    SpeechStopped,
    WordsHeard,
)
from cordboard.call.floor import Floor, FloorStep
from cordboard.call.heard import PlayoutEvent, keep_playout
from cordboard.call.operator import Operator
from cordboard.call.overlap import KeptTurns
from cordboard.call.plan import CallPlan
from cordboard.call.playback import Utterance
from cordboard.call.turns import CallerTurn, CallerWords

NOISE_MAX_MS = 3_000
"""How long sound without words may hold up the answer to words that waited."""

INAUDIBLE = "[inaudible]"
"""What stands for a turn that was spoken and not understood."""

INAUDIBLE_WAIT_MS = 1_200
"""So long words may still come after speech that should have had some."""

INAUDIBLE_MAX = 2
"""How often in a row the operator is told; then it is noise, and idle time counts."""


class Conversation:
    """Turn taking of one call."""

    def __init__(self, plan: CallPlan, desk: Desk, operator: Operator) -> None:
        self.floor = Floor.NOBODY
        self._desk = desk
        self._operator = operator
        self._endpointing = Endpointing(plan.turn)
        self._words = CallerWords(self._endpointing)
        self._kept = KeptTurns()
        self._contest = Contest(desk, operator, self._words, self._kept, self._hand_on)
        self._digits = DigitRow()
        self._answered_ms = 0
        self._inaudible_count = 0

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is said or under way: silence counts as idle then, and so does noise."""
        return self._is_free and not self._words.text

    @property
    def is_noisy(self) -> bool:
        """Whether there is sound on the caller's side."""
        return self.floor in (Floor.CALLER, Floor.BOTH)

    @property
    def stable_text(self) -> str:
        """The caller's words where they are all there and only silence is waited for, or none."""
        stable = self._is_free and self._words.is_final and not self._contest.is_open
        return self._words.text if stable else ""

    @property
    def _is_free(self) -> bool:
        return not self._contest.agent_has_turn and self._kept.is_empty and not self._digits.text

    def answered(self, now_ms: int) -> None:
        """The call's timeline begins."""
        self._answered_ms = now_ms
        self._contest.answered_ms = now_ms

    def hung_up(self) -> None:
        """The leg is gone: keep the words that were never answered."""
        waiting, text = self._kept.take(self._desk.expectation, self._desk.language)
        for words in (waiting.text if waiting else text, self._words.text, self._digits.take()):
            if words:
                self._desk.transcript.caller_said(words)
                self._desk.note("caller_turn", {"reason": "hung_up"}, text=words)
        self._words.drop()

    def held(self, now_ms: int) -> None:
        """The caller is on hold: whatever was being said is over."""
        if self._words.speaking:
            self.caller_event(SpeechStopped(now_ms - self._answered_ms), now_ms)

    def overheard(self, event: WordsHeard, now_ms: int) -> None:
        """Take words that come while the call ends: they are kept, and answered no more."""
        self._words.heard(event, now_ms)
        self._desk.note("words", {"final": event.final}, text=event.text)

    def caller_event(
        self, event: SpeechStarted | SpeechStopped | WordsHeard | DigitPressed, now_ms: int
    ) -> None:
        """Take what comes from the caller."""
        match event:
            case SpeechStarted(at_ms=at_ms):
                self._move(FloorStep.CALLER_STARTS)
                self._words.speech_started(self._answered_ms + at_ms)
                self._desk.note("speech_started", {"at_ms": at_ms})
                self._desk.deadlines.clear("endpointing")
                if self._operator.ear is not None:
                    self._operator.ear.started(self._desk, now_ms)
                self._contest.begin(now_ms)
            case SpeechStopped(at_ms=at_ms):
                self._move(FloorStep.CALLER_STOPS)
                self._words.speech_stopped(self._answered_ms + at_ms)
                self._desk.note("speech_stopped", {"at_ms": at_ms})
                self._contest.await_words(now_ms)
                if self._operator.ear is not None and not self._words.text:
                    self._operator.ear.noise(self._desk, now_ms)
            case WordsHeard():
                self._heard(event, now_ms)
            case DigitPressed(digit=digit):
                self._pressed(digit, now_ms)

    def playout_event(self, event: PlayoutEvent, now_ms: int) -> Utterance | None:
        """Take what became of an utterance; None for one that is not ours any more."""
        utterance = keep_playout(event, self._desk)
        if utterance is None:
            return None
        if isinstance(event, PlayoutStarted):
            self._move(FloorStep.AGENT_STARTS)
            self._contest.agent_began(utterance, now_ms)
        elif self._desk.playback.is_empty:
            self._move(FloorStep.AGENT_STOPS)
        return utterance

    def due(self, reason: str, now_ms: int) -> bool:
        """Take a deadline of turn taking; False if it is not one."""
        if reason == "endpointing":
            end = self._words.end_at_ms(self._desk.expectation)
            if end is not None:
                self._end_turn(self._words.take(now_ms, end[1]), now_ms)
        elif self._contest.due(reason, now_ms):
            pass
        elif reason == "noise":
            self._answer_kept(now_ms)
        elif reason == "inaudible":
            self._end_inaudible(now_ms)
        elif reason == "digits":
            self._end_digits(now_ms)
        else:
            return False
        return True

    def settle(self, now_ms: int) -> None:
        """Set the deadline of the turn's end; hand on turns that waited, once the agent has
        finished.
        """
        desk = self._desk
        self._endpointing.fixed_ms = desk.turn_silence_ms
        end = None if self._contest.is_open else self._words.end_at_ms(desk.expectation)
        if end is None:
            desk.deadlines.clear("endpointing")
        else:
            desk.deadlines.set("endpointing", max(end[0], now_ms))
        wordless_ms = self._words.wordless_since_ms
        if wordless_ms is None or self._inaudible_count >= INAUDIBLE_MAX:
            desk.deadlines.clear("inaudible")
        else:
            desk.deadlines.set("inaudible", max(wordless_ms + INAUDIBLE_WAIT_MS, now_ms))
        if self._kept.is_empty or self._contest.agent_has_turn or self._words.text:
            desk.deadlines.clear("noise")
        elif self._words.speaking:
            desk.deadlines.set_if_unset("noise", now_ms + NOISE_MAX_MS)
        else:
            self._answer_kept(now_ms)

    def _answer_kept(self, now_ms: int) -> None:
        desk = self._desk
        desk.deadlines.clear("noise")
        turn, text = self._kept.take(desk.expectation, desk.language)
        if turn is not None:
            self._hand_on(turn, now_ms)
        elif text:
            desk.transcript.caller_said(text)
            desk.note("caller_turn", {"reason": "backchannel"}, text=text)

    def _move(self, step: FloorStep) -> None:
        self.floor = floors.step(self.floor, step)

    def _heard(self, words: WordsHeard, now_ms: int) -> None:
        self._words.heard(words, now_ms)
        if words.text.strip():
            self._inaudible_count = 0
        self._desk.note("words", {"final": words.final}, text=words.text)
        if words.text.strip():
            self._contest.begin(now_ms)
        elif self._operator.ear is not None and not (self._words.text or self._words.speaking):
            self._operator.ear.noise(self._desk, now_ms)
        self._contest.judge(now_ms, final=words.final and not self._words.speaking)

    def _end_turn(self, turn: CallerTurn, now_ms: int) -> None:
        playback = self._desk.playback
        if playback.is_dropping:
            # How much of the agent's words was heard is not known yet, and the answer hangs on it.
            self._kept.keep(turn, wanted=True)
        elif self._operator.is_deaf or not (
            playback.is_interruptible or self._operator.ear is not None
        ):
            self._desk.note("turn_kept", {"reason": turn.reason}, text=turn.text)
            self._kept.keep(turn, wanted=self._operator.ear is not None)
        else:
            self._hand_on(self._kept.followed_by(turn), now_ms)

    def _hand_on(self, turn: CallerTurn, now_ms: int) -> None:
        self._contest.turn_over()
        turn_id = self._desk.new_id("t")
        self._desk.transcript.caller_said(turn.text)
        self._desk.note(
            "turn_ended",
            {
                "turn_id": turn_id,
                "reason": turn.reason,
                "caller_stopped_at_ms": turn.stopped_ms - self._answered_ms,
                "waited_ms": turn.waited_ms,
                "digits": turn.digits,
            },
            text=turn.text,
        )
        self._operator.turn_ended(turn, self._desk, now_ms)

    def _end_inaudible(self, now_ms: int) -> None:
        """The caller spoke and no words came of it: let the operator ask again."""
        if self._contest.agent_has_turn:
            # It may have been the agent's own echo, and it asked for nothing.
            self._words.drop()
            return
        self._inaudible_count += 1
        turn = self._words.take(now_ms, "inaudible")
        self._end_turn(replace(turn, text=INAUDIBLE), now_ms)

    def _pressed(self, digit: str, now_ms: int) -> None:
        self._desk.note("digit", digit=digit)
        if self._operator.ear is not None:
            self._operator.ear.pressed(digit, self._desk, now_ms)
            return
        if self._contest.agent_has_turn and self._contest.agent_yields:
            self._contest.barge_in("digits", now_ms)
        if self._digits.press(digit, self._desk.expectation):
            self._end_digits(now_ms)
        else:
            self._desk.deadlines.set("digits", now_ms + DIGITS_WAIT_MS)

    def _end_digits(self, now_ms: int) -> None:
        self._desk.deadlines.clear("digits")
        self._end_turn(CallerTurn(self._digits.take(), "digits", now_ms, 0, digits=True), now_ms)
