"""A process that dies in any state of a call, and what its successor owes the peer (R4, R29)."""

from __future__ import annotations

import random

from cordboard.sip.config import UserAgentConfig
from cordboard.sip.dialog import DialogRecord
from cordboard.sip.events import (
    CallEnded,
    CallOffered,
    CallReleased,
    DialogChanged,
    EndedBy,
    ReinviteReceived,
    SipEvent,
)
from cordboard.sip.uac import Invitation
from cordboard.sip.user_agent import UserAgent
from tests.counts import count
from tests.sip.link import ALICE, BOB, SDP, Link, tokens


class Crash:
    """Alice calls Bob; Bob dies at a random moment and is born again with what he stored."""

    def __init__(self, seed: int) -> None:
        self.will = random.Random(seed)
        self.link = Link(seed, loss=0.05, copies=0.05)
        self.link.on_event = self._on_event
        self.alice = self.link.add(ALICE)
        self.bob = self.link.add(BOB)
        self.stored: DialogRecord | None = None
        self.crashed = False
        self.owed = False
        self.handle = ""
        invitation = Invitation("sip:100@192.0.2.2", "sip:a@192.0.2.1", BOB, SDP)
        self.caller = self.alice.calls.invite(invitation, 0)
        self.link.later(self.will.randrange(1, 3_000), self._crash)
        for _ in range(5):
            self.link.later(self.will.randrange(100, 3_000), self._say_something)

    def _on_event(self, where: tuple[str, int], event: SipEvent) -> None:
        now_ms = self.link.now_ms
        if where != BOB:
            if isinstance(event, ReinviteReceived):
                self.alice.requests.answer_reinvite(event.handle, SDP, now_ms)
        elif isinstance(event, CallOffered) and not self.crashed:
            self.handle = event.handle
            self.link.later(self.will.randrange(1, 800), self._answer)
        elif isinstance(event, DialogChanged):
            self.stored = event.dialog
        elif isinstance(event, CallReleased):
            self.stored = None

    def _answer(self) -> None:
        if not self.crashed:
            self.stored = self.bob.calls.dialog(self.handle)
            self.bob.calls.answer(self.handle, SDP, self.link.now_ms)

    def _say_something(self) -> None:
        if not self.crashed and self.stored:
            self.bob.requests.send_info(self.handle, "application/dtmf", b"1", self.link.now_ms)
            self.bob.requests.reinvite(self.handle, SDP, self.link.now_ms)

    def _crash(self) -> None:
        self.crashed = True
        born_again = UserAgent(UserAgentConfig(BOB), tokens(self.will.getrandbits(32)))
        self.bob = self.link.agents[BOB] = born_again
        self.link.seen[BOB].clear()
        if self.stored is not None:
            handle = born_again.calls.adopt(self.stored)
            born_again.calls.hang_up(handle, self.link.now_ms)
            self.owed = True

    def finish(self) -> bool:
        """Let it all run out and judge; tell whether a BYE was owed."""
        self.link.run(100_000)
        self.alice.calls.hang_up(self.caller, self.link.now_ms)
        self.link.run(400_000)
        self.link.check()
        ends = [event for event in self.link.seen[ALICE] if isinstance(event, CallEnded)]
        assert len(ends) == 1
        byes = self.link.sent(BOB, b"BYE")
        assert bool(byes) is self.owed
        assert ends[0].by is not EndedBy.LOCAL or not self.owed
        return self.owed


def test_a_successor_says_bye() -> None:
    """Whenever the process dies, the peer hears BYE with a number above all before, or no call
    had been answered; and nothing is left at either end.
    """
    owed = 0
    total = count(60, 1_000)
    for seed in range(total):
        try:
            owed += Crash(seed).finish()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    assert owed > total // 2


def test_a_flood_of_invites_stays_small() -> None:
    """Beyond ``max_legs`` INVITEs leave nothing at all (R24)."""
    link = Link()
    agent = link.add(BOB, UserAgentConfig(BOB, max_legs=50))
    for number in range(2_000):
        agent.receive(
            b"INVITE sip:x@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK%d\r\n"
            b"From: <sip:a@h>;tag=1\r\nTo: <sip:x@192.0.2.2>\r\nCall-ID: c%d\r\n"
            b"CSeq: 1 INVITE\r\nContact: <sip:a@h>\r\n\r\n" % (number, number),
            ("198.51.100.1", 5060),
            0,
        )
    assert agent.counts() == {"legs": 50, "dialogs": 50, "transactions": 50, "timers": 50}
    link.run(100_000)
    assert not any(agent.counts().values())
