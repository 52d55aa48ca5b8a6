"""Source locking (R12): five sockets, spray, spoofing, rebinding."""

from __future__ import annotations

from random import Random

import pytest

from cordboard.media.source import Address, NatMode, SourceLock
from tests.counts import count

SDP: Address = ("198.51.100.7", 4000)
PORT: Address = ("198.51.100.7", 4999)
SIGNALLED: Address = ("203.0.113.9", 700)
OTHER: Address = ("203.0.113.50", 4000)
ATTACKER: Address = ("192.0.2.66", 6666)
BOTH = pytest.mark.parametrize("nat", list(NatMode))


def send(
    lock: SourceLock, source: Address, start: int, packets: int, now_ms: int, ssrc: int = 1
) -> list[bool]:
    """Send a row of packets, 20 ms apart, and return what was accepted."""
    return [
        lock.accept(source, (start + index) & 0xFFFF, ssrc, now_ms + 20 * index)
        for index in range(packets)
    ]


@BOTH
def test_the_signalled_address_is_heard_at_once(nat: NatMode) -> None:
    """The first packet from the SDP's address counts."""
    lock = SourceLock(SDP, nat)
    assert send(lock, SDP, 65_533, 10, 0) == [True] * 10
    assert lock.target == SDP


@pytest.mark.parametrize("source", [PORT, SIGNALLED])
def test_another_port_of_a_known_host_needs_four_packets(source: Address) -> None:
    """The SDP's host and the signalling host are believed after four consecutive packets."""
    lock = SourceLock(SDP, hosts=[SIGNALLED[0]])
    assert send(lock, source, 9, 6, 0) == [False] * 3 + [True] * 3
    assert lock.target == source


def test_strangers_are_never_heard_without_leave() -> None:
    """In the strict mode an unknown host never becomes the target."""
    lock = SourceLock(SDP)
    assert not any(send(lock, OTHER, 0, 200, 0))
    assert lock.target == SDP
    assert lock.refused_count == 200


def test_a_lone_stranger_is_heard_where_allowed() -> None:
    """In the open mode an only candidate is believed after a second."""
    lock = SourceLock(SDP, NatMode.ANY)
    heard = send(lock, OTHER, 0, 80, 0)
    assert heard.index(True) == 50
    assert lock.target == OTHER


def test_two_strangers_are_both_refused() -> None:
    """Where two unknown sources compete, neither is believed."""
    lock = SourceLock(SDP, NatMode.ANY)
    for index in range(200):
        assert not lock.accept(OTHER, index, 1, index * 20)
        assert not lock.accept(ATTACKER, index, 2, index * 20 + 1)
    assert lock.target == SDP


@BOTH
def test_five_sockets(nat: NatMode) -> None:
    """Of five sources sending at once only the best one is heard, whatever the order."""
    sources = [SDP, PORT, SIGNALLED, OTHER, ATTACKER]
    for seed in range(count(20, 500)):
        order = Random(seed).sample(sources, 5)
        lock = SourceLock(SDP, nat)
        heard = []
        for index in range(100):
            for ssrc, source in enumerate(order):
                if lock.accept(source, index, ssrc, index * 20):
                    heard.append(source)
        assert set(heard) == {SDP}
        assert len(heard) == 100


@BOTH
@pytest.mark.parametrize("seed", range(count(200, 2000)))
def test_spray_around_the_first_packet(nat: NatMode, seed: int) -> None:
    """A sprayer before, at and after the first good packet: none of his is heard or answered."""
    random = Random(seed)
    legitimate = random.choice([SDP, PORT])
    lock = SourceLock(SDP, nat)
    begin_ms = random.randrange(0, 900)
    spray_sequence, ssrc = random.randrange(65_536), random.randrange(1 << 32)
    heard: list[bool] = []
    packets = 0
    for now_ms in range(3000):
        for _ in range(random.choice((0, 1, 5))):
            spray_sequence += random.choice((1, 1, 1, random.randrange(65_536)))
            spoofed = random.choice((ssrc, ssrc, 1, random.randrange(1 << 32)))
            source = (ATTACKER[0], random.choice((6666, SDP[1], random.randrange(65_536))))
            assert not lock.accept(source, spray_sequence & 0xFFFF, spoofed, now_ms)
            assert lock.target[0] == SDP[0]
        if now_ms >= begin_ms and (now_ms - begin_ms) % 20 == 0:
            heard.append(lock.accept(legitimate, packets, 1, now_ms))
            packets += 1
    assert heard[3:] == [True] * (len(heard) - 3)
    assert lock.target == legitimate


