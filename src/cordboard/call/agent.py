"""The agent: an operator that answers with a language model and the actions of its plan."""

from __future__ import annotations

from cordboard.call.action_queue import triggered
from cordboard.call.agent_actions import ACTION_MAX_MS, TRANSFER_MAX_MS, AgentActions
from cordboard.call.bridging import Bridging
from cordboard.call.commands import StoredPhrase
from cordboard.call.desk import Desk, anything
from cordboard.call.events import (
    ActionFinished,
    ActionSent,
    DigitsSent,
    EndReason,
    Event,
    PlayoutFailed,
    PlayoutFinished,
    PlayoutStarted,
    PlayoutStopped,
    ProviderKind,
    ReplyActionAsked,
    ReplyClauseReady,
    ReplyExpected,
    ReplyFailed,
    ReplyFinished,
)
from cordboard.call.expectation import Expectation
from cordboard.call.turns import CallerTurn

OUTAGE_MS = 20_000
"""After so long without a reply the call ends with a stored goodbye."""

RETRY_AFTER_MS = 1_000

_DETAILS: dict[EndReason | None, str] = {
    EndReason.PROVIDER_FAILED: ProviderKind.LANGUAGE_MODEL.value
}


class AgentOperator:
    """Runs one agent on one call. ``opening`` is what its model expects to hear first, where it can
    know.
    """

    ear = None

    def __init__(self, opening: Expectation | None = None) -> None:
        self._opening = opening
        self._greeting_id: str | None = None
        self._reply_id: str | None = None
        self._said: list[str] = []
        self._follow_up = False
        self._retrying = False
        self._actions = AgentActions()
        self._end_reason: EndReason | None = None
        self._bridging = Bridging()
        self._expected = False

    def offered(self, desk: Desk) -> None:
        """Have the greeting made while the call is not answered yet."""
        if self._opening is not None:
            desk.expect(self._opening)
        if desk.plan.initial_message:
            self._greeting_id = desk.say(
                desk.plan.initial_message, kind="initial_message", interruptible=False, prepare=True
            )

    def answered(self, desk: Desk, now_ms: int) -> None:
        """Greet, after the plan's delay."""
        if self._greeting_id is None:
            return
        delay_ms = max(0, desk.plan.turn.initial_message_delay_ms)
        self._bridging.owes(now_ms + delay_ms, now_ms, desk)
        if delay_ms:
            desk.deadlines.set("initial_message", now_ms + delay_ms)
        else:
            desk.start_prepared(self._greeting_id)

    def turn_ended(self, turn: CallerTurn, desk: Desk, now_ms: int) -> None:
        """Answer the caller; a reply that nobody has heard yet is made again with the new words."""
        self._drop_reply(desk)
        self._bridging.restart(desk)
        self._actions.caller_spoke()
        # A turn that waited for the agent to finish has been silent only since then.
        self._start_reply(desk, now_ms if turn.kept else turn.stopped_ms, now_ms)

    def barged_in(self, desk: Desk, now_ms: int) -> None:
        """Give up the reply, withdraw what has not been sent."""
        self._drop_reply(desk)
        self._follow_up = False
        self._end_reason = None
        self._actions.withdraw(desk)
        self._bridging.restart(desk)

    def resumed(self, desk: Desk, now_ms: int) -> None:
        """Run what waited for the caller to leave the floor."""
        self._actions.run_ready(desk)
        self._after(desk, now_ms)

    def handle(self, event: Event, desk: Desk, now_ms: int) -> None:
        """Take an event of a reply, an action, or playout."""
        match event:
            case (
                ReplyClauseReady()
                | ReplyActionAsked()
                | ReplyExpected()
                | ReplyFinished()
                | ReplyFailed()
            ):
                if event.reply_id == self._reply_id:
                    self._reply_event(event, desk, now_ms)
            case PlayoutStarted(utterance_id=utterance_id):
                self._began_to_sound(utterance_id, desk)
            # An action does not hang on its message: one that could not be spoken holds up nothing.
            case (
                PlayoutFinished(utterance_id=utterance_id)
                | PlayoutFailed(utterance_id=utterance_id)
                | PlayoutStopped(utterance_id=utterance_id)
            ):
                self._actions.utterance_heard(utterance_id, desk, ended=True)
            case ActionSent(action_call_id=action_call_id):
                self._actions.sent(action_call_id, desk)
            case ActionFinished(action_call_id=action_call_id, outcome=outcome):
                desk.deadlines.clear("action", "outage")
                self._follow_up |= self._actions.finished(
                    action_call_id, outcome, desk, self._opening
                )
            case DigitsSent(request_id=request_id, failure=failure):
                desk.deadlines.clear("action", "outage")
                self._actions.digits_sent(request_id, failure, desk)
        self._after(desk, now_ms)

    def _after(self, desk: Desk, now_ms: int) -> None:
        if self._actions.wants_end and self._end_reason is None:
            self._end_reason = EndReason.AGENT_ENDED
        self._settle(desk, now_ms)

    def deadline(self, reason: str, desk: Desk, now_ms: int) -> None:
        """Take a deadline that this operator set."""
        if reason == "initial_message" and self._greeting_id is not None:
            desk.start_prepared(self._greeting_id)
        elif reason == "retry_reply":
            self._retrying = False
            self._reply_id = desk.start_reply()
        elif reason == "bridge" and self._owes_sound(desk):
            self._bridging.due(desk, now_ms)
        elif reason == "outage":
            if desk.playback.paused or self._actions.is_running:
                desk.deadlines.set("outage", now_ms + OUTAGE_MS)
            else:
                self._give_up(desk)
        elif reason == "action":
            self._follow_up |= self._actions.overdue(desk, self._opening)
            self._after(desk, now_ms)

    def hung_up(self, desk: Desk) -> None:
        """Stop making replies; what has been sent stays to be recorded."""
        self._drop_reply(desk)
        self._follow_up = False
        self._actions.hung_up = True
        self._actions.withdraw(desk)
        desk.deadlines.clear("bridge", "outage", "retry_reply", "initial_message", "action")

    @property
    def is_busy(self) -> bool:
        """Whether a reply or an action is under way."""
        return self._reply_id is not None or self._retrying or not self._actions.is_empty

    @property
    def is_deaf(self) -> bool:
        """Whether an action is running, during which words are kept and answered later."""
        return self._actions.is_running

    @property
    def has_unfinished_actions(self) -> bool:
        """Whether an action that has left still owes its outcome."""
        return self._actions.is_running

    @property
    def end_reason(self) -> EndReason | None:
        """Why the call is to end once everything queued has been heard; None while it goes on."""
        return self._end_reason

    @property
    def end_detail(self) -> str:
        """The class of provider that could not be had."""
        return _DETAILS.get(self._end_reason, "")

    def _reply_event(
        self,
        event: ReplyClauseReady | ReplyActionAsked | ReplyExpected | ReplyFinished | ReplyFailed,
        desk: Desk,
        now_ms: int,
    ) -> None:
        match event:
            case ReplyClauseReady(text=text):
                if text.strip():
                    self._said.append(text.strip())
                    desk.say(text.strip())
            case ReplyExpected(expectation=expectation):
                self._expected = True
                desk.expect(expectation)
            case ReplyActionAsked(function_name=name, arguments_json=arguments):
                self._follow_up |= self._actions.ask(name, arguments, desk)
                self._said.append("")
            case ReplyFinished():
                self._reply_finished(desk, now_ms)
            case ReplyFailed(failure=failure):
                desk.note("reply_failed", {"reply_id": event.reply_id, "failure": failure})
                self._reply_broke_off(desk, now_ms)

    def _reply_finished(self, desk: Desk, now_ms: int) -> None:
        if not self._said and self._actions.is_empty:
            desk.note("reply_failed", {"reply_id": self._reply_id, "failure": "empty"})
            self._reply_broke_off(desk, now_ms)
            return
        self._reply_id = None
        desk.deadlines.clear("retry_reply")
        if self._opening is None and not self._expected and any(self._said):
            # What was asked for before is not what is asked now.
            desk.expect(anything(desk.plan))
        self._actions.reply_over(desk)
        plan = triggered(desk.plan.actions, " ".join(self._said))
        if plan is not None:
            self._actions.trigger(plan, desk)

    def _reply_broke_off(self, desk: Desk, now_ms: int) -> None:
        self._reply_id = None
        if self._said:
            self._actions.reply_over(desk)
            return
        self._retrying = True
        desk.deadlines.set("retry_reply", now_ms + RETRY_AFTER_MS)

    def _start_reply(self, desk: Desk, since_ms: int, now_ms: int) -> None:
        self._said = []
        self._follow_up = False
        self._expected = False
        self._reply_id = desk.start_reply()
        self._actions.reply_begins()
        # Set already when this reply only follows another one: the caller has waited since then.
        self._bridging.owes(since_ms, now_ms, desk)
        desk.deadlines.set_if_unset("outage", max(since_ms, now_ms) + OUTAGE_MS)

    def _drop_reply(self, desk: Desk) -> None:
        if self._reply_id is not None or self._retrying:
            self._bridging.dropped()
        if self._reply_id is not None:
            desk.cancel_reply(self._reply_id)
            self._reply_id = None
        self._retrying = False
        desk.deadlines.clear("retry_reply")

    def _settle(self, desk: Desk, now_ms: int) -> None:
        """Go on with what reply and actions left to do; while they last, watch over silence."""
        if self._end_reason is not None or self._actions.hung_up:
            desk.deadlines.clear("bridge", "outage", "retry_reply")
            return
        if self._follow_up and not self.is_busy:
            self._start_reply(desk, now_ms, now_ms)
        if self._actions.is_running:
            longest_ms = TRANSFER_MAX_MS if self._actions.is_transferring else ACTION_MAX_MS
            desk.deadlines.set_if_unset("action", now_ms + longest_ms)
        if self._owes_sound(desk):
            self._bridging.owes(now_ms, now_ms, desk)
        else:
            self._bridging.sounds(desk)
        if not (self.is_busy or self._bridging.unanswered) and desk.playback.is_empty:
            desk.deadlines.clear("outage")

    def _began_to_sound(self, utterance_id: str, desk: Desk) -> None:
        utterance = desk.playback.get(utterance_id)
        if utterance is not None and utterance.text:
            # A stored phrase proves nothing: it needs no provider.
            self._bridging.heard(desk)
        self._actions.utterance_heard(utterance_id, desk, ended=False)

    def _owes_sound(self, desk: Desk) -> bool:
        """Tell whether it is the agent's turn and nothing of it sounds yet."""
        has_turn = self.is_busy or not desk.playback.is_empty
        # While a target is rung the caller hears that.
        return has_turn and not desk.playback.is_sounding and not self._actions.is_transferring

    def _give_up(self, desk: Desk) -> None:
        self.hung_up(desk)
        desk.note("gave_up", {"reason": "outage"})
        desk.stop_speaking()
        desk.say_stored(StoredPhrase.GOODBYE, interruptible=False)
        self._end_reason = EndReason.PROVIDER_FAILED
