"""What a status says of a call that was placed and not answered."""

from __future__ import annotations

from cordboard.call.events import EndReason, LegEndedBy

_REASONS = {
    **dict.fromkeys((486, 600), EndReason.BUSY),
    **dict.fromkeys((408, 480, 487), EndReason.NO_ANSWER),
    **dict.fromkeys((403, 433, 603, 607, 608), EndReason.REJECTED),
    **dict.fromkeys((401, 407), EndReason.CARRIER_FAILED),
}


def reason_of(status: int) -> tuple[LegEndedBy, EndReason]:
    """Return who ended it and why (RFC 3261 21)."""
    reason = _REASONS.get(status)
    if reason is None:
        reason = EndReason.CARRIER_FAILED if 500 <= status <= 599 else EndReason.UNREACHABLE
    return LegEndedBy.FAR_END, reason
