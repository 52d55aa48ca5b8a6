"""Calls whose ends act at once, over a line that loses, delays, reorders and copies (R29)."""

from __future__ import annotations

import random
import re

import pytest

from cordboard.sip.datagram import Address
from cordboard.sip.events import (
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallOffered,
    ReinviteReceived,
    SipEvent,
)
from cordboard.sip.uac import Invitation
from tests.counts import count
from tests.sip.link import ALICE, BOB, SDP, Link


class Torment:
    """One call and the random will of both its ends, by one seed."""

    def __init__(self, seed: int) -> None:
        self.will = random.Random(seed)
        self.link = Link(seed, loss=0.05, copies=0.05)
        self.link.on_event = self._on_event
        self.alice = self.link.add(ALICE)
        self.bob = self.link.add(BOB)
        self.callee = ""
        offer = SDP if self.will.random() < 0.8 else b""
        invitation = Invitation("sip:100@192.0.2.2", "sip:a@192.0.2.1", BOB, offer)
        self.caller = self.alice.calls.invite(invitation, 0)
        self._plan_caller()

    def _at(self, low_ms: int, high_ms: int) -> int:
        return self.will.randrange(low_ms, high_ms)

    def _plan_caller(self) -> None:
        link, alice, will = self.link, self.alice, self.will
        if will.random() < 0.7:
            delay_ms = self._at(0, 1_500) if will.random() < 0.6 else self._at(0, 90_000)
            link.later(delay_ms, lambda: _ignore(alice.calls.hang_up(self.caller, link.now_ms)))
        for _ in range(will.randrange(3)):
            self._plan_change(ALICE, 100, 3_000)
        if will.random() < 0.4:
            for where in (ALICE, BOB):
                self._plan_change(where, 2_500, 2_510)
        if will.random() < 0.1:
            victim = will.choice((ALICE, BOB))
            link.later(self._at(0, 3_000), lambda: link.unplugged.add(victim))

    def _plan_change(self, where: Address, low_ms: int, high_ms: int) -> None:
        def change() -> None:
            agent = self.link.agents[where]
            handle = self.caller if where == ALICE else self.callee
            agent.requests.reinvite(handle, SDP, self.link.now_ms)
            agent.requests.send_info(handle, "application/dtmf", b"5", self.link.now_ms)

        self.link.later(self._at(low_ms, high_ms), change)

    def _on_event(self, where: Address, event: SipEvent) -> None:
        if isinstance(event, CallOffered):
            assert not self.callee, "a second call from one INVITE"
            self.callee = event.handle
            self._plan_callee()
        elif isinstance(event, ReinviteReceived):
            self._plan_answer(where, event)

    def _plan_callee(self) -> None:
        link, bob, will, handle = self.link, self.bob, self.will, self.callee
        answer_ms = self._at(0, 1_500)
        if will.random() < 0.6:
            link.later(answer_ms // 2, lambda: _ignore(bob.calls.ring(handle, link.now_ms)))
        kind = will.random()
        if kind < 0.75:
            link.later(answer_ms, lambda: _ignore(bob.calls.answer(handle, SDP, link.now_ms)))
        elif kind < 0.9:
            link.later(answer_ms, lambda: _ignore(bob.calls.reject(handle, 486, link.now_ms)))
        if will.random() < 0.5:
            delay_ms = self._at(0, 4_000)
            link.later(delay_ms, lambda: _ignore(bob.calls.hang_up(handle, link.now_ms)))
        for _ in range(will.randrange(3)):
            self._plan_change(BOB, 100, 3_000)

    def _plan_answer(self, where: Address, event: ReinviteReceived) -> None:
        agent, link, handle = self.link.agents[where], self.link, event.handle
        if self.will.random() < 0.9:
            link.later(
                self._at(0, 300),
                lambda: _ignore(agent.requests.answer_reinvite(handle, SDP, link.now_ms)),
            )

    def finish(self) -> None:
        """Hang up what still lives after two minutes, wait, and judge."""
        self.link.run(120_000)
        self.alice.calls.hang_up(self.caller, self.link.now_ms)
        self.bob.calls.hang_up(self.callee, self.link.now_ms)
        self.link.run(400_000)
        self.link.check()
        self._check_wire()

    def _check_wire(self) -> None:
        """Judge what only the wire shows: rising CSeq, BYE for every answered call."""
        link = self.link
        for source in (ALICE, BOB):
            numbers = [
                int(match[1])
                for _, who, _, payload in link.wire
                if who == source
                and (match := re.search(rb"CSeq: (\d+) (?:BYE|INFO|INVITE)", payload))
                and not payload.startswith(b"SIP/2.0")
            ]
            firsts = list(dict.fromkeys(numbers))
            assert firsts == sorted(firsts)
        talked = link.events_of(BOB, CallConfirmed) or link.events_of(ALICE, CallAnswered)
        if talked:
            assert link.sent(ALICE, b"BYE") or link.sent(BOB, b"BYE")


def _ends(torment: Torment) -> set[str]:
    """Return which of the things worth reaching a race has reached."""
    link = torment.link
    names = {type(event).__name__ for events in link.seen.values() for event in events}
    for where, who in ((ALICE, "caller"), (BOB, "callee")):
        for event in link.seen[where]:
            if isinstance(event, CallEnded):
                names.add(f"{who} ended by {event.by} {event.status}")
    firsts = {payload[:12] for _, _, _, payload in link.wire}
    return names | {first.decode() for first in firsts}


def test_the_races_reach_what_they_are_for() -> None:
    """The seeds of ``make test`` meet answers, refusals, CANCEL, glare, lost ACKs and dead ends."""
    reached: set[str] = set()
    for seed in range(60):
        torment = Torment(seed)
        torment.finish()
        reached |= _ends(torment)
    assert reached >= {
        "CallOffered", "CallConfirmed", "CallAnswered", "ReinviteReceived", "ReinviteConfirmed",
        "DigitPressed", "SIP/2.0 491 ", "SIP/2.0 487 ", "SIP/2.0 486 ", "SIP/2.0 481 ",
        "caller ended by local 487", "caller ended by remote 486", "callee ended by remote 487",
        "callee ended by remote 200", "callee ended by local 0", "callee ended by no_ack 408",
    }, reached  # fmt: skip


def _ignore(done: bool) -> None:
    """Commands may come too late."""


@pytest.mark.parametrize("part", range(4))
def test_every_race_ends_once_and_leaves_nothing(part: int) -> None:
    """One offer per INVITE, one end and one release per call, tables empty (R29)."""
    for seed in range(part, count(60, 1_000), 4):
        try:
            Torment(seed).finish()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
