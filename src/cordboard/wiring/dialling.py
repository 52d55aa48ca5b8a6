"""From a call that was asked for to where it is sent: trunk, caller id, policy, spelling."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import phonenumbers

from cordboard.dial_policy import TrunkDialing
from cordboard.egress import OPEN_NETWORKS_SETTING
from cordboard.sip.datagram import Address
from cordboard.sip.digest import Credentials
from cordboard.sip.fields import BadField, parse_uri
from cordboard.sip.uac import InvitationNames
from cordboard.storage.database import Database
from cordboard.storage.outbound_calls import WantedCall
from cordboard.storage.secrets import secret_in
from cordboard.storage.tables import SipTrunk
from cordboard.storage.vault import SecretUnreadable, Vault
from cordboard.telephony.sip.hops import DialForbidden, Follow, Hop
from cordboard.telephony.sip.location import Locator, NotLocated, NotPermitted
from cordboard.telephony.sip.route import Route
from cordboard.wiring.caller_ids import OWN, is_ours, seen_as
from cordboard.wiring.permits import CallPermit, Permits, international
from cordboard.wiring.reach import TrunkReach

RING_LIMIT_MS = 60_000


class Unroutable(Exception):
    """The call cannot be sent anywhere as its trunk stands; the text is for the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialling:
    """Finds routes. ``sender_host`` gives our own signalling address, once there is one; ``reach``
    judges where trunks lead.
    """

    database: Database
    vault: Vault
    permits: Permits
    locator: Locator
    reach: TrunkReach
    home_country: str
    sender_host: Callable[[], str]
    new_token: Callable[[], str]

    async def route(self, wanted: WantedCall) -> tuple[Route, str]:
        """Return the route of a call, and the number as it is spelt there.

        Raises ``Unroutable``, and ``DialForbidden`` where the policy refuses the number already.
        """
        async with self.database.read() as session:
            trunk = await session.get(SipTrunk, wanted.trunk_id)
            ours = await is_ours(session, wanted.organisation_id, wanted.from_number)
            wish = wanted.caller_number
            wish_is_ours = bool(wish and await is_ours(session, wanted.organisation_id, wish))
        if not ours:
            raise DialForbidden("from_number is no number of the organisation any more")
        if trunk is None or trunk.organisation_id != wanted.organisation_id:
            raise Unroutable("the SIP trunk is gone")
        host, addresses = await located(trunk, self.locator, self.reach)
        permit = await self._permit(wanted, trunk)
        dialled = permit.judge(international(wanted.to_number))
        seen = seen_as(wanted, str(trunk.fields.get("caller_id") or OWN), shows_own=wish_is_ours)
        route = Route(
            destination=addresses[0],
            host=host,
            sender=self._spelt(seen.number, trunk),
            sender_host=self.sender_host(),
            permit=partial(permit.dial, dialled),
            names=InvitationNames(self.new_token(), self.new_token(), self.new_token()),
            credentials=credentials_of(trunk, self.vault),
            ring_limit_ms=_ring_limit_ms(wanted.params.get("Timeout")),
            digits=wanted.params.get("SendDigits", ""),
            number=dialled,
            others=addresses[1:],
            follow=self._follow(trunk, host, addresses, permit),
            dead=self.locator.dead,
            over=permit.over,
            refers=trunk.fields.get("transfer") == "refer",
            sender_name=seen.name,
            asserted=self._spelt(seen.asserted, trunk) if seen.asserted else "",
            shown_as_wished=seen.as_wished,
        )
        return route, permit.spell(dialled)

    async def _permit(self, wanted: WantedCall, trunk: SipTrunk) -> CallPermit:
        dialing = TrunkDialing(
            allow_any=bool(trunk.fields.get("allow_any")),
            prefixes=tuple(trunk.fields.get("dial_prefixes") or ()),
        )
        await self.permits.ready(wanted.organisation_id)
        return self.permits.for_call(
            wanted.organisation_id, dialing, partial(self._spelt, trunk=trunk)
        )

    def _follow(
        self, trunk: SipTrunk, host: str, addresses: tuple[Address, ...], permit: CallPermit
    ) -> Follow:
        """Return who judges redirections: their number by the policy, their host by the trunk."""

        async def follow(contact: str) -> Hop:
            try:
                uri = parse_uri(contact)
            except BadField:
                raise DialForbidden("redirected to what is no SIP address") from None
            number = permit.judge(uri.user or "")
            written = _written(uri.host, uri.port)
            found = addresses
            if written != host:
                found = await self._trunk_addresses(trunk, contact, addresses)
            return Hop(
                destination=found[0],
                host=written,
                permit=partial(permit.dial, number),
                number=number,
                others=found[1:],
            )

        return follow

    async def _trunk_addresses(
        self, trunk: SipTrunk, contact: str, known: tuple[Address, ...]
    ) -> tuple[Address, ...]:
        """Return the addresses of a contact's host that belong to the trunk."""
        try:
            found = await self.locator.locate(contact, lambda address: True)
        except NotLocated as nowhere:
            raise DialForbidden(f"redirected to nowhere: {nowhere}") from None
        hosts = {address[0] for address in known}
        networks = [ipaddress.ip_network(text) for text in trunk.fields.get("networks") or ()]
        ours = tuple(
            address
            for address in found
            if address[0] in hosts
            or any(ipaddress.ip_address(address[0]) in network for network in networks)
        )
        if not ours:
            raise DialForbidden("redirected to a host that is not in the trunk's `networks`")
        if not all(map(self.reach.of(trunk), ours)):
            raise DialForbidden("redirected to an address or port that is not open to trunks")
        return ours

    def _spelt(self, number: str, trunk: SipTrunk) -> str:
        """Return a number as the trunk wants it; what is no international number stays."""
        written = international(number)
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


async def located(
    trunk: SipTrunk, locator: Locator, reach: TrunkReach
) -> tuple[str, tuple[Address, ...]]:
    """Return the target's host as URIs have it, and the addresses it stands for, best first.

    Raises ``Unroutable``, and ``DialForbidden`` where one of them is not open to the trunk.
    """
    target = str(trunk.fields.get("target") or "")
    try:
        uri = parse_uri(target)
        return _written(uri.host, uri.port), await locator.locate(target, reach.of(trunk))
    except BadField:
        raise Unroutable("the SIP trunk has no target") from None
    except NotPermitted as inside:
        raise DialForbidden(f"the SIP trunk's target {inside} ({OPEN_NETWORKS_SETTING})") from None
    except NotLocated as nowhere:
        raise Unroutable(f"the SIP trunk's target: {nowhere}") from None


def _written(host: str, port: int | None) -> str:
    return f"{host}:{port}" if port else host


def _ring_limit_ms(seconds: str | None) -> int:
    return RING_LIMIT_MS if seconds is None or not seconds.isdigit() else int(seconds) * 1_000
