"""One call's brain: one event in, commands and the next deadline out.

``Call`` is the only mutable object of the core. It owns the leg's lifecycle, the floor, the
caller's words and the overlap policy, and decides *when* something may be said; its operator
decides *what*.
"""

from __future__ import annotations

from cordboard.call import floor as floors
from cordboard.call.commands import Command, Deadline
from cordboard.call.conversation import Conversation
from cordboard.call.desk import Desk
from cordboard.call.ending import Ending
from cordboard.call.events import (
    AnswerJudged,
    DigitPressed,
    EndReason,
    EndRequested,
    Event,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegOffered,
    LegResumed,
    LegRinging,
    LegWanted,
    PlayoutFailed,
    PlayoutFinished,
    PlayoutPaused,
    PlayoutStarted,
    PlayoutStopped,
    ProviderFailed,
    ProviderRecovered,
    ReplyActionAsked,
    ReplyClauseReady,
    ReplyExpected,
    ReplyFailed,
    ReplyFinished,
    SpeechStarted,
    SpeechStopped,
    ToneHeard,
    WordsHeard,
)
from cordboard.call.human_detection import HumanDetection
from cordboard.call.lifecycle import LegStep, Lifecycle
from cordboard.call.operator import Operator
from cordboard.call.plan import CallPlan
from cordboard.call.playback import Pause
from cordboard.call.watch import Watch


