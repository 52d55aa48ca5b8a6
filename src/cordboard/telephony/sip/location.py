"""From a SIP URI to the addresses that stand for it: NAPTR, SRV, A (RFC 3263), UDP only."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cordboard.ports import Clock
from cordboard.sip.datagram import Address
from cordboard.sip.fields import BadField, parse_uri

SIP_PORT = 5060
UDP_SERVICE = "SIP+D2U"
ADDRESSES_MAX = 8
LOCATE_WAIT_S = 4.0
QUESTION_WAIT_S = 1.0
DEAD_FOR_MS = 60_000
"""So long an address that did not work is tried after the others."""


class NotLocated(Exception):
    """Nothing is known to listen there; the text is for the record."""


class NotPermitted(NotLocated):
    """Something listens there, perhaps, but it may not be spoken to."""


Permits = Callable[[Address], bool]
"""Tells whether an address may be sent anything."""


@dataclass(frozen=True, slots=True)
class Service:
    """One SRV record (RFC 2782): lower ``priority`` first, higher ``weight`` more often."""

    priority: int
    weight: int
    port: int
    host: str


@dataclass(frozen=True, slots=True)
class Naming:
    """One NAPTR record (RFC 3403) whose ``replacement`` is the name of services."""

    order: int
    preference: int
    service: str
    replacement: str


class Lookup(Protocol):
    """Questions to the name service; an empty answer where there is no such record."""

    async def naming(self, domain: str) -> Sequence[Naming]:
        """Return NAPTR records with flag ``s``."""
        ...

    async def services(self, name: str) -> Sequence[Service]:
        """Return SRV records."""
        ...

    async def addresses(self, host: str) -> Sequence[str]:
        """Return IPv4 addresses."""
        ...


class NameService:
    """``Lookup`` by ``resolver`` (dnspython's), else by the one the system is set up for; records
    are kept for as long as they say.
    """

    def __init__(self, resolver: Any = None) -> None:
        self._resolver = resolver

    async def naming(self, domain: str) -> Sequence[Naming]:
        """Return NAPTR records with flag ``s``."""
        return [
            Naming(
                *(each.order, each.preference, each.service.decode("ascii", "replace").upper()),
                each.replacement.to_text(omit_final_dot=True),
            )
            for each in await self._ask(domain, "NAPTR")
            if each.flags.lower() == b"s"
        ]

    async def services(self, name: str) -> Sequence[Service]:
        """Return SRV records."""
        return [
            Service(
                *(each.priority, each.weight, each.port),
                each.target.to_text(omit_final_dot=True),
            )
            for each in await self._ask(name, "SRV")
        ]

    async def addresses(self, host: str) -> Sequence[str]:
        """Return IPv4 addresses, also of names that only this machine knows."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(
                host, None, family=socket.AF_INET, type=socket.SOCK_DGRAM
            )
        except OSError:
            return []
        return list(dict.fromkeys(str(each[4][0]) for each in found))

    async def _ask(self, name: str, kind: str) -> Sequence[Any]:
        # Imported when used: most trunks are an address, or a name with its port.
        from dns import asyncresolver, exception, resolver

        try:
            if self._resolver is None:
                self._resolver = asyncresolver.Resolver()
                self._resolver.cache = resolver.LRUCache(1_000)
                self._resolver.lifetime = QUESTION_WAIT_S
            return list(await self._resolver.resolve(name, kind, search=False))
        except (exception.DNSException, OSError):
            # No such record, no such name, or nobody who could tell: the next step of the RFC.
            return []


class Locator:
    """Finds addresses, best first. ``chance`` returns a number from 0 up to, not with, its
    argument.
    """

    def __init__(self, lookup: Lookup, clock: Clock, chance: Callable[[int], int]) -> None:
        self._lookup = lookup
        self._clock = clock
        self._chance = chance
        self._dead: dict[Address, int] = {}

    def dead(self, address: Address) -> None:
        """Try this address last for a while."""
        now_ms = self._clock.now_ms()
        self._dead = {each: until for each, until in self._dead.items() if until > now_ms}
        self._dead[address] = now_ms + DEAD_FOR_MS

    async def locate(self, uri: str, permits: Permits) -> tuple[Address, ...]:
        """Return one to eight addresses, each of them permitted: one that is not refuses them all.

        Raises ``NotLocated``, and its kind ``NotPermitted``.
        """
        found = await self._found(uri)
        if not all(permits(address) for address in found):
            raise NotPermitted("leads to an address or port that is not open to trunks")
        now_ms = self._clock.now_ms()
        alive_first = sorted(
            dict.fromkeys(found), key=lambda address: self._dead.get(address, 0) > now_ms
        )
        return tuple(alive_first[:ADDRESSES_MAX])

    async def _found(self, uri: str) -> Sequence[Address]:
        """Return all addresses there are. Raises ``NotLocated``."""
        try:
            parsed = parse_uri(uri)
        except BadField as bad:
            raise NotLocated(str(bad)) from None
        transport = str(parsed.parameters.get("transport") or "udp").lower()
        if parsed.scheme != "sip" or not parsed.host or transport != "udp":
            raise NotLocated("only sip: targets are spoken to so far, by udp")
        host = parsed.host.strip("[]").rstrip(".")
        try:
            return ((str(ipaddress.ip_address(host)), parsed.port or SIP_PORT),)
        except ValueError:
            pass
        try:
            async with asyncio.timeout(LOCATE_WAIT_S):
                found = await self._named(host, parsed.port)
        except TimeoutError:
            raise NotLocated(f"{host}: the name service did not answer") from None
        if not found:
            raise NotLocated(f"{host} has no address")
        return found

    async def _named(self, host: str, port: int | None) -> list[Address]:
        if port is not None:
            # A port that is named means that host (RFC 3263 4.2).
            return [(each, port) for each in await self._lookup.addresses(host)]
        for name in await self._service_names(host):
            services = await self._lookup.services(name)
            if services:
                return await self._of_services(services)
        return [(each, SIP_PORT) for each in await self._lookup.addresses(host)]

    async def _service_names(self, host: str) -> list[str]:
        named = [each for each in await self._lookup.naming(host) if each.service == UDP_SERVICE]
        named.sort(key=lambda each: (each.order, each.preference))
        return [*(each.replacement for each in named[:3]), f"_sip._udp.{host}"]

    async def _of_services(self, services: Sequence[Service]) -> list[Address]:
        found: list[Address] = []
        for service in in_turn(services, self._chance):
            if service.host in ("", ".") or not service.port:
                continue  # "decidedly not available" (RFC 2782)
            found += [(each, service.port) for each in await self._lookup.addresses(service.host)]
            if len(found) >= ADDRESSES_MAX:
                break
        return found


def in_turn(services: Sequence[Service], chance: Callable[[int], int]) -> list[Service]:
    """Return services as RFC 2782 has them tried: by priority, within it by weighted chance."""
    ordered: list[Service] = []
    for priority in sorted({each.priority for each in services}):
        left = [each for each in services if each.priority == priority]
        while left:
            mark = chance(sum(each.weight for each in left) + 1)
            for each in sorted(left, key=lambda service: service.weight):
                mark -= each.weight
                if mark <= 0:
                    ordered.append(each)
                    left.remove(each)
                    break
    return ordered
