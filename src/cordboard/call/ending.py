"""How a call ends: one path, whatever the cause."""

from __future__ import annotations

from cordboard.call import do_not_call
from cordboard.call.commands import AnswerLeg, CloseCall, DialLeg, EndLeg, StoredPhrase
from cordboard.call.desk import Desk
from cordboard.call.events import EndReason, LegEndedBy
from cordboard.call.lifecycle import LegState, LegStep, Lifecycle
from cordboard.call.operator import Operator
from cordboard.call.playback import Pause

GOODBYE_MAX_MS = 30_000
"""The longest that queued words may hold up the end of a call."""

STORED_GOODBYE_MAX_MS = 5_000
RELEASE_MAX_MS = 5_000
"""How long the far end may take to let go before the call is closed without it."""

LAST_PLAYOUT_MAX_MS = 500
LAST_ACTION_MAX_MS = 11_000


class Ending:
    """Decides when the leg is released and when the call is closed."""

    def __init__(self, desk: Desk, operator: Operator, lifecycle: Lifecycle) -> None:
        self.leg_id = ""
        self.closed = False
        self._desk = desk
        self._operator = operator
        self._lifecycle = lifecycle
        self._reason: EndReason | None = None
        self._detail = ""
        self._when_silent = False
        self._overdue = False

    @property
    def begun(self) -> bool:
        """Whether the call is on its way to its end."""
        return self._reason is not None

    def answer(self) -> None:
        """Answer the leg that was offered."""
        self._desk.give(AnswerLeg(self.leg_id))

    def dial(self) -> None:
        """Call the far end."""
        self._desk.give(DialLeg(self.leg_id))

    def requested(self, reason: EndReason, detail: str, now_ms: int) -> None:
        """End because someone outside the conversation says so."""
        if self._lifecycle.is_over:
            return
        if reason is EndReason.DRAINED and self._lifecycle.has_sound:
            if not self.begun:
                self.with_goodbye(reason, now_ms, detail)
        else:
            self._begin(reason, detail)
            self._release(now_ms)

    def after_speech(self, reason: EndReason, now_ms: int, detail: str = "") -> None:
        """End as soon as everything queued has been heard."""
        self._begin(reason, detail)
        self._when_silent = True
        self._desk.resume_speaking(Pause.OVERLAP)
        self._desk.deadlines.clear_all()
        self._desk.deadlines.set("goodbye", now_ms + GOODBYE_MAX_MS)

    def with_goodbye(self, reason: EndReason, now_ms: int, detail: str = "") -> None:
        """End now, with a stored goodbye in place of whatever was being said."""
        self._operator.hung_up(self._desk)
        self._desk.stop_speaking()
        self._desk.say_stored(StoredPhrase.GOODBYE, interruptible=False)
        self.after_speech(reason, now_ms, detail)
        self._desk.deadlines.set("goodbye", now_ms + STORED_GOODBYE_MAX_MS)

    def leg_ended(
        self, by: LegEndedBy, cause: str, now_ms: int, reason: EndReason | None = None
    ) -> None:
        """The leg is gone, for ``reason`` where that is known: settle what is open, then close."""
        if not self.begun:
            self._begin(reason or _reason_of(by, cause), cause)
        self._operator.hung_up(self._desk)
        self._desk.stop_speaking()
        self._desk.deadlines.clear_all()
        self._desk.deadlines.set("last_playout", now_ms + LAST_PLAYOUT_MAX_MS)
        if self._operator.has_unfinished_actions:
            self._desk.deadlines.set("last_action", now_ms + LAST_ACTION_MAX_MS)

    def due(self, reason: str, now_ms: int) -> bool:
        """Take a deadline of the ending; False if it is not one."""
        if reason == "goodbye":
            self._release(now_ms)
        elif reason == "longest_call":
            if not self.begun:
                self.with_goodbye(EndReason.LONGEST_CALL, now_ms)
        elif reason == "release":
            self._lifecycle.step(LegStep.END)
            self._desk.note("leg_ended", {"by": LegEndedBy.FAILURE.value, "cause": "no_release"})
            self.leg_ended(LegEndedBy.FAILURE, "no_release", now_ms)
        elif reason in ("last_playout", "last_action"):
            self._overdue = not self._desk.deadlines.is_set("last_action")
        else:
            return False
        return True

    def settle(self, now_ms: int) -> None:
        """Take the next step towards the end, where one is due."""
        if self._when_silent and self._desk.playback.is_empty and not self._lifecycle.is_over:
            self._release(now_ms)
        if self._lifecycle.state is not LegState.ENDED or self.closed or self._reason is None:
            return
        silent = self._desk.playback.is_empty or self._overdue
        if silent and (self._overdue or not self._operator.has_unfinished_actions):
            self.closed = True
            self._desk.deadlines.clear_all()
            self._judge_wish()
            self._desk.note("ended", {"reason": self._reason.value, "detail": self._detail})
            self._desk.give(CloseCall(self._reason, self._detail))

    def _judge_wish(self) -> None:
        """Tell whether the callee asked not to be called again, where somebody wants to know."""
        desk = self._desk
        if not desk.plan.detects_do_not_call:
            return
        turns = [said.text for said in desk.transcript.messages() if said.role == "caller"]
        asked = do_not_call.is_asked(desk.plan.language, turns)
        if asked is not None:
            desk.note(do_not_call.ASKED if asked else do_not_call.NOT_ASKED)

    def _begin(self, reason: EndReason, detail: str) -> None:
        if self._reason is None:
            self._reason = reason
            self._detail = detail

    def _release(self, now_ms: int) -> None:
        self._when_silent = False
        if self._lifecycle.step(LegStep.RELEASE):
            self._operator.hung_up(self._desk)
            self._desk.stop_speaking()
            self._desk.deadlines.clear_all()
            if self._lifecycle.state is LegState.ENDING:
                self._desk.deadlines.set("release", now_ms + RELEASE_MAX_MS)
                self._desk.give(EndLeg(self.leg_id))


def _reason_of(by: LegEndedBy, cause: str) -> EndReason:
    if by is not LegEndedBy.FAR_END:
        return EndReason.CARRIER_FAILED
    return EndReason.CALLER_CANCELLED if cause == "cancelled" else EndReason.CALLER_HUNG_UP
