"""Hands the caller over: another leg is placed and, once answered, bridged with the caller's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from cordboard.call.actions import ActionOutcome
from cordboard.call.commands import RunAction
from cordboard.call.events import (
    ActionFinished,
    ActionSent,
    EndReason,
    EndRequested,
    Event,
    LegEndedBy,
)
from cordboard.engine.bridge import Bridge
from cordboard.engine.facts import FactLog
from cordboard.engine.line import Line
from cordboard.engine.parts import CallParts
from cordboard.engine.ringback import Ringback
from cordboard.media.tones import RINGBACK, RINGBACK_EUROPE, Cadence
from cordboard.ports import (
    DialFailed,
    Direction,
    HandedOver,
    NewCall,
    OutgoingLeg,
    TransferWish,
)

log = logging.getLogger(__name__)

TRANSFER_S = 70.0
TRANSFER_SLACK_S = 2.0
"""How much longer than it may ring the target is waited for."""

RELEASE_S = 1.0

_CLASSES = {
    EndReason.BUSY: "busy",
    EndReason.NO_ANSWER: "no_answer",
    EndReason.REJECTED: "rejected",
    EndReason.DIAL_REFUSED: "refused",
}


class Transferring:
    """One transfer at a time. While the target rings the caller stays with the agent, and hears
    that it rings; a target that does not answer is the action's outcome.
    """

    def __init__(
        self, parts: CallParts, line: Line, facts: FactLog, post: Callable[[Event], None]
    ) -> None:
        self._parts = parts
        self._line = line
        self._facts = facts
        self._post = post

    async def run(self, command: RunAction) -> None:
        """Try a transfer to its outcome, and stay until the target hangs up."""
        action_call_id = command.call.action_call_id
        self._post(ActionSent(action_call_id))
        wish = self._wish(command.plan.config)
        desk = self._parts.engine.transfers
        try:
            if desk is None:
                raise DialFailed("this carrier cannot transfer", LegEndedBy.LOCAL, None)
            target = await desk.leg(self._parts.call, self._parts.leg, wish)
        except DialFailed as failure:
            self._post(ActionFinished(action_call_id, _failed(failure)))
            return
        if isinstance(target, HandedOver):
            self._post(ActionFinished(action_call_id, _done()))
            if target.lets_go:
                self._post(EndRequested(EndReason.TRANSFERRED))
            return
        try:
            await self._connect(target, action_call_id, wish.rings_s)
        finally:
            self._line.unbridge()
            async with asyncio.timeout(RELEASE_S):
                await target.end()

    def _wish(self, config: Mapping[str, object]) -> TransferWish:
        number, rings_s = config.get("caller_id_number"), config.get("rings_s")
        return TransferWish(
            number=str(config.get("phone_number") or ""),
            caller_name=str(config.get("caller_id_name") or ""),
            caller_number=str(number) if number else None,
            rings_s=rings_s if isinstance(rings_s, int) else None,
            noted=lambda problem: self._facts.keep("warning", {"warning": problem}),
        )

    async def _connect(self, target: OutgoingLeg, action_call_id: str, rings_s: int | None) -> None:
        wait_s = TRANSFER_S if rings_s is None else rings_s + TRANSFER_SLACK_S
        sink = _TargetSink()
        target.start(sink)
        try:
            self._line.let_ring(Ringback(self._parts.leg, _cadence(self._parts.call)))
            async with asyncio.timeout(wait_s):
                await target.dial(lambda early: None)
        except DialFailed as failure:
            self._post(ActionFinished(action_call_id, _failed(failure)))
            return
        except TimeoutError:
            late = DialFailed("no answer", LegEndedBy.LOCAL, EndReason.NO_ANSWER)
            self._post(ActionFinished(action_call_id, _failed(late)))
            return
        finally:
            self._line.let_ring(None)
        sink.bridge = Bridge(self._parts.leg, target)
        self._line.bridge(sink.bridge, target)
        self._post(ActionFinished(action_call_id, _done()))
        await sink.over.wait()
        self._post(EndRequested(EndReason.TRANSFERRED))


class _TargetSink:
    """What the target's leg delivers."""

    def __init__(self) -> None:
        self.bridge: Bridge | None = None
        self.over = asyncio.Event()

    def audio_received(self, payload: bytes) -> None:
        if self.bridge is not None:
            self.bridge.target_said(payload)

    def mark_reached(self, mark: str) -> None:
        pass

    def digit_pressed(self, digit: str) -> None:
        pass

    def digits_sent(self, request_id: str, failure: str | None) -> None:
        if failure is not None:
            log.info("transfer.digits_failed", extra={"why": failure})

    def held(self, on: bool) -> None:
        pass

    def codec_changed(self) -> None:
        if self.bridge is not None:
            self.bridge.codec_changed()

    def ended(self, by: LegEndedBy, cause: str) -> None:
        self.over.set()


def _cadence(call: NewCall) -> Cadence:
    """Return how ringing sounds where our number is."""
    ours = call.to_number if call.direction is Direction.INBOUND else call.from_number
    return RINGBACK if ours.lstrip("+").startswith("1") else RINGBACK_EUROPE


def _done() -> ActionOutcome:
    return ActionOutcome(True, {"info": "transferred"}, None, "success", None)


def _failed(failure: DialFailed) -> ActionOutcome:
    kind = "unreachable" if failure.reason is None else _CLASSES.get(failure.reason, "unreachable")
    return ActionOutcome(False, {"info": str(failure)[:200]}, None, kind, None)
