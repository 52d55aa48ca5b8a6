"""Text messages of calls: by the linked account of our number, if the dial policy lets us."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cordboard.ports import DialFailed, NewCall, TextSender
from cordboard.storage.phone_numbers import stored_number
from cordboard.telephony.sip.hops import DialForbidden
from cordboard.telephony.twilio.api import TwilioApi
from cordboard.telephony.twilio.texts import TextMessages
from cordboard.wiring.permits import Permits, international
from cordboard.wiring.transfers import our_number
from cordboard.wiring.twilio_accounts import Linked, TwilioAccounts
from cordboard.wiring.twilio_transfers import permit_of, permitted

NO_GATEWAY = "no_gateway"
REFUSED = "refused"


class Texts:
    """``ports.TextSender``; whoever can send adds itself as the ``way``."""

    def __init__(self) -> None:
        self.way: TextSender | None = None

    async def send(self, call: NewCall, number: str, text: str) -> str | None:
        """Hand a message on; return a class of failure, or None where it was taken."""
        return NO_GATEWAY if self.way is None else await self.way.send(call, number, text)


@dataclass(frozen=True, slots=True)
class LinkedTexts:
    """``ports.TextSender``: our number on the call sends, if an account is linked that has it."""

    accounts: TwilioAccounts
    permits: Permits
    home_country: str
    api: Callable[[Linked], TwilioApi]

    async def send(self, call: NewCall, number: str, text: str) -> str | None:
        """Hand a message on; return a class of failure, or None where it was taken."""
        ours = our_number(call)
        linked = await self.accounts.of_caller(call.organisation_id, ours)
        if linked is None:
            return NO_GATEWAY
        try:
            target = await self._permitted(call, number)
        except (DialFailed, DialForbidden, ValueError):
            return REFUSED
        return await TextMessages(self.api(linked)).send(international(ours), target, text)

    async def _permitted(self, call: NewCall, number: str) -> str:
        """Return the number, counted like one that is dialled. Raises ``DialFailed``,
        ``DialForbidden``, and ``ValueError`` where it is none.
        """
        permit = await permit_of(self.permits, call.organisation_id)
        target = permit.judge(international(stored_number(number, self.home_country)))
        await permitted(permit, target)
        permit.over(0)
        return target
