"""When each side may speak: the floor, the caller's words, overlap, and turns that must wait."""

from __future__ import annotations

from dataclasses import replace

from cordboard.call import floor as floors
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
from cordboard.call.interruption import Verdict
from cordboard.call.operator import Operator
from cordboard.call.overlap import KeptTurns, Overlap
from cordboard.call.plan import CallPlan
from cordboard.call.playback import Pause, Utterance
from cordboard.call.turns import CallerTurn, CallerWords

NOISE_MAX_MS = 3_000
"""How long sound without words may hold up the answer to words that waited."""

INAUDIBLE = "[inaudible]"
"""What stands for a turn that was spoken and not understood."""

INAUDIBLE_WAIT_MS = 1_200
"""So long words may still come after speech that should have had some."""

_SHIELD = "shield:"
"""Deadlines of this kind end the time in which an utterance cannot be interrupted."""

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
        self._overlap = Overlap(desk)
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
        stable = self._is_free and self._words.is_final and not self._overlap.is_open
        return self._words.text if stable else ""

    @property
    def _is_free(self) -> bool:
        return not self._agent_has_turn and self._kept.is_empty and not self._digits.text

    def answered(self, now_ms: int) -> None:
        """The call's timeline begins."""
        self._answered_ms = now_ms

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
                self._operator.caller_started(self._desk, now_ms)
                self._begin_overlap(now_ms)
            case SpeechStopped(at_ms=at_ms):
                self._move(FloorStep.CALLER_STOPS)
                self._words.speech_stopped(self._answered_ms + at_ms)
                self._desk.note("speech_stopped", {"at_ms": at_ms})
                self._overlap.await_words(self._words, now_ms)
                if not self._words.text:
                    self._operator.caller_made_noise(self._desk, now_ms)
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
            self._overlap.agent_heard |= bool(utterance.text)
            if utterance.shielded and utterance.rule is not None:
                shielded_ms = now_ms + utterance.rule.allow_after_ms
                self._desk.deadlines.set(f"{_SHIELD}{utterance.utterance_id}", shielded_ms)
        elif self._desk.playback.is_empty:
            self._move(FloorStep.AGENT_STOPS)
        return utterance

    def due(self, reason: str, now_ms: int) -> bool:
        """Take a deadline of turn taking; False if it is not one."""
        if reason == "endpointing":
            end = self._words.end_at_ms(self._desk.expectation)
            if end is not None:
                self._end_turn(self._words.take(now_ms, end[1]), now_ms)
        elif reason in ("overlap", "wordless") or reason.startswith(_SHIELD):
            self._overlap_due(reason, now_ms)
        elif reason == "noise":
            self._answer_kept(now_ms)
        elif reason == "inaudible":
            self._end_inaudible(now_ms)
        elif reason == "digits":
            self._end_digits(now_ms)
        else:
            return False
        return True

    def _overlap_due(self, reason: str, now_ms: int) -> None:
        if reason.startswith(_SHIELD):
            self._desk.playback.unshield(reason.removeprefix(_SHIELD))
            if self._words.speaking or self._words.text:
                self._begin_overlap(now_ms)
                self._judge(now_ms, final=False)
        elif reason == "overlap" or self._words.text:
            self._judge(now_ms, final=True)
        elif self._overlap.is_open and self._desk.playback.rule is not None:
            # The rule asks for words, and sound alone brings none.
            self._resume(Verdict.NOISE, now_ms)
        elif self._overlap.is_open:
            self._barge_in("wordless", now_ms)

    def settle(self, now_ms: int) -> None:
        """Set the deadline of the turn's end; hand on turns that waited, once the agent has
        finished.
        """
        desk = self._desk
        self._endpointing.fixed_ms = desk.turn_silence_ms
        end = None if self._overlap.is_open else self._words.end_at_ms(desk.expectation)
        if end is None:
            desk.deadlines.clear("endpointing")
        else:
            desk.deadlines.set("endpointing", max(end[0], now_ms))
        wordless_ms = self._words.wordless_since_ms
        if wordless_ms is None or self._inaudible_count >= INAUDIBLE_MAX:
            desk.deadlines.clear("inaudible")
        else:
            desk.deadlines.set("inaudible", max(wordless_ms + INAUDIBLE_WAIT_MS, now_ms))
        if self._kept.is_empty or self._agent_has_turn or self._words.text:
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

    @property
    def _agent_has_turn(self) -> bool:
        return self._operator.is_busy or not self._desk.playback.is_empty

    @property
    def _agent_yields(self) -> bool:
        return self._desk.playback.is_interruptible and not self._operator.is_deaf

    def _begin_overlap(self, now_ms: int) -> None:
        may = self._agent_has_turn and self._agent_yields
        if may and not self._overlap.is_open and not self._desk.playback.is_dropping:
            self._overlap.begin(now_ms - self._answered_ms)
            if self._desk.playback.yields_at_once:
                self._barge_in("voice", now_ms)
        self._overlap.await_words(self._words, now_ms)

    def _heard(self, words: WordsHeard, now_ms: int) -> None:
        self._words.heard(words, now_ms)
        if words.text.strip():
            self._inaudible_count = 0
        self._desk.note("words", {"final": words.final}, text=words.text)
        if words.text.strip():
            self._begin_overlap(now_ms)
        self._judge(now_ms, final=words.final and not self._words.speaking)

    def _judge(self, now_ms: int, *, final: bool) -> None:
        if not self._overlap.is_open:
            return
        verdict = self._overlap.verdict(self._words.text, final=final)
        if verdict is Verdict.BARGE_IN:
            self._barge_in("words", now_ms)
        elif verdict is not Verdict.UNDECIDED:
            self._resume(verdict, now_ms)

    def _barge_in(self, reason: str, now_ms: int) -> None:
        self._overlap.end()
        self._overlap.agent_heard = False
        self._desk.note("barge_in", {"at_ms": now_ms - self._answered_ms, "reason": reason})
        self._desk.stop_speaking()
        self._operator.barged_in(self._desk, now_ms)

    def _resume(self, verdict: Verdict, now_ms: int) -> None:
        self._overlap.end()
        text = self._words.text
        self._desk.note(
            "resumed", {"at_ms": now_ms - self._answered_ms, "reason": verdict.value}, text=text
        )
        if text and self._operator.hears_over_itself:
            self._hand_on(self._words.take(now_ms, verdict.value), now_ms)
        elif text:
            self._kept.keep(self._words.take(now_ms, verdict.value))
        else:
            self._words.drop()
        self._desk.resume_speaking(Pause.OVERLAP)
        self._operator.resumed(self._desk, now_ms)

    def _end_turn(self, turn: CallerTurn, now_ms: int) -> None:
        playback = self._desk.playback
        if playback.is_dropping:
            # How much of the agent's words was heard is not known yet, and the answer hangs on it.
            self._kept.keep(turn, wanted=True)
        elif self._operator.is_deaf or not (
            playback.is_interruptible or self._operator.hears_over_itself
        ):
            self._desk.note("turn_kept", {"reason": turn.reason}, text=turn.text)
            self._kept.keep(turn)
        else:
            self._hand_on(self._kept.followed_by(turn), now_ms)

    def _hand_on(self, turn: CallerTurn, now_ms: int) -> None:
        self._overlap.agent_heard = False
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
        if self._agent_has_turn:
            # It may have been the agent's own echo, and it asked for nothing.
            self._words.drop()
            return
        self._inaudible_count += 1
        turn = self._words.take(now_ms, "inaudible")
        self._end_turn(replace(turn, text=INAUDIBLE), now_ms)

    def _pressed(self, digit: str, now_ms: int) -> None:
        self._desk.note("digit", digit=digit)
        if self._operator.pressed(digit, self._desk, now_ms):
            return
        if self._agent_has_turn and self._agent_yields:
            self._barge_in("digits", now_ms)
        if self._digits.press(digit, self._desk.expectation):
            self._end_digits(now_ms)
        else:
            self._desk.deadlines.set("digits", now_ms + DIGITS_WAIT_MS)

    def _end_digits(self, now_ms: int) -> None:
        self._desk.deadlines.clear("digits")
        self._end_turn(CallerTurn(self._digits.take(), "digits", now_ms, 0, digits=True), now_ms)