class Call:
    """The state machine of one call with one leg.

    ``receive`` takes one event, ``handle_deadline`` lets time pass; both return the commands to
    carry out, in order, before anything else is given. After ``CloseCall`` nothing more is
    returned.
    """

    def __init__(
        self,
        call_id: str,
        plan: CallPlan,
        operator: Operator,
        warnings: tuple[str, ...] = (),
        *,
        thinks_ahead: bool = False,
    ) -> None:
        """``warnings`` go onto the timeline first: what this call cannot do as it is set up.

        With ``thinks_ahead`` a reply is begun on stable words, before the caller's turn is over.
        """
        self._thinks_ahead = thinks_ahead
        self.call_id = call_id
        self._desk = Desk(plan)
        self._operator = operator
        self._lifecycle = Lifecycle()
        self._conversation = Conversation(plan, self._desk, operator)
        self._ending = Ending(self._desk, operator, self._lifecycle)
        self._watch = Watch(self._desk, operator)
        self._human_detection = HumanDetection(plan, self._desk)
        if plan.context_answer is not None:
            self._desk.note("context_asked", plan.context_answer.fact())
        missing = (
            f"the prompt's template requires `{key}`, which has no value"
            for key in plan.missing_keys
        )
        for warning in (*missing, *warnings):
            self._desk.note("warning", {"warning": warning})

    @property
    def ended(self) -> bool:
        """Whether the call is closed: it takes and gives nothing more."""
        return self._ending.closed

    @property
    def transcript(self) -> str:
        """The conversation so far, as the public API has it."""
        return self._desk.transcript.text()

    @property
    def floor(self) -> floors.Floor:
        """Who is speaking now."""
        return self._conversation.floor

    def next_deadline(self) -> Deadline | None:
        """Return when to call ``handle_deadline`` if nothing happens before."""
        return None if self.ended else self._desk.deadlines.next()

    def receive(self, event: Event, now_ms: int) -> list[Command]:
        """Take one event; return the commands that follow from it."""
        if self.ended:
            return []
        self._apply(event, now_ms)
        if self._lifecycle.is_up or isinstance(event, AnswerJudged):
            self._human_detection.take(event, now_ms)
        self._settle(now_ms)
        return self._desk.take_commands()

    def handle_deadline(self, now_ms: int) -> list[Command]:
        """Take every deadline that has come; return the commands that follow."""
        while not self.ended and (reason := self._desk.deadlines.take_due(now_ms)) is not None:
            self._due(reason, now_ms)
            self._settle(now_ms)
        return self._desk.take_commands()

    def _apply(self, event: Event, now_ms: int) -> None:
        match event:
            case LegOffered() | LegWanted() | LegRinging():
                self._set_up_event(event, now_ms)
            case LegAnswered() | LegHeld() | LegResumed() | LegEnded():
                self._leg_event(event, now_ms)
            case EndRequested(reason=reason, detail=detail):
                self._ending.requested(reason, detail, now_ms)
            case SpeechStarted() | SpeechStopped() | WordsHeard() | DigitPressed():
                self._caller_event(event, now_ms)
            case (
                PlayoutStarted()
                | PlayoutPaused()
                | PlayoutFinished()
                | PlayoutStopped()
                | PlayoutFailed()
            ):
                self._playout_event(event, now_ms)
            case ProviderFailed() | ProviderRecovered():
                if not self._lifecycle.is_over and not self._ending.begun:
                    self._watch.provider_event(event, now_ms)
            case ToneHeard() | AnswerJudged():
                pass  # it says who has answered, and nothing else
            case (
                ReplyClauseReady()
                | ReplyActionAsked()
                | ReplyExpected()
                | ReplyFinished()
                | ReplyFailed()
            ) if self._desk.ahead.take(event):
                pass  # nobody may learn of it yet
            case _:
                if not self._lifecycle.is_over or self._operator.has_unfinished_actions:
                    self._operator.handle(event, self._desk, now_ms)

    def _caller_event(
        self, event: SpeechStarted | SpeechStopped | WordsHeard | DigitPressed, now_ms: int
    ) -> None:
        # Words that were said before the caller went on hold may still arrive after it.
        if not self._lifecycle.has_sound and not (
            self._lifecycle.is_up and isinstance(event, WordsHeard)
        ):
            return
        if not self._ending.begun:
            self._watch.caller_active(event, now_ms)
            self._conversation.caller_event(event, now_ms)
        elif isinstance(event, WordsHeard):
            self._conversation.overheard(event, now_ms)

    def _set_up_event(self, event: LegOffered | LegWanted | LegRinging, now_ms: int) -> None:
        desk = self._desk
        match event:
            case LegOffered():
                self._lifecycle.step(LegStep.OFFER)
                desk.note("leg_offered", {"leg_id": event.leg_id})
                self._ending.leg_id = event.leg_id
                self._operator.offered(desk)
                flow = desk.plan.flow
                if flow is None or not flow.answer_delay_ms:
                    self._ending.answer()
                else:
                    desk.deadlines.set("answer", now_ms + flow.answer_delay_ms)
            case LegWanted():
                self._lifecycle.step(LegStep.DIAL)
                desk.note("leg_dialled", {"leg_id": event.leg_id})
                self._ending.leg_id = event.leg_id
                self._operator.offered(desk)
                self._ending.dial()
            case LegRinging():
                if self._lifecycle.step(LegStep.RING):
                    desk.note("leg_ringing", {"early_sound": event.early_sound})

    def _leg_event(self, event: LegAnswered | LegHeld | LegResumed | LegEnded, now_ms: int) -> None:
        desk = self._desk
        match event:
            case LegAnswered():
                if self._lifecycle.step(LegStep.ANSWER):
                    desk.note("leg_answered", {"leg_id": event.leg_id})
                    desk.deadlines.set("longest_call", now_ms + desk.plan.longest_call_ms)
                    self._conversation.answered(now_ms)
                    self._operator.answered(desk, now_ms)
            case LegHeld():
                if self._lifecycle.step(LegStep.HOLD):
                    desk.note("leg_held")
                    desk.deadlines.clear("idle")
                    desk.pause_speaking(Pause.HOLD)
                    self._conversation.held(now_ms)
            case LegResumed():
                if self._lifecycle.step(LegStep.RESUME):
                    desk.note("leg_resumed")
                    desk.resume_speaking(Pause.HOLD)
                    self._operator.resumed(desk, now_ms)
            case LegEnded(by=by, cause=cause, reason=reason):
                if self._lifecycle.step(LegStep.END):
                    desk.note("leg_ended", {"by": by.value, "cause": cause})
                    self._conversation.hung_up()
                    self._ending.leg_ended(by, cause, now_ms, reason)

    def _playout_event(
        self,
        event: PlayoutStarted | PlayoutPaused | PlayoutFinished | PlayoutStopped | PlayoutFailed,
        now_ms: int,
    ) -> None:
        utterance = self._conversation.playout_event(event, now_ms)
        if utterance is None:
            return
        if isinstance(event, PlayoutFailed):
            self._watch.playout_failed(utterance, event.failure, now_ms)
        elif isinstance(event, PlayoutFinished) and utterance.text:
            self._watch.playout_worked()
        if not self._lifecycle.is_over:
            self._operator.handle(event, self._desk, now_ms)

    def _due(self, reason: str, now_ms: int) -> None:
        if reason == "answer":
            self._ending.answer()
            return
        if reason == "release":
            self._conversation.hung_up()
        if self._ending.due(reason, now_ms):
            return
        if self._human_detection.due(reason):
            return
        if self._conversation.due(reason, now_ms):
            return
        if self._watch.due(reason, now_ms):
            return
        self._operator.deadline(reason, self._desk, now_ms)

    def _settle(self, now_ms: int) -> None:
        """After each step: end where that is due, hand on words that waited, watch over silence."""
        if self.ended:
            return
        if self._human_detection.hangs_up and not self._lifecycle.is_over:
            self._ending.requested(EndReason.NO_HUMAN, "", now_ms)
        if not self._ending.begun:
            if self._watch.end_reason is not None:
                detail = self._watch.end_detail
                self._ending.with_goodbye(self._watch.end_reason, now_ms, detail)
            elif self._operator.end_reason is not None:
                detail = self._operator.end_detail
                self._ending.after_speech(self._operator.end_reason, now_ms, detail)
        if self._lifecycle.is_up and not self._ending.begun:
            self._conversation.settle(now_ms)
            if self._thinks_ahead:
                self._desk.think_ahead(self._conversation.stable_text)
            self._release(now_ms)
            if self._lifecycle.has_sound:
                conversation = self._conversation
                self._watch.settle(now_ms, conversation.is_quiet, conversation.is_noisy)
        else:
            self._desk.drop_ahead()
        self._ending.settle(now_ms)

    def _release(self, now_ms: int) -> None:
        """Let the operator have what a reply brought before the turn was over."""
        for event in self._desk.ahead.release():
            self._operator.handle(event, self._desk, now_ms)
