"""From a call that was asked for to where it is sent: trunk, caller id, policy, spelling."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass

import phonenumbers
from sqlalchemy import select

from cordboard.dial_policy import DialRequest, DialRules, Refused, TrunkDialing, decide
from cordboard.sip.datagram import Address
from cordboard.sip.digest import Credentials
from cordboard.sip.fields import BadField, parse_uri
from cordboard.sip.uac import InvitationNames
from cordboard.storage.database import Database
from cordboard.storage.outbound_calls import WantedCall
from cordboard.storage.secrets import secret_in
from cordboard.storage.tables import Number, SipTrunk
from cordboard.storage.vault import SecretUnreadable, Vault
from cordboard.telephony.sip.hops import DialForbidden
from cordboard.telephony.sip.route import Route

RESOLVE_WAIT_S = 3.0
RING_LIMIT_MS = 60_000
SHORT_DIGITS_MAX = 6


class Unroutable(Exception):
    """The call cannot be sent anywhere as its trunk stands; the text is for the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialling:
    """Finds routes. ``sender_host`` gives our own signalling address, once there is one."""

    database: Database
    vault: Vault
    rules: DialRules
    home_country: str
    sender_host: Callable[[], str]
    new_token: Callable[[], str]

    async def route(self, wanted: WantedCall) -> tuple[Route, str]:
        """Return the route of a call, and the number as it is spelt there.

        Raises ``Unroutable``, and ``DialForbidden`` where the policy refuses the number already.
        """
        async with self.database.read() as session:
            trunk = await session.get(SipTrunk, wanted.trunk_id)
            ours = select(Number).where(
                Number.organisation_id == wanted.organisation_id,
                Number.number == wanted.from_number,
                Number.active.is_(True),
            )
            number = (await session.scalars(ours)).first()
        if number is None:
            raise DialForbidden("from_number is no number of the organisation any more")
        if trunk is None or trunk.organisation_id != wanted.organisation_id:
            raise Unroutable("the SIP trunk is gone")
        host, destination = await destination_of(trunk)
        permit = self._permit(wanted, trunk)
        route = Route(
            destination=destination,
            host=host,
            sender=self._spelt(wanted.from_number, trunk),
            sender_host=self.sender_host(),
            permit=permit,
            names=InvitationNames(self.new_token(), self.new_token(), self.new_token()),
            credentials=credentials_of(trunk, self.vault),
            ring_limit_ms=_ring_limit_ms(wanted.params.get("Timeout")),
            digits=wanted.params.get("SendDigits", ""),
        )
        return route, permit()

    def _permit(self, wanted: WantedCall, trunk: SipTrunk) -> Callable[[], str]:
        dialing = TrunkDialing(
            allow_any=bool(trunk.fields.get("allow_any")),
            prefixes=tuple(trunk.fields.get("dial_prefixes") or ()),
        )

        def permit() -> str:
            number = _international(wanted.to_number)
            decision = decide(DialRequest(number=number, trunk=dialing), self.rules)
            if isinstance(decision, Refused):
                setting = f" ({decision.setting})" if decision.setting else ""
                raise DialForbidden(f"{decision.message}{setting}")
            return self._spelt(decision.number, trunk)

        return permit

    def _spelt(self, number: str, trunk: SipTrunk) -> str:
        """Return a number as the trunk wants it; what is no international number stays."""
        written = _international(number)
        if not written.startswith("+"):
            return number
        form = trunk.fields.get("number_format")
        if form == "digits":
            return written.removeprefix("+")
        if form == "national":
            try:
                parsed = phonenumbers.parse(written, None)
            except phonenumbers.NumberParseException:
                return written
            if phonenumbers.region_code_for_number(parsed) == self.home_country:
                return phonenumbers.national_significant_number(parsed)
        return written


def credentials_of(trunk: SipTrunk, vault: Vault) -> Credentials | None:
    """Return who we are to a trunk's peer, if it asks. Raises ``Unroutable``."""
    user = trunk.fields.get("register_user")
    try:
        password = secret_in(vault, trunk, "register_password")
    except SecretUnreadable:
        raise Unroutable("the SIP trunk's password cannot be read") from None
    if not user or password is None:
        return None
    return Credentials(str(user), password, str(trunk.fields.get("realm") or ""))


async def destination_of(trunk: SipTrunk) -> tuple[str, Address]:
    """Return the target's host as URIs have it, and the address it stands for.

    Raises ``Unroutable``.
    """
    try:
        uri = parse_uri(str(trunk.fields.get("target") or ""))
    except BadField:
        raise Unroutable("the SIP trunk has no target") from None
    port = uri.port or 5060
    written = f"{uri.host}:{uri.port}" if uri.port else uri.host
    bare = uri.host.strip("[]")
    try:
        return written, (str(ipaddress.ip_address(bare)), port)
    except ValueError:
        pass
    try:
        async with asyncio.timeout(RESOLVE_WAIT_S):
            found = await asyncio.get_running_loop().getaddrinfo(
                bare, port, family=socket.AF_INET, type=socket.SOCK_DGRAM
            )
    except (OSError, TimeoutError):
        raise Unroutable("the SIP trunk's target has no address") from None
    return written, (str(found[0][4][0]), port)


def _international(number: str) -> str:
    """Return a stored number with its plus; short ones and names are extensions."""
    if number.isdigit() and len(number) > SHORT_DIGITS_MAX:
        return f"+{number}"
    return number


def _ring_limit_ms(seconds: str | None) -> int:
    return RING_LIMIT_MS if seconds is None or not seconds.isdigit() else int(seconds) * 1_000
