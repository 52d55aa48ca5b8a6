"""One Twilio call as a leg: sound over whichever media socket is live, the rest by REST."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from cordboard.call.events import LegEndedBy
from cordboard.media.codec import PCMU, Codec
from cordboard.ports import Clock, LegFailed, LegSink, MediaTicker
from cordboard.telephony.twilio import twiml
from cordboard.telephony.twilio.errors import ApiError
from cordboard.telephony.twilio.intake import Intake
from cordboard.telephony.twilio.playback import WRITE_BUFFER_BYTES_MAX, Exit, Heard, Playback
from cordboard.telephony.twilio.wire import Digit, Mark, Media, Message, Outgoing, Start, Stop

log = logging.getLogger(__name__)

START_WAIT_MS: Final = 20_000
"""From our TwiML to the stream's ``start``; Twilio gives up its own attempt before."""

RESUME_WAIT_MS: Final = 10_000
"""So long a call goes on without a socket; Twilio comes back within a few seconds or never."""

SILENT_MS_MAX: Final = 5_000
"""A live stream brings 50 messages a second: so long without any, and the socket is half-open."""

WATCH_EVERY_MS: Final = 100
"""So often it is looked whether the far end still takes and sends."""

STALLED_MS_MAX: Final = 10_000
"""So long a far end may leave our messages unread."""

OUTCOMES: Final = {
    "busy": "busy",
    "no-answer": "no answer",
    "failed": "failed",
    "canceled": "cancelled",
    "completed": "hang-up",
}
"""``CallStatus`` of a call that is over, and the cause for the record."""


class CallControl(Protocol):
    """What a leg asks of the account's REST API. Both raise ``ApiError``."""

    async def hang_up(self, call_sid: str) -> None:
        """End the call; one that is over already is no error."""
        ...

    async def redirect(self, call_sid: str, document: str) -> None:
        """Have the call go on by another TwiML document."""
        ...


class Socket(Exit, Protocol):
    """A media socket, as its leg sees it."""

    def close(self) -> None:
        """Say goodbye and close; at once, without waiting for the far end."""
        ...

    def abort(self) -> None:
        """Cut the connection: nobody is there."""
        ...


@dataclass(frozen=True, slots=True)
class LegParts:
    """What a leg needs of its process."""

    clock: Clock
    ticker: MediaTicker
    control: CallControl


@dataclass(slots=True)
class Progress:
    """How far a call has come."""

    call_sid: str
    """Twilio's identifier of the call; empty until a call that we place has one."""
    ended: tuple[LegEndedBy, str] | None = None
    """Who ended it and why."""
    releasing: bool = False
    """We are ending it: Twilio may ask what comes next before its API has answered."""
    transferring: bool = False
    dialled: str = ""
    """How the target of a transfer took it: ``answered``, or Twilio's word for how it did not."""
    away_since_ms: int | None = None
    """Since when there has been no socket."""
    stalled_since_ms: int | None = None
    watch_at_ms: int = 0
    """When to look next whether the socket is well."""
    started_ms: int | None = None
    status: int | None = None
    decided: asyncio.Event = field(default_factory=asyncio.Event)
    target_told: asyncio.Event = field(default_factory=asyncio.Event)
    started: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def over(self) -> bool:
        """Whether it has ended or is about to: no socket is taken any more."""
        return self.releasing or self.ended is not None

    def talked_ms(self, now_ms: int) -> int:
        """How long the stream has been there, or was until just now."""
        return 0 if self.started_ms is None else now_ms - self.started_ms

    async def transferred(self) -> str:
        """Wait until the target of a transfer has answered, and return ``answered``, or will not:
        ``busy``, ``no-answer``, ``failed`` or ``canceled``. The caller sets the deadline.
        """
        await self.target_told.wait()
        return self.dialled

    def target_took(self, status: str) -> None:
        """Take how the target of a transfer fares, in Twilio's words; the first outcome stands."""
        if not self.transferring or self.target_told.is_set():
            return
        if status in ("in-progress", "completed", "answered"):
            self.dialled = "answered"
        elif status in OUTCOMES:
            self.dialled = status
        else:
            return
        self.target_told.set()

    def decide(self, status: int) -> None:
        """The engine accepts (0) or refuses; the first decision stands."""
        if self.status is None:
            self.status = status
        self.decided.set()

    async def decision(self) -> int:
        """Wait until the engine has decided; return 0 for an answer, else the status of a refusal.

        For the voice webhook, which has to answer one way or the other. The caller sets the
        deadline.
        """
        await self.decided.wait()
        return self.status or 0


