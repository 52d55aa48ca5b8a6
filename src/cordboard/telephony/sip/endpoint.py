"""The signalling socket: datagrams in, the user agent's answers out, one timer for all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from cordboard.ports import Clock
from cordboard.sip.config import UserAgentConfig
from cordboard.sip.datagram import Address
from cordboard.sip.events import CallOffered, CallReleased, RegistrationChanged, SipEvent
from cordboard.sip.user_agent import UserAgent

log = logging.getLogger(__name__)


class SipListener(Protocol):
    """One call on this endpoint."""

    def sip_event(self, event: SipEvent) -> None:
        """Take an event of this call; must return quickly."""
        ...


class SipEndpoint(asyncio.DatagramProtocol):
    """One UDP socket with its user agent.

    ``configure`` is given the bound port and returns the user agent's settings. ``offered`` is
    called for each new call; it must see to it that the call is answered, refused or hung up.
    Events of a call go to the listener given to ``listen``. Use ``await start()`` and ``await
    stop()``.
    """

    def __init__(
        self,
        configure: Callable[[int], UserAgentConfig],
        clock: Clock,
        new_token: Callable[[], str],
        offered: Callable[[CallOffered], None],
    ) -> None:
        self._configure = configure
        self._new_token = new_token
        self._agent: UserAgent | None = None
        self._clock = clock
        self._offered = offered
        self._listeners: dict[str, SipListener] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_ms = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def start(self, host: str, port: int) -> Address:
        """Bind the socket; returns its address. Raises ``OSError``."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(host, port)
        )
        name = self._transport.get_extra_info("sockname")
        self._agent = UserAgent(self._configure(int(name[1])), self._new_token)
        return str(name[0]), int(name[1])

    @property
    def agent(self) -> UserAgent:
        """The user agent; only after ``start``."""
        assert self._agent is not None, "start first"
        return self._agent

    async def stop(self, wait_ms: int = 2_000) -> None:
        """Close the socket once nothing is left to be said, after ``wait_ms`` at most."""
        try:
            async with asyncio.timeout(wait_ms / 1_000):
                await self._idle.wait()
        except TimeoutError:
            log.info("sip.stopped_with_open_dialogs", extra=self.agent.counts())
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()

    @property
    def now_ms(self) -> int:
        """The clock's time, for commands to ``agent``."""
        return self._clock.now_ms()

    def listen(self, handle: str, listener: SipListener) -> None:
        """Send the events of a call to ``listener`` until it is released."""
        self._listeners[handle] = listener

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take one datagram (asyncio's callback)."""
        if self._agent is None:
            return
        self.agent.receive(data, (addr[0], addr[1]), self._clock.now_ms())
        self.pump()

    def error_received(self, exc: Exception) -> None:
        """Ignore that a datagram of ours found nobody: the transaction's timers notice."""

    def pump(self) -> None:
        """Send what is to be sent, hand on what happened, set the timer; after each command."""
        agent = self.agent
        while True:
            for datagram in agent.datagrams_to_send():
                self._send(datagram.payload, datagram.destination)
            events = agent.events()
            if not events:
                break
            for event in events:
                self._hand_on(event)
        self._set_timer()
        if agent.counts()["legs"]:
            self._idle.clear()
        else:
            self._idle.set()

    def _send(self, payload: bytes, destination: Address) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        try:
            self._transport.sendto(payload, destination)
        except (OSError, ValueError):
            log.info("sip.send_failed")

    def _hand_on(self, event: SipEvent) -> None:
        if isinstance(event, CallOffered):
            self._offered(event)
            return
        listener = self._listeners.get(event.handle)
        if listener is not None:
            listener.sip_event(event)
        gone = isinstance(event, RegistrationChanged) and event.is_over
        if gone or isinstance(event, CallReleased):
            self._listeners.pop(event.handle, None)

    def _set_timer(self) -> None:
        deadline = self.agent.next_deadline()
        if deadline is None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            return
        if self._timer is not None:
            if self._timer_at_ms == deadline.at_ms:
                return
            self._timer.cancel()
        self._timer_at_ms = deadline.at_ms
        wait_ms = max(0, deadline.at_ms - self._clock.now_ms())
        self._timer = asyncio.get_running_loop().call_later(wait_ms / 1_000, self._due)

    def _due(self) -> None:
        self._timer = None
        self.agent.handle_deadline(self._clock.now_ms())
        self.pump()
