"""When each side may speak: the floor, the caller's words, overlap, and turns that must wait."""

from __future__ import annotations

from cordboard.call import floor as floors
from cordboard.call.desk import Desk
from cordboard.call.endpointing import FINAL_WORDS_WAIT_MS, Endpointing
from cordboard.call.events import (
    DigitPressed,
    PlayoutFailed,
    PlayoutFinished,
    PlayoutPaused,
    PlayoutStarted,
    PlayoutStopped,
    SpeechStarted,
    SpeechStopped,
    WordsHeard,
)
from cordboard.call.floor import Floor, FloorStep
from cordboard.call.interruption import NOISE_WAIT_MS, WORDLESS_MS, Verdict, judge
from cordboard.call.operator import Operator
from cordboard.call.overlap import KeptTurns
from cordboard.call.plan import CallPlan
from cordboard.call.playback import Utterance
from cordboard.call.turns import CallerTurn, CallerWords

DIGITS_WAIT_MS = 2_000
"""Silence after a key that ends a row of digits; ``#`` ends it at once."""


class Conversation:
    """Turn taking of one call."""

    def __init__(self, plan: CallPlan, desk: Desk, operator: Operator) -> None:
        self.floor = Floor.NOBODY
        self._desk = desk
        self._operator = operator
        self._sensitivity = "high" if plan.turn.interrupt_sensitivity == "high" else "low"
        self._words = CallerWords(Endpointing(plan.turn))
        self._kept = KeptTurns()
        self._overlapping = False
        self._digits = ""
        self._answered_ms = 0

    @property
    def is_quiet(self) -> bool:
        """Whether nobody speaks and nothing is under way: the caller's silence counts as idle."""
        return (
            self.floor is Floor.NOBODY
            and self._desk.playback.is_empty
            and not self._operator.is_busy
            and not self._words.text
            and not self._digits
        )

    def answered(self, now_ms: int) -> None:
        """The call's timeline begins."""
        self._answered_ms = now_ms

    def hung_up(self) -> None:
        """The leg is gone: keep the words that were never answered."""
        waiting, text = self._kept.take(self._desk.expectation, self._desk.language)
        for words in (waiting.text if waiting else text, self._words.text):
            if words:
                self._desk.transcript.caller_said(words)
                self._desk.note("caller_turn", {"reason": "hung_up"}, text=words)
        self._words.drop()

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
                self._begin_overlap(now_ms)
            case SpeechStopped(at_ms=at_ms):
                self._move(FloorStep.CALLER_STOPS)
                self._words.speech_stopped(self._answered_ms + at_ms)
                self._desk.note("speech_stopped", {"at_ms": at_ms})
                self._desk.deadlines.clear("wordless")
                if self._overlapping:
                    wait_ms = FINAL_WORDS_WAIT_MS if self._words.text else NOISE_WAIT_MS
                    self._desk.deadlines.set("overlap", now_ms + wait_ms)
            case WordsHeard():
                self._heard(event, now_ms)
            case DigitPressed(digit=digit):
                self._pressed(digit, now_ms)

    def playout_event(
        self,
        event: PlayoutStarted | PlayoutPaused | PlayoutFinished | PlayoutStopped | PlayoutFailed,
    ) -> Utterance | None:
        """Take what became of an utterance; None for one that is not ours any more."""
        desk, playback = self._desk, self._desk.playback
        if isinstance(event, PlayoutPaused):
            desk.note("paused", {"utterance_id": event.utterance_id})
            return None
        if isinstance(event, PlayoutStarted):
            utterance = playback.started(event.utterance_id)
            if utterance is not None:
                desk.transcript.agent_began(utterance.utterance_id, utterance.text or event.text)
                desk.note(
                    "playout_started",
                    {"utterance_id": utterance.utterance_id, "at_ms": event.at_ms},
                )
                self._move(FloorStep.AGENT_STARTS)
            return utterance
        utterance = playback.ended(event.utterance_id)
        if utterance is None:
            return None
        whole = isinstance(event, PlayoutFinished)
        heard = desk.transcript.agent_ended(
            utterance.utterance_id,
            None if isinstance(event, PlayoutFinished) else event.heard_characters,
        )
        content: dict[str, object] = {"utterance_id": utterance.utterance_id, "whole": whole}
        if isinstance(event, PlayoutFinished):
            content["at_ms"] = event.at_ms
        elif isinstance(event, PlayoutFailed):
            content["failure"] = event.failure
        desk.note("heard", content, text=heard)
        if playback.is_empty:
            self._move(FloorStep.AGENT_STOPS)
        return utterance

    def due(self, reason: str, now_ms: int) -> bool:
        """Take a deadline of turn taking; False if it is not one."""
        if reason == "endpointing":
            end = self._words.end_at_ms(self._desk.expectation)
            if end is not None:
                self._end_turn(self._words.take(now_ms, end[1]), now_ms)
        elif reason == "overlap":
            self._judge(now_ms, final=True)
        elif reason == "wordless":
            if self._overlapping and not self._words.text:
                self._barge_in("wordless", now_ms)
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
        end = None if self._overlapping else self._words.end_at_ms(desk.expectation)
        if end is None:
            desk.deadlines.clear("endpointing")
        else:
            desk.deadlines.set("endpointing", max(end[0], now_ms))
        if self._kept.is_empty or self._agent_has_turn or self._words.speaking or self._words.text:
            return
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
        if self._overlapping or not self._agent_has_turn or not self._agent_yields:
            return
        self._overlapping = True
        self._desk.note("overlap", {"at_ms": now_ms - self._answered_ms})
        self._desk.pause_speaking()
        self._desk.deadlines.set("wordless", now_ms + WORDLESS_MS[self._sensitivity])

    def _heard(self, words: WordsHeard, now_ms: int) -> None:
        self._words.heard(words, now_ms)
        self._desk.note("words", {"final": words.final}, text=words.text)
        if words.text.strip():
            self._begin_overlap(now_ms)
        if self._overlapping:
            self._judge(now_ms, final=words.final and not self._words.speaking)

    def _judge(self, now_ms: int, *, final: bool) -> None:
        if not self._overlapping:
            return
        text, desk = self._words.text, self._desk
        verdict = judge(text, self._sensitivity, desk.expectation, desk.language, final=final)
        if text and desk.playback.is_empty and verdict is not Verdict.NOISE:
            # Nothing of the reply has been heard: the caller is simply going on.
            verdict = Verdict.BARGE_IN
        if verdict is Verdict.BARGE_IN:
            self._barge_in("words", now_ms)
        elif verdict is not Verdict.UNDECIDED:
            self._resume(verdict, now_ms)

    def _barge_in(self, reason: str, now_ms: int) -> None:
        self._overlapping = False
        self._desk.deadlines.clear("overlap", "wordless")
        self._desk.note("barge_in", {"at_ms": now_ms - self._answered_ms, "reason": reason})
        self._desk.stop_speaking()
        self._operator.barged_in(self._desk, now_ms)

    def _resume(self, verdict: Verdict, now_ms: int) -> None:
        self._overlapping = False
        self._desk.deadlines.clear("overlap", "wordless")
        text = self._words.text
        self._desk.note(
            "resumed", {"at_ms": now_ms - self._answered_ms, "reason": verdict.value}, text=text
        )
        if text:
            self._kept.keep(self._words.take(now_ms, verdict.value))
        else:
            self._words.drop()
        self._desk.resume_speaking()

    def _end_turn(self, turn: CallerTurn, now_ms: int) -> None:
        if self._operator.is_deaf or not self._desk.playback.is_interruptible:
            self._desk.note("turn_kept", {"reason": turn.reason}, text=turn.text)
            self._kept.keep(turn)
        else:
            self._hand_on(self._kept.followed_by(turn), now_ms)

    def _hand_on(self, turn: CallerTurn, now_ms: int) -> None:
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

    def _pressed(self, digit: str, now_ms: int) -> None:
        self._desk.note("digit", digit=digit)
        if self._agent_has_turn and self._agent_yields:
            self._barge_in("digits", now_ms)
        if digit == "#" and self._digits:
            self._end_digits(now_ms)
            return
        self._digits += digit
        expected = self._desk.expectation.format
        if expected and expected.isdigit() and len(self._digits) >= int(expected):
            self._end_digits(now_ms)
            return
        self._desk.deadlines.set("digits", now_ms + DIGITS_WAIT_MS)

    def _end_digits(self, now_ms: int) -> None:
        digits, self._digits = self._digits, ""
        self._desk.deadlines.clear("digits")
        self._end_turn(CallerTurn(digits, "digits", now_ms, 0, digits=True), now_ms)