@BOTH
@pytest.mark.parametrize("seed", range(count(20, 500)))
def test_spoofed_packets_do_not_displace_a_living_stream(nat: NatMode, seed: int) -> None:
    """Forged source addresses with guessed numbers are refused while the true stream lives."""
    random = Random(seed)
    lock = SourceLock(SDP, nat)
    for index in range(300):
        assert lock.accept(SDP, index, 1, index * 20)
        for step in range(5):
            assert not lock.accept(SDP, 30_000 + index * 5 + step, 2, index * 20 + 1 + step)
            assert not lock.accept(SDP, random.randrange(10_000, 60_000), 1, index * 20 + 7)


@BOTH
def test_a_rebinding_recovers_within_a_second(nat: NatMode) -> None:
    """When the NAT gives the caller a new port, the call goes on within a second."""
    lock = SourceLock(SDP, nat)
    assert all(send(lock, SDP, 0, 50, 0))
    heard = send(lock, PORT, 50, 100, 1000)
    assert heard.index(True) * 20 <= 1000
    assert all(heard[heard.index(True) :])
    assert lock.target == PORT


def test_one_relatch_a_call() -> None:
    """A second move is refused, going back to the signalled address is not, nor after an SDP."""
    lock = SourceLock(SDP)
    third: Address = (SDP[0], 7777)
    send(lock, SDP, 0, 50, 0)
    assert send(lock, PORT, 50, 100, 1000)[-1]
    assert not any(send(lock, third, 150, 300, 3000))
    assert send(lock, SDP, 500, 100, 9000)[-1]
    assert not any(send(lock, third, 600, 300, 12_000))
    lock.expect(third)
    assert lock.target == third
    assert send(lock, third, 900, 5, 20_000) == [True] * 5
    assert send(lock, (SDP[0], 8888), 905, 100, 21_000)[-1]


def test_a_new_ssrc_from_the_same_address() -> None:
    """The sender may start a new stream: it is heard after 100 ms, which is no re-latch."""
    lock = SourceLock(SDP)
    send(lock, SDP, 0, 50, 0)
    for change in range(5):
        heard = send(lock, SDP, 7000, 10, 1000 + change * 1000, ssrc=50 + change)
        assert heard[4:] == [True] * 6


def test_the_true_source_displaces_a_stranger() -> None:
    """Once the signalled address speaks, a stranger who was believed is not any more."""
    lock = SourceLock(SDP, NatMode.ANY)
    assert send(lock, ATTACKER, 0, 80, 0)[-1]
    for index in range(50):
        lock.accept(ATTACKER, 80 + index, 1, 1600 + index * 20)
        lock.accept(SDP, index, 2, 1601 + index * 20)
    assert lock.target == SDP
    assert not lock.accept(ATTACKER, 130, 1, 2620)


def test_the_same_sdp_again_changes_nothing() -> None:
    """A re-INVITE with the old address (a session refresh) does not unlock."""
    lock = SourceLock(SDP)
    send(lock, PORT, 0, 10, 0)
    lock.expect(SDP)
    assert lock.target == PORT


def test_a_flood_of_sources_stays_bounded() -> None:
    """However many addresses are tried, the right one still gets in."""
    lock = SourceLock(SDP, NatMode.ANY)
    for index in range(5000):
        lock.accept((ATTACKER[0], index), index & 0xFFFF, index, index // 5)
    assert send(lock, PORT, 0, 6, 1100) == [False] * 3 + [True] * 3
