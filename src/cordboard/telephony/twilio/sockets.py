"""Which media sockets are expected, by unguessable addresses that work once, and their streams."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import WSMsgType, web

from cordboard.ports import Clock, Randomness
from cordboard.telephony.twilio.leg import TwilioLeg
from cordboard.telephony.twilio.media_socket import MediaSocket
from cordboard.telephony.twilio.signature import HEADER, is_signed
from cordboard.telephony.twilio.wire import Connected, Start, WireError, decode

log = logging.getLogger(__name__)

PATH: Final = "/twilio/media/"
EXPECTED_MS: Final = 30_000
"""From our document to the socket, where the call is up already."""

START_WAIT_S: Final = 5.0
MOST_EXPECTED: Final = 10_000
MOST_BROKEN: Final = 20
"""So many messages of a stream may be unreadable before it is closed."""

_POLICY: Final = 1008
Choose = Callable[[Start], TwilioLeg | None]


@dataclass(frozen=True, slots=True)
class _Expected:
    leg: TwilioLeg
    auth_token: str
    until_ms: int


class MediaSockets:
    """The door for media sockets. ``public_url`` is where Twilio reaches us, with ``wss`` and
    without a slash at the end.
    """

    def __init__(self, public_url: str, clock: Clock, randomness: Randomness) -> None:
        """Expect nobody yet."""
        self._public_url = public_url
        self._clock = clock
        self._randomness = randomness
        self._expected: dict[str, _Expected] = {}

    def expect(self, leg: TwilioLeg, auth_token: str, for_ms: int = EXPECTED_MS) -> str:
        """Return the address at which this leg's next stream will be let in, once, so long.

        ``auth_token`` is the secret by which Twilio signs the upgrade. Raises ``OverflowError``
        when too many are expected.
        """
        now_ms = self._clock.now_ms()
        self._expected = {
            token: one
            for token, one in self._expected.items()
            if one.until_ms > now_ms and not one.leg.progress.over
        }
        if len(self._expected) >= MOST_EXPECTED:
            raise OverflowError("too many media streams are expected")
        token = self._randomness.token(256)
        self._expected[token] = _Expected(leg, auth_token, now_ms + for_ms)
        return f"{self._public_url}{PATH}{token}"

    @property
    def expected_count(self) -> int:
        """How many addresses are open."""
        return len(self._expected)

    def add_routes(self, app: web.Application) -> None:
        """Serve the door in an application of media sockets."""
        app.router.add_get(PATH + "{token}", self.handle)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Let an expected stream in and stay until it is over; anybody else gets an empty 403."""
        token = request.match_info["token"]
        expected = self._expected.get(token)
        if expected is None or not self._may_enter(token, expected, request):
            return web.Response(status=403)
        del self._expected[token]
        return await serve_stream(request, lambda start: expected.leg)

    def _may_enter(self, token: str, expected: _Expected, request: web.Request) -> bool:
        if expected.until_ms <= self._clock.now_ms() or expected.leg.progress.over:
            del self._expected[token]
            return False
        url = f"{self._public_url}{PATH}{token}"
        return is_signed(expected.auth_token, url, request.headers.get(HEADER, ""))


async def serve_stream(request: web.Request, choose: Choose) -> web.StreamResponse:
    """Serve a media socket that has been let in, to its end. ``choose`` names the leg when the
    stream has told whose it is, None if nobody's.
    """
    stream = _Stream(choose)
    if not stream.socket.can_prepare(request):
        return web.Response(status=403)
    await stream.run(request)
    return stream.socket


class _Stream:
    """One media socket and the leg it belongs to, once that is known."""

    def __init__(self, choose: Choose) -> None:
        self.socket = MediaSocket(self._take)
        self._choose = choose
        self._leg: TwilioLeg | None = None
        self._broken = 0

    async def run(self, request: web.Request) -> None:
        """Stay until the socket is closed, by either side."""
        impatience = asyncio.get_running_loop().call_later(START_WAIT_S, self._give_up)
        try:
            await self.socket.prepare(request)
            while not self.socket.closed:
                message = await self.socket.receive()
                if message.type is WSMsgType.BINARY:
                    self.socket.hang_up(_POLICY)
        finally:
            impatience.cancel()
            if self._leg is not None:
                self._leg.lost(self)

    @property
    def waiting_bytes(self) -> int:
        """How much the far end has not taken yet."""
        return self.socket.waiting_bytes

    def send(self, message: bytes) -> None:
        """Send one message."""
        self.socket.send(message)

    def close(self) -> None:
        """Close from our side; Twilio then goes on with the call's document."""
        self.socket.hang_up()

    def abort(self) -> None:
        """Cut the connection."""
        self.socket.abort()

    def _take(self, text: bytes) -> None:
        try:
            message = decode(text)
        except WireError as error:
            self._unreadable(error)
            return
        if message is None:
            return
        leg = self._leg
        if leg is not None:
            leg.receive(self, message)
        elif isinstance(message, Start):
            leg = self._choose(message)
            if leg is None or not leg.attach(self, message):
                self.socket.hang_up(_POLICY)
            else:
                self._leg = leg
        elif not isinstance(message, Connected):
            self.socket.hang_up(_POLICY)

    def _unreadable(self, error: WireError) -> None:
        self._broken += 1
        if self._broken == 1:
            leg_id = None if self._leg is None else self._leg.leg_id
            log.warning("media.unreadable", extra={"leg_id": leg_id, "why": str(error)[:200]})
        if self._broken > MOST_BROKEN:
            self.socket.hang_up(_POLICY)

    def _give_up(self) -> None:
        if self._leg is None:
            self.socket.hang_up(_POLICY)
