"""The operator that asks a user's app what to do, and does it."""

from __future__ import annotations

from collections.abc import Mapping

from cordboard.call.actions import ActionOutcome
from cordboard.call.conversation import INAUDIBLE
from cordboard.call.desk import Desk
from cordboard.call.events import (
    ActionFinished,
    AppAnswered,
    AppBack,
    AppFailed,
    AppGone,
    AppLost,
    AppWarned,
    EndReason,
    Event,
    PlayoutFailed,
    PlayoutFinished,
    PlayoutStarted,
    PlayoutStopped,
    SpeechMade,
    TextSent,
)
from cordboard.call.flow import exchange as exchanges
from cordboard.call.flow import handover, input_timer, waiting
from cordboard.call.flow.actions import FlowConfigureTranscription, FlowMixAudio, FlowSendSms
from cordboard.call.flow.doing import Doing
from cordboard.call.flow.ear import FlowEar
from cordboard.call.flow.exchange import Exchange
from cordboard.call.flow.input_timer import InputTimer
from cordboard.call.flow.plan import FlowPlan
from cordboard.call.flow.speeches import Speeches
from cordboard.call.flow.waiting import WaitingSound
from cordboard.call.turns import CallerTurn

ASIDE = (FlowConfigureTranscription, FlowMixAudio, FlowSendSms)
"""Actions after which the caller waits for the app as before."""


