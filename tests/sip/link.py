"""Virtual time and a bad line: user agents joined by seeded loss, delay, reorder and copies."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable

from cordboard.sip.config import UserAgentConfig
from cordboard.sip.datagram import Address
from cordboard.sip.events import SipEvent
from cordboard.sip.user_agent import UserAgent

ALICE: Address = ("192.0.2.1", 5060)
BOB: Address = ("192.0.2.2", 5060)
SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"


def tokens(seed: int) -> Callable[[], str]:
    """Return a source of tokens that repeats with its seed."""
    source = random.Random(seed)
    return lambda: f"{source.getrandbits(64):016x}"


class Link:
    """Agents by address, a queue of datagrams under way, and a clock that jumps."""

    def __init__(self, seed: int = 0, loss: float = 0.0, copies: float = 0.0) -> None:
        self.chance = random.Random(seed)
        self.loss = loss
        self.copies = copies
        self.now_ms = 0
        self.agents: dict[Address, UserAgent] = {}
        self.seen: dict[Address, list[SipEvent]] = {}
        self.wire: list[tuple[int, Address, Address, bytes]] = []
        self.on_event: Callable[[Address, SipEvent], None] = lambda where, event: None
        self.unplugged: set[Address] = set()
        self._queue: list[tuple[int, int, Callable[[], None]]] = []

    def add(self, address: Address, config: UserAgentConfig | None = None) -> UserAgent:
        """Put a user agent on the line."""
        agent = UserAgent(config or UserAgentConfig(address), tokens(self.chance.getrandbits(32)))
        self.agents[address] = agent
        self.seen[address] = []
        return agent

    def later(self, delay_ms: int, action: Callable[[], None]) -> None:
        """Do something at a later virtual time."""
        order = len(self.wire) * 1_000_000 + self.chance.getrandbits(16)
        heapq.heappush(self._queue, (self.now_ms + delay_ms, order, action))

    def settle(self) -> None:
        """Take what the agents report and send, until they are silent."""
        busy = True
        while busy:
            busy = False
            for address, agent in self.agents.items():
                for datagram in agent.datagrams_to_send():
                    busy = True
                    self._carry(address, datagram.destination, datagram.payload)
                for event in agent.events():
                    busy = True
                    self.seen[address].append(event)
                    self.on_event(address, event)

    def _carry(self, source: Address, target: Address, payload: bytes) -> None:
        self.wire.append((self.now_ms, source, target, payload))
        copies = 2 if self.chance.random() < self.copies else 1
        for _ in range(copies):
            if self.chance.random() >= self.loss:
                delay_ms = self.chance.randrange(5, 60) if self.loss else 10
                self.later(delay_ms, lambda: self._deliver(source, target, payload))

    def _deliver(self, source: Address, target: Address, payload: bytes) -> None:
        agent = self.agents.get(target)
        if agent is not None and not {source, target} & self.unplugged:
            agent.receive(payload, source, self.now_ms)

    def run(self, until_ms: int) -> None:
        """Let virtual time pass."""
        self.settle()
        while (at_ms := self._next()) is not None and at_ms <= until_ms:
            self.now_ms = max(self.now_ms, at_ms)
            while self._queue and self._queue[0][0] <= self.now_ms:
                heapq.heappop(self._queue)[2]()
            for agent in self.agents.values():
                agent.handle_deadline(self.now_ms)
            self.settle()
        self.now_ms = max(self.now_ms, until_ms)

    def _next(self) -> int | None:
        times = [self._queue[0][0]] if self._queue else []
        for agent in self.agents.values():
            deadline = agent.next_deadline()
            if deadline is not None:
                times.append(deadline.at_ms)
        return min(times, default=None)

    def sent(self, source: Address, start: bytes) -> list[int]:
        """Return when a source sent datagrams that begin so."""
        return [
            at
            for at, who, _, payload in self.wire
            if who == source and payload[: len(start)] == start
        ]

    def events_of(self, address: Address, kind: type[SipEvent]) -> list[SipEvent]:
        """Return the events of one kind that an agent reported."""
        return [event for event in self.seen[address] if isinstance(event, kind)]

    def check(self) -> None:
        """Judge what must hold at the end of every run."""
        for address, events in self.seen.items():
            handles = {event.handle for event in events}
            for handle in handles:
                mine = [event for event in events if event.handle == handle]
                names = [type(event).__name__ for event in mine]
                assert names.count("CallEnded") == 1, (address, names)
                assert names.index("CallReleased") == len(names) - 1, names
                after = names[names.index("CallEnded") + 1 :]
                assert set(after) <= {"CallReleased", "DialogChanged"}, names
            counts = self.agents[address].counts()
            assert not any(counts.values()), (address, counts)
