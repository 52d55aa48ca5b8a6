"""The door for media sockets, open on a real port, and legs behind it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web

from cordboard.call.events import LegEndedBy
from cordboard.clock import SystemClock
from cordboard.ids import Randomness
from cordboard.ports import MediaTicker
from cordboard.telephony.twilio.leg import LegParts, TwilioLeg
from cordboard.telephony.twilio.sockets import MediaSockets

TOKEN = "12345"
CALL_SID = "CA" + "1" * 32
PUBLIC_URL = "wss://voice.example.com"


@dataclass
class Control:
    """The REST API, remembered instead of asked."""

    hung_up: list[str] = field(default_factory=list)
    redirected: list[str] = field(default_factory=list)
    error: Exception | None = None

    async def hang_up(self, call_sid: str) -> None:
        self.hung_up.append(call_sid)
        if self.error is not None:
            raise self.error

    async def redirect(self, call_sid: str, document: str) -> None:
        if self.error is not None:
            raise self.error
        self.redirected.append(document)


@dataclass
class Ears:
    """A sink that keeps what a leg tells."""

    frames: list[bytes] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    digits: str = ""
    sent: list[tuple[str, str | None]] = field(default_factory=list)
    holds: list[bool] = field(default_factory=list)
    endings: list[tuple[LegEndedBy, str]] = field(default_factory=list)

    def audio_received(self, payload: bytes) -> None:
        self.frames.append(payload)

    def mark_reached(self, mark: str) -> None:
        self.marks.append(mark)

    def digit_pressed(self, digit: str) -> None:
        self.digits += digit

    def digits_sent(self, request_id: str, failure: str | None) -> None:
        self.sent.append((request_id, failure))

    def held(self, on: bool) -> None:
        self.holds.append(on)

    def codec_changed(self) -> None:
        raise AssertionError("a media stream is always mu-law")

    def ended(self, by: LegEndedBy, cause: str) -> None:
        self.endings.append((by, cause))


@dataclass
class HandClock:
    """Time and ticks that a test moves."""

    at_ms: int = 1_000
    ticks: list[Callable[[int], None]] = field(default_factory=list)

    def now_ms(self) -> int:
        return self.at_ms

    def wall(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC)

    def add(self, tick: Callable[[int], None]) -> Callable[[], None]:
        self.ticks.append(tick)
        return lambda: self.ticks.remove(tick)

    def move(self, duration_ms: int) -> None:
        for _ in range(duration_ms // 20):
            self.at_ms += 20
            for tick in list(self.ticks):
                tick(self.at_ms)


@dataclass
class Door:
    """An open door. ``port`` is the real one; the addresses name the public one."""

    sockets: MediaSockets
    port: int

    def leg(self, ticker: MediaTicker, control: Control | None = None) -> TwilioLeg:
        parts = LegParts(SystemClock(), ticker, control or Control())
        return TwilioLeg("leg1", CALL_SID, parts)


@contextlib.asynccontextmanager
async def open_door() -> AsyncIterator[Door]:
    """Serve media sockets by aiohttp alone."""
    sockets = MediaSockets(PUBLIC_URL, SystemClock(), Randomness.seeded(1))
    app = web.Application()
    sockets.add_routes(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield Door(sockets, runner.addresses[0][1])
    finally:
        await runner.cleanup()