class FlowOperator:
    """Runs one flow on one call: tells the app what happened, does what it answers."""

    def __init__(self, plan: FlowPlan) -> None:
        self._plan = plan
        self._desk: Desk | None = None
        self._now_ms = 0
        self._exchange = Exchange(
            answers_each=plan.answers_each, answer_within_ms=plan.answer_within_ms
        )
        self._timer = InputTimer()
        self._waiting = WaitingSound(plan.waiting)
        self._speeches = Speeches(self._tell_of_speech, at_end=plan.speaks_at_end)
        self._doing = Doing(plan, self._speeches, self._timer)
        self._answered_ms = 0
        self._ear = FlowEar(plan, self._timer, self._exchange, self._after)

    def offered(self, desk: Desk) -> None:
        """Take the desk; the app learns of the call once it is up."""
        self._desk = desk
        desk.turn_silence_ms = self._plan.turn_silence_ms

    def answered(self, desk: Desk, now_ms: int) -> None:
        """Tell the app that the call begins."""
        self._now_ms = self._answered_ms = now_ms
        if self._doing.given_up:
            self._doing.fall_back(desk, now_ms)
        else:
            self._tell("session_start")
        self._settle()

    def turn_ended(self, turn: CallerTurn, desk: Desk, now_ms: int) -> None:
        """Tell the app what the caller said."""
        self._now_ms = now_ms
        self._ear.voice.turn_over()
        if turn.text == INAUDIBLE:
            self._settle()
            return
        self._timer.disarm()
        interrupted, self._speeches.was_cut = self._speeches.was_cut, False
        if interrupted and self._plan.sends_barge_in:
            self._tell("user_barge_in", {"text": turn.text})
        content: dict[str, object] = {"text": turn.text, "barged_in": interrupted}
        if self._plan.sends_transcript:
            content["transcript"] = turn.text
        self._tell("user_speak", content)
        self._settle()

    def barged_in(self, desk: Desk, now_ms: int) -> None:
        """Remember that what sounded was cut off: the app learns it with the caller's words."""
        self._now_ms = now_ms
        self._speeches.barged_in()
        self._settle()

    def resumed(self, desk: Desk, now_ms: int) -> None:
        """Go on: nothing waited."""
        self._now_ms = now_ms
        self._settle()

    def handle(self, event: Event, desk: Desk, now_ms: int) -> None:
        """Take an event of the app, of playout, or of something that was asked for."""
        self._now_ms = now_ms
        match event:
            case AppAnswered() | AppFailed() | AppLost() | AppBack() | AppGone():
                self._app_event(event, desk, now_ms)
            case ActionFinished(action_call_id=action_call_id, outcome=outcome):
                self._transfer_ended(action_call_id, outcome, desk)
            case AppWarned(event_id=event_id, problems=problems):
                desk.note("flow_warning", {"event_id": event_id}, problems=list(problems))
            case TextSent(request_id=request_id, failure=failure):
                number = self._doing.text_sent(request_id)
                if failure is not None and number is not None:
                    self._tell("sms_failed", {"phone_number": number, "error": failure})
            case (
                PlayoutStarted()
                | PlayoutFinished()
                | PlayoutStopped()
                | PlayoutFailed()
                | SpeechMade()
            ):
                self._sound_event(event, desk, now_ms)
            case _:
                pass
        self._settle()

    def deadline(self, reason: str, desk: Desk, now_ms: int) -> None:
        """Take a deadline that this operator set."""
        self._now_ms = now_ms
        if reason == input_timer.DEADLINE:
            self._timer.fired()
            self._tell("user_input_timeout")
        elif reason == waiting.DEADLINE:
            self._waiting.due(desk)
        elif reason == exchanges.DEADLINE:
            self._exchange.overdue()
        elif reason == handover.DEADLINE:
            self._doing.transfer_overdue(desk)
        self._settle()

    def hung_up(self, desk: Desk) -> None:
        """Tell the app that the call is over; nothing is sent after that."""
        exchange, doing = self._exchange, self._doing
        if exchange.begun and not exchange.over:
            exchange.closing = True
            self._speeches.call_over(self._at_ms)
            self._tell("session_end")
        exchange.over = doing.over = True
        doing.handover.give_up("caller_gone", desk)
        self._waiting.end(desk)
        desk.deadlines.clear(input_timer.DEADLINE, exchanges.DEADLINE)

    @property
    def is_busy(self) -> bool:
        """Whether the caller is being handed over, or has been."""
        return self._doing.handover.is_under_way or self._doing.handover.done

    @property
    def is_deaf(self) -> bool:
        """Words during a transfer wait for its outcome."""
        return self.is_busy

    @property
    def ear(self) -> FlowEar:
        """The app learns of the caller's voice and keys as they come."""
        return self._ear

    @property
    def has_unfinished_actions(self) -> bool:
        """Whether a transfer still owes its outcome."""
        return self._doing.handover.is_under_way

    @property
    def end_reason(self) -> EndReason | None:
        """Why the call is to end as soon as everything queued has been heard; None while it goes
        on.
        """
        return self._doing.end_reason

    @property
    def end_detail(self) -> str:
        """What was wrong, where the app did not end the call itself."""
        return self._doing.end_detail

    def _app_event(
        self, event: AppAnswered | AppFailed | AppLost | AppBack | AppGone, desk: Desk, now_ms: int
    ) -> None:
        doing, exchange = self._doing, self._exchange
        match event:
            case AppAnswered(event_id=event_id, actions=actions, nothing_to_do=nothing):
                if not exchange.begun:
                    desk.note("flow_problem", {"problem": "actions before the call is answered"})
                    return
                acts = any(not isinstance(action, ASIDE) for action in actions)
                kind = exchange.answered(event_id, desk, now_ms, acts=acts)
                if nothing and kind == "user_speak" and self._plan.answers_each:
                    self._timer.arm()
                after = self._speeches.of_event(event_id)
                doing.run(actions, desk, now_ms, after=after)
            case AppFailed(event_id=event_id, failure=failure):
                desk.note("flow_failure", {"event_id": event_id, "failure": failure})
                if exchange.failed(event_id, desk):
                    doing.give_up(failure, desk, now_ms, answered=exchange.begun)
            case AppLost():
                desk.note("flow_lost")
                exchange.away = True
            case AppBack():
                desk.note("flow_back")
                exchange.away = False
            case AppGone(failure=failure):
                desk.note("flow_failure", {"failure": failure})
                doing.give_up(failure, desk, now_ms, answered=exchange.begun)

    def _sound_event(
        self,
        event: PlayoutStarted | PlayoutFinished | PlayoutStopped | PlayoutFailed | SpeechMade,
        desk: Desk,
        now_ms: int,
    ) -> None:
        utterance_id = event.utterance_id
        match event:
            case PlayoutStarted(at_ms=at_ms):
                self._speeches.started(utterance_id, at_ms)
                return
            case SpeechMade(duration_ms=duration_ms):
                self._speeches.made(utterance_id, duration_ms)
                return
            case PlayoutFinished(at_ms=at_ms):
                ours = self._speeches.ended(utterance_id, at_ms, always=True)
            case PlayoutFailed():
                # An app that waits for the end of its speech must not wait for ever.
                ours = self._speeches.ended(utterance_id, self._at_ms, always=True)
            case PlayoutStopped():
                ours = self._speeches.ended(utterance_id, self._at_ms, always=False)
        if ours:
            self._timer.arm()
        self._doing.utterance_ended(utterance_id, desk, now_ms)

    def _transfer_ended(self, action_call_id: str, outcome: ActionOutcome, desk: Desk) -> None:
        """Take the outcome of a transfer; where the caller comes back the call begins once more."""
        doing = self._doing
        if outcome.success:
            doing.transfer_answered(action_call_id, desk)
            self._exchange.muted = doing.handover.done
        elif doing.transfer_failed(action_call_id, outcome.outcome_class, desk, self._now_ms):
            self._timer.disarm()
            self._tell("session_start")

    @property
    def _at_ms(self) -> int:
        """The call's timeline now."""
        return max(0, self._now_ms - self._answered_ms)

    def _tell_of_speech(self, kind: str, content: Mapping[str, object]) -> str:
        return self._tell(kind, content)

    def _tell(self, kind: str, content: Mapping[str, object] | None = None) -> str:
        assert self._desk is not None, "an operator is offered its call first"
        return self._exchange.tell(self._desk, kind, self._now_ms, content)

    def _after(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self._settle()

    def _settle(self) -> None:
        """After each step: let the caller hear that somebody is at work, where that is so."""
        desk, doing = self._desk, self._doing
        if desk is None or doing.over:
            return
        # While the caller speaks, and while a target rings, it is not the app that is waited for.
        quiet = not self._ear.voice.heard and not self.is_busy and doing.end_reason is None
        self._waiting.settle(desk, self._now_ms, wanted=self._exchange.app_has_turn and quiet)
        self._timer.settle(desk, self._now_ms, may_count=quiet and not doing.given_up)
