"""Where one call may still be tried: further addresses of a target, and where a 3xx points."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from cordboard.sip.datagram import Address
from cordboard.sip.events import CallEnded, EndedBy

ATTEMPTS_MAX = 6
"""So many INVITEs one call may take, whatever answers they get."""

SILENCE_MS = 4_000
"""So long an address may say nothing at all, if there is another one to be tried."""


class DialForbidden(Exception):
    """The dial policy says no at the last moment; the text is for the record."""


class DialLater(Exception):
    """The dial policy says not yet; ask again after ``wait_ms``."""

    def __init__(self, wait_ms: int) -> None:
        super().__init__(f"not before {wait_ms} ms")
        self.wait_ms = wait_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One place to send an INVITE to.

    ``permit`` is asked right before each INVITE is made and returns the user part to dial, or
    raises ``DialForbidden`` or ``DialLater``. ``host`` is what Request-URI and To name, ``number``
    what the policy calls the number, ``others`` the further addresses of the same target.
    """

    destination: Address
    host: str
    permit: Callable[[], str]
    number: str = ""
    others: tuple[Address, ...] = ()


Follow = Callable[[str], Awaitable[Hop]]
"""Turns the Contact of a redirection into a hop. Raises ``DialForbidden``."""


async def follow_nobody(contact: str) -> Hop:
    """Refuse every redirection."""
    raise DialForbidden("redirections are not followed here")


class Hops:
    """The places that are left for one call; each is tried once (RFC 3261 8.1.3.4, RFC 3263 4.3).

    ``refusals`` says why the contacts of redirections were not tried, ``forbidden`` whether the
    policy was among the reasons. ``dead`` is told of addresses
    that do not work.
    """

    def __init__(self, first: Hop, follow: Follow, dead: Callable[[Address], None]) -> None:
        self.refusals: list[str] = []
        self.forbidden = False
        self._follow = follow
        self._dead = dead
        self._waiting: list[Hop] = []
        self._seen = {(first.number, first.destination)}
        self._count = 1

    async def after(self, hop: Hop, ended: CallEnded, *, silent: bool) -> Hop | None:
        """Return where to try next after ``hop`` ended so; None where that was the last word."""
        broken = silent or ended.status == 503
        if broken:
            self._dead(hop.destination)
        if self._count >= ATTEMPTS_MAX:
            self.refusals.append("redirected too often")
            return None
        self._count += 1
        if broken and hop.others:
            return replace(hop, destination=hop.others[0], others=hop.others[1:])
        if 300 <= ended.status <= 399:
            self._waiting[:0] = await self._followed(ended.contacts)
        elif ended.status >= 600 or (ended.by is not EndedBy.REMOTE and not silent):
            # Nobody wants this call anywhere, or it has rung for long enough.
            return None
        return self._waiting.pop(0) if self._waiting else None

    async def _followed(self, contacts: tuple[str, ...]) -> list[Hop]:
        found: list[Hop] = []
        for contact in contacts:
            try:
                hop = await self._follow(contact)
            except DialForbidden as refusal:
                self.refusals.append(str(refusal))
                self.forbidden = True
                continue
            key = hop.number, hop.destination
            if key in self._seen:
                self.refusals.append("redirected in a circle")
                continue
            self._seen.add(key)
            found.append(hop)
        return found
