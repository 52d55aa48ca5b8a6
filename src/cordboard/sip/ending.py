"""The one way a confirmed leg ends from our side: BYE, and the wait for its answer."""

from __future__ import annotations

from cordboard.sip.core import Core, Leg, LegState, LegTimer
from cordboard.sip.events import EndedBy
from cordboard.sip.responses import respond


def send_bye(core: Core, leg: Leg, now_ms: int, by: EndedBy, status: int, reason: str) -> None:
    """End a leg whose dialog is confirmed: the call ends now, the leg when BYE is answered."""
    drop_pending(core, leg, now_ms)
    core.stop(leg, LegTimer.ANSWER_AGAIN)
    core.stop(leg, LegTimer.NO_ACK)
    leg.awaited_ack = None
    leg.state = LegState.ENDING
    core.end(leg, by, status, reason)
    core.send_in_dialog(leg, "BYE", now_ms)


def drop_pending(core: Core, leg: Leg, now_ms: int) -> None:
    """Be done with changes under way: answer the peer's, and bound the wait for ours."""
    if leg.outgoing is not None:
        core.transactions.hurry(leg.outgoing, now_ms)
    if leg.pending is not None:
        respond(core, leg.pending, 487, now_ms, to_tag=leg.dialog.local_tag)
        leg.pending = None
    core.stop(leg, LegTimer.REINVITE_UNANSWERED)
