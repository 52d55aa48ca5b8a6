"""Handing a caller over on a linked account: shown as whom, permitted when, and how it went."""

from __future__ import annotations

import asyncio
from typing import Final

from cordboard.call.events import EndReason, LegEndedBy
from cordboard.dial_policy import TrunkDialing
from cordboard.ports import DialFailed, LegFailed, NewCall, TransferWish
from cordboard.telephony.sip.hops import DialForbidden, DialLater
from cordboard.telephony.twilio import twiml
from cordboard.telephony.twilio.leg import OUTCOMES, TwilioLeg
from cordboard.wiring.caller_ids import shown_caller
from cordboard.wiring.permits import CallPermit, Permits
from cordboard.wiring.transfers import NAME_NOT_SHOWN, NOT_SHOWN, our_number
from cordboard.wiring.twilio_accounts import TwilioAccounts

RINGS_S: Final = 30
"""So long a target rings where nobody says how long."""

LATER_MAX_S: Final = 60.0
TOLD_S: Final = 10.0
"""So long after the ringing Twilio may take to tell how a transfer's target took it."""

_UNANSWERED: Final = {"busy": EndReason.BUSY, "no-answer": EndReason.NO_ANSWER}


async def seen_number(
    accounts: TwilioAccounts, home_country: str, call: NewCall, wish: TransferWish
) -> str:
    """Return the number that a transfer's target is shown, in its stored form.

    The carrier shows numbers of the account, and who called it; no names.
    """
    ours = our_number(call)
    if wish.caller_name:
        wish.noted(NAME_NOT_SHOWN)
    if wish.caller_number is None:
        return ours
    number = shown_caller(wish.caller_number, home_country)
    if number in (ours, call.from_number):
        return number or ours
    if number is not None:
        own = await accounts.of_caller(call.organisation_id, ours)
        theirs = await accounts.of_caller(call.organisation_id, number)
        if own is not None and theirs is not None and own.account_sid == theirs.account_sid:
            return number
    wish.noted(NOT_SHOWN)
    return ours


async def connect(leg: TwilioLeg, dial: twiml.DialPlan) -> None:
    """Have the caller connected, and wait for the answer. Raises ``DialFailed``."""
    try:
        await leg.transfer(dial)
        async with asyncio.timeout(dial.timeout_s + TOLD_S):
            outcome = await leg.progress.transferred()
    except LegFailed as failure:
        raise DialFailed(str(failure), LegEndedBy.LOCAL, EndReason.CARRIER_FAILED) from None
    except TimeoutError:
        outcome = "no-answer"
    if outcome != "answered":
        raise DialFailed(OUTCOMES[outcome], LegEndedBy.FAR_END, _UNANSWERED.get(outcome))


async def permit_of(permits: Permits, organisation_id: str) -> CallPermit:
    """Return the permit of one dial: numbers are written with their plus there."""
    await permits.ready(organisation_id)
    return permits.for_call(organisation_id, TrunkDialing(), lambda text: text)


async def permitted(permit: CallPermit, number: str) -> None:
    """Count a dial, waiting for its turn. Raises ``DialFailed``."""
    try:
        async with asyncio.timeout(LATER_MAX_S):
            while True:
                try:
                    permit.dial(number)
                    return
                except DialLater as later:
                    await asyncio.sleep(later.wait_ms / 1_000)
    except DialForbidden as refusal:
        raise DialFailed(str(refusal), LegEndedBy.LOCAL, EndReason.DIAL_REFUSED) from None
    except TimeoutError:
        reason = "the dial policy's limits leave no room"
        raise DialFailed(reason, LegEndedBy.LOCAL, EndReason.DIAL_REFUSED) from None
