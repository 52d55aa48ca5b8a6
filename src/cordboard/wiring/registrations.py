"""Keeps the trunks that want it registered at their peers, as trunks come, change and go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from cordboard.sip.events import RegistrationChanged, SipEvent
from cordboard.sip.fields import BadField
from cordboard.sip.registration import Binding
from cordboard.storage.tables import SipTrunk
from cordboard.storage.trunk_rows import BY_OPERATOR
from cordboard.storage.vault import Vault
from cordboard.telephony.sip.endpoint import SipEndpoint
from cordboard.telephony.sip.hops import DialForbidden
from cordboard.telephony.sip.location import Locator
from cordboard.wiring.dialling import Unroutable, credentials_of, located
from cordboard.wiring.reach import TrunkReach

log = logging.getLogger(__name__)

LEAVE_WAIT_S = 1.0
AGAIN_MS = 30_000
"""So long a trunk that cannot be registered at all is left alone, unless it changes."""


class TrunkRegistrations:
    """Call ``follow`` with the trunks there are, again and again; ``leave`` takes all back."""

    def __init__(
        self, endpoint: SipEndpoint, vault: Vault, locator: Locator, reach: TrunkReach
    ) -> None:
        self._endpoint = endpoint
        self._locator = locator
        self._reach = reach
        self._vault = vault
        self._kept: dict[str, _Kept] = {}
        self._failed: dict[str, tuple[object, int]] = {}

    async def follow(self, trunks: Sequence[SipTrunk]) -> None:
        """Register what is new, take back what is gone, both for what has changed."""
        wanted = {trunk.id: trunk for trunk in trunks if trunk.fields.get("register")}
        for trunk_id, kept in list(self._kept.items()):
            trunk = wanted.get(trunk_id)
            if trunk is None or _content(trunk) != kept.content:
                del self._kept[trunk_id]
                self._endpoint.agent.registrations.remove(kept.handle, self._endpoint.now_ms)
        for trunk_id, trunk in wanted.items():
            content, until_ms = self._failed.get(trunk_id, (None, 0))
            resting = content == _content(trunk) and self._endpoint.now_ms < until_ms
            if trunk_id not in self._kept and not resting:
                await self._register(trunk)
        self._endpoint.pump()

    def networks(self, trunk_id: str) -> tuple[IPv4Network | IPv6Network, ...]:
        """Return where calls of a registered trunk come from: its registrar's hosts."""
        kept = self._kept.get(trunk_id)
        return () if kept is None else tuple(ip_network(host) for host in kept.hosts)

    async def leave(self) -> None:
        """Take all registrations back, and wait a moment for the answers."""
        kept, self._kept = list(self._kept.values()), {}
        for each in kept:
            self._endpoint.agent.registrations.remove(each.handle, self._endpoint.now_ms)
        self._endpoint.pump()
        try:
            async with asyncio.timeout(LEAVE_WAIT_S):
                for each in kept:
                    await each.over.wait()
        except TimeoutError:
            log.info("sip.registrations_left", extra={"count": len(kept)})

    async def _register(self, trunk: SipTrunk) -> None:
        try:
            host, addresses = await located(trunk, self._locator, self._reach)
            credentials = credentials_of(trunk, self._vault)
            user = str(trunk.fields.get("register_user") or "")
            binding = Binding(f"sip:{host}", f"sip:{user}@{host}", addresses[0], credentials)
            registrations = self._endpoint.agent.registrations
            handle = registrations.add(binding, self._endpoint.now_ms)
        except (Unroutable, DialForbidden, BadField) as problem:
            log.warning("sip.cannot_register", extra={"trunk": trunk.id, "why": str(problem)})
            self._failed[trunk.id] = _content(trunk), self._endpoint.now_ms + AGAIN_MS
            return
        self._failed.pop(trunk.id, None)
        hosts = tuple(dict.fromkeys(address[0] for address in addresses))
        kept = _Kept(trunk.id, handle, hosts, _content(trunk))
        self._kept[trunk.id] = kept
        self._endpoint.listen(handle, kept)


class _Kept:
    """One trunk's registration, as the endpoint's listener."""

    def __init__(self, trunk_id: str, handle: str, hosts: tuple[str, ...], content: object) -> None:
        self.handle = handle
        self.hosts = hosts
        self.content = content
        self.over = asyncio.Event()
        self._trunk_id = trunk_id

    def sip_event(self, event: SipEvent) -> None:
        if not isinstance(event, RegistrationChanged):
            return
        told = {"trunk": self._trunk_id, "status": event.status, "why": event.reason}
        if event.is_up:
            log.info("sip.registered", extra=told)
        elif not event.is_over:
            log.warning("sip.not_registered", extra=told)
        if event.is_over:
            self.over.set()


def _content(trunk: SipTrunk) -> object:
    """Return what a registration depends on."""
    names = ("target", "register_user", "realm", BY_OPERATOR)
    return [trunk.fields.get(name) for name in names], dict(trunk.secrets)
