"""The bad network does what it says, and does it again by the same seed."""

from __future__ import annotations

import asyncio
import socket

from tests.e2e.impairment import BEHIND, MIRROR, Conditions, Mirror


def _party() -> socket.socket:
    party = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    party.bind((BEHIND, 0))
    party.setblocking(False)
    return party


async def _send(seed: int, conditions: Conditions, count: int = 400) -> list[bytes]:
    """Send numbered datagrams through a mirror; return what arrived."""
    with _party() as one, _party() as other:
        port = other.getsockname()[1]
        async with Mirror(seed, conditions) as mirror:
            mirror.open(port)
            arrived: list[bytes] = []
            for number in range(count):
                one.sendto(b"%d" % number, (MIRROR, port))
                await asyncio.sleep(0)
                if number % 20 == 0:
                    arrived += _take(other, one.getsockname()[1])
            await asyncio.sleep(0.15)
            return arrived + _take(other, one.getsockname()[1])


def _take(party: socket.socket, port: int) -> list[bytes]:
    """Return what has arrived; all of it must come from the mirror's ``port``."""
    arrived: list[bytes] = []
    while True:
        try:
            payload, address = party.recvfrom(100)
        except BlockingIOError:
            return arrived
        assert address == (MIRROR, port)
        arrived.append(payload)


async def test_same_seed_same_losses() -> None:
    """Which datagrams are lost or doubled follows from the seed."""
    conditions = Conditions(loss=0.1, duplicated=0.1)
    first, again, other = [await _send(seed, conditions) for seed in (1, 1, 2)]
    assert first == again != other
    assert 320 <= len(set(first)) <= 395
    assert len(first) > len(set(first))


async def test_nothing_happens_by_itself() -> None:
    """Without conditions everything arrives, in order and once."""
    arrived = await _send(1, Conditions())
    assert arrived == [b"%d" % number for number in range(400)]


async def test_late_ones_are_overtaken() -> None:
    """Reordered datagrams arrive after those sent later, and all arrive."""
    arrived = [int(payload) for payload in await _send(1, Conditions(reordered=0.1))]
    assert sorted(arrived) == list(range(400)) != arrived


async def test_rebinding() -> None:
    """After a rebinding the other side sees a new port, and what it sends there arrives."""
    with _party() as one, _party() as other:
        mine, port = one.getsockname()[1], other.getsockname()[1]
        async with Mirror(1) as mirror:
            mirror.open(port)
            seen_as = mirror.rebind(mine)
            one.sendto(b"there", (MIRROR, port))
            await asyncio.sleep(0.05)
            payload, address = other.recvfrom(100)
            assert (payload, address) == (b"there", (MIRROR, seen_as))
            other.sendto(b"back", address)
            await asyncio.sleep(0.05)
            assert one.recvfrom(100) == (b"back", (MIRROR, port))
