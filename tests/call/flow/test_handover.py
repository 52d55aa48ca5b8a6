"""A transfer from its beginning to what came of it, and what the app learns meanwhile."""

from __future__ import annotations

from cordboard.call.actions import ActionOutcome
from cordboard.call.commands import EndLeg, PlayStored, RunAction
from cordboard.call.events import (
    ActionFinished,
    AppGone,
    DigitPressed,
    EndReason,
    EndRequested,
    LegEnded,
    LegEndedBy,
    TextSent,
)
from cordboard.call.flow.actions import FlowSendSms, FlowTransfer
from tests.call.flow.driver import FlowDriver, flowing, say

REFUSED = ActionOutcome(False, {}, None, "busy", None)
DONE = ActionOutcome(True, {}, None, "success", None)


def _outcome(call: FlowDriver, outcome: ActionOutcome) -> None:
    call.receive(ActionFinished(call.last(RunAction).call.action_call_id, outcome))


def test_success_lasts() -> None:
    """Connected, the caller stays so: the app learns and says nothing more, and the call is closed
    as soon as the two have hung up.
    """
    call = flowing()
    call.app(FlowSendSms("+49170", "Code"), FlowTransfer(number="+4930555777"))
    _outcome(call, DONE)
    told = list(call.told)
    call.receive(DigitPressed("1"), TextSent(call.texts[0].request_id, "refused"))
    call.pushes(say("Are you there?"))
    call.wait(200_000)
    assert call.told == told
    assert not call.spoken
    assert not call.all(EndLeg)
    call.receive(EndRequested(EndReason.TRANSFERRED), LegEnded("l1", LegEndedBy.LOCAL))
    assert call.told[-1] == "session_end"
    assert call.end is not None
    assert call.end.reason is EndReason.TRANSFERRED


def test_caller_gone() -> None:
    """Nobody waits for the target of a caller who has hung up."""
    call = flowing()
    call.app(FlowTransfer(number="+4930555777", timeout_s=30))
    call.receive(LegEnded("l1", LegEndedBy.FAR_END))
    assert call.end is not None
    assert call.told[-1] == "session_end"


def test_app_gone_while_ringing() -> None:
    """Where the app is gone when its caller comes back, the flow's own way out is taken."""
    call = flowing(fallback_number="+4930555999")
    call.app(FlowTransfer(number="+4930555777", timeout_s=30))
    call.receive(AppGone("unreachable"))
    _outcome(call, REFUSED)
    assert call.last(RunAction).plan.config["phone_number"] == "+4930555999"
    assert call.told.count("session_start") == 1
    call.pushes(say("Back again."))
    _outcome(call, REFUSED)
    assert call.all(PlayStored)
    call.finish_all()
    assert call.all(EndLeg)
    assert call.spoken == ["goodbye"]


def test_words_while_ringing() -> None:
    """What the caller says while the target rings is told once they are back, also a plain yes."""
    call = flowing()
    call.app(FlowTransfer(number="+4930555777", timeout_s=30))
    call.speech("yes")
    call.wait(2_000)
    assert call.told == ["session_start"]
    _outcome(call, REFUSED)
    assert call.told == ["session_start", "session_start", "user_speak"]


def test_no_silence_while_ringing() -> None:
    """The silence of a caller who waits for a target is not told, nor that after their return
    before the app has spoken again.
    """
    call = flowing()
    call.app(say("Which day?", input_timeout_ms=5_000))
    call.finish_all()
    call.pushes(FlowTransfer(number="+4930555777", timeout_s=30))
    call.pushes(say("Still ringing.", input_timeout_ms=5_000))
    call.finish_all()
    call.wait(20_000)
    _outcome(call, REFUSED)
    call.wait(6_000)
    assert "user_input_timeout" not in call.told