class TwilioLeg:
    """A ``ports.Leg``. Inbound, ``answer`` lets the webhook answer with a stream and waits for it;
    outbound, the call has been placed and ``answer`` waits until it is picked up.

    A socket that breaks off is no end: the next one of the same call takes over, what was not
    heard is sent again, and meanwhile the engine hears silence.
    """

    def __init__(
        self, leg_id: str, call_sid: str, parts: LegParts, answer_wait_ms: int = START_WAIT_MS
    ) -> None:
        self._answer_wait_s = answer_wait_ms / 1_000
        self._leg_id = leg_id
        self._parts = parts
        self.progress = Progress(call_sid)
        self._sink: LegSink | None = None
        self._socket: Socket | None = None
        self._playback = Playback(Heard(self._mark_reached, self._digits_sent))
        self._intake = Intake(self._deliver, parts.clock.now_ms())
        self._stop_ticking: Callable[[], None] | None = None

    @property
    def leg_id(self) -> str:
        """The identifier given."""
        return self._leg_id

    @property
    def codec(self) -> Codec:
        """The encoding of both directions: always mu-law."""
        return PCMU

    def start(self, sink: LegSink) -> None:
        """Name the sink."""
        self._sink = sink
        if self.progress.ended is not None:
            sink.ended(*self.progress.ended)

    async def answer(self) -> None:
        """Wait for the stream's ``start``. Raises ``LegFailed``."""
        progress = self.progress
        self.progress.decide(0)
        try:
            async with asyncio.timeout(self._answer_wait_s):
                await progress.started.wait()
        except TimeoutError:
            raise LegFailed("no media stream") from None
        if progress.ended is not None:
            raise LegFailed(progress.ended[1])

    async def refuse(self, status: int) -> None:
        """Refuse an offered call; the webhook says so."""
        self.progress.decide(status)
        self._finish(LegEndedBy.LOCAL, str(status))

    async def end(self) -> None:
        """Hang up. The socket goes first, so that the caller hears no more; should the API fail,
        Twilio asks what comes next when the socket is gone, and is told to hang up.
        """
        progress = self.progress
        if progress.over:
            return
        progress.releasing = True
        progress.decide(603)
        self._drop_socket()
        try:
            if progress.call_sid:
                await self._parts.control.hang_up(progress.call_sid)
        except ApiError as error:
            log.warning("leg.hang_up_failed", extra={"leg_id": self._leg_id, "why": error.brief})
        finally:
            self._finish(LegEndedBy.LOCAL, "released")

    async def transfer(self, dial: twiml.DialPlan) -> None:
        """Have another number called for the caller; ``progress.transferred`` tells how that went.

        With a ``resume_url`` the call comes back to us when nobody answered there: the webhook
        then gives it a new stream. Raises ``LegFailed``.
        """
        progress = self.progress
        progress.transferring, progress.dialled = True, ""
        progress.target_told.clear()
        try:
            await self._parts.control.redirect(progress.call_sid, twiml.dial(dial))
        except (ApiError, ValueError) as error:
            progress.transferring = False
            raise LegFailed(str(error)) from None

    def play(self, payload: bytes) -> None:
        """Queue sound; it leaves at once."""
        if not self.progress.over:
            self._playback.play(payload, self._now_ms())

    def mark(self, mark: str) -> None:
        """Ask to be told when all queued so far has been played."""
        if not self.progress.over:
            self._playback.mark(mark, self._now_ms())

    def clear(self) -> int:
        """Drop what has not been played; return its milliseconds, as near as marks tell."""
        return self._playback.clear(self._now_ms())

    def send_digits(self, request_id: str, digits: str) -> None:
        """Send digits as tones after the queued sound."""
        failure: str | None = "no media"
        if not self.progress.over:
            failure = self._playback.send_digits(request_id, digits, self._now_ms())
        if failure is not None:
            self._digits_sent(request_id, failure)

    def call_status(self, status: str) -> None:
        """Take ``CallStatus`` from a status callback or the API: some mean that it is over."""
        cause = OUTCOMES.get(status)
        if cause is None:
            return
        by = LegEndedBy.FAILURE if status == "failed" else LegEndedBy.FAR_END
        self._finish(by, "transferred" if self.progress.dialled == "answered" else cause)

    def attach(self, socket: Socket, start: Start) -> bool:
        """Take a socket whose stream has started, in place of any other; False if it is not ours
        or too late.
        """
        progress, details = self.progress, start.start
        if progress.over or details.call_sid != progress.call_sid:
            return False
        self._drop_socket()
        now_ms = self._now_ms()
        self._socket = socket
        progress.away_since_ms = None
        came_back, progress.transferring = progress.transferring, False
        self._intake.resumed(now_ms)
        if self._stop_ticking is None:
            self._intake = Intake(self._deliver, now_ms)
            self._stop_ticking = self._parts.ticker.add(self._tick)
            progress.started_ms = now_ms
        self._playback.open(socket, Outgoing(details.stream_sid), now_ms)
        progress.started.set()
        if came_back and self._sink is not None:
            self._sink.held(False)
        return True

    def receive(self, socket: Socket, message: Message) -> None:
        """Take a message of a socket; one that has been replaced is not listened to."""
        if socket is not self._socket:
            return
        if type(message) is Media:
            if message.media.track == "inbound":
                self._intake.take(message.media.payload, self._now_ms())
            return
        match message:
            case Mark(mark=mark):
                self._playback.reached(mark.name, self._now_ms())
            case Digit(dtmf=pressed):
                if self._sink is not None:
                    self._sink.digit_pressed(pressed.digit)
            case Stop():
                self._stopped()
            case _:
                pass

    def lost(self, socket: Socket) -> None:
        """A socket is gone; unless it was replaced, the call waits for the next one."""
        if socket is self._socket:
            self._drop_socket()

    def _stopped(self) -> None:
        if not self.progress.transferring:
            self._finish(LegEndedBy.FAR_END, "hang-up")
            return
        self._drop_socket()
        if self._sink is not None:
            self._sink.held(True)

    def _tick(self, due_ms: int) -> None:
        progress, socket = self.progress, self._socket
        self._intake.tick(due_ms)
        if socket is None:
            away_ms = due_ms - (progress.away_since_ms or due_ms)
            if away_ms > RESUME_WAIT_MS and not progress.transferring:
                self._finish(LegEndedBy.FAILURE, "the media stream was lost")
            return
        if due_ms < progress.watch_at_ms:
            return
        progress.watch_at_ms = due_ms + WATCH_EVERY_MS
        self._playback.tick(due_ms)
        if self._intake.silent_ms(due_ms) > SILENT_MS_MAX or self._stalled(socket, due_ms):
            self._drop_socket(cut=True)

    def _stalled(self, socket: Socket, now_ms: int) -> bool:
        progress = self.progress
        if socket.waiting_bytes <= WRITE_BUFFER_BYTES_MAX:
            progress.stalled_since_ms = None
            return False
        if progress.stalled_since_ms is None:
            progress.stalled_since_ms = now_ms
        return now_ms - progress.stalled_since_ms > STALLED_MS_MAX

    def _drop_socket(self, cut: bool = False) -> None:
        socket, self._socket = self._socket, None
        if socket is None:
            return
        now_ms = self._now_ms()
        self.progress.away_since_ms = now_ms
        self.progress.stalled_since_ms = None
        self._playback.close(now_ms)
        if cut:
            socket.abort()
        else:
            socket.close()

    def _finish(self, by: LegEndedBy, cause: str) -> None:
        progress = self.progress
        if progress.ended is not None:
            return
        progress.ended = by, cause
        self._drop_socket()
        if self._stop_ticking is not None:
            self._stop_ticking()
        self.progress.decide(603)
        progress.target_took("canceled")
        progress.started.set()
        self._tell_end(by, cause)

    def _tell_end(self, by: LegEndedBy, cause: str) -> None:
        if self._sink is not None:
            self._sink.ended(by, cause)

    def _deliver(self, frame: bytes) -> None:
        if self._sink is not None:
            self._sink.audio_received(frame)

    def _mark_reached(self, mark: str) -> None:
        if self._sink is not None:
            self._sink.mark_reached(mark)

    def _digits_sent(self, request_id: str, failure: str | None) -> None:
        if self._sink is not None:
            self._sink.digits_sent(request_id, failure)

    def _now_ms(self) -> int:
        return self._parts.clock.now_ms()
