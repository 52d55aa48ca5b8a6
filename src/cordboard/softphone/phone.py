"""Places one call: INVITE, sound both ways, BYE."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cordboard.media.codec import Codec
from cordboard.ports import Clock, Randomness
from cordboard.sip.config import UserAgentConfig
from cordboard.sip.datagram import Address
from cordboard.sip.digest import Credentials
from cordboard.sip.events import (
    CallAnswered,
    CallEnded,
    CallOffered,
    CallReleased,
    ReinviteReceived,
    SipEvent,
)
from cordboard.sip.offer_answer import LocalMedia, make_offer
from cordboard.sip.uac import Invitation
from cordboard.telephony.sip.endpoint import SipEndpoint
from cordboard.telephony.sip.media_choice import MediaRefused, choose, offered_codecs
from cordboard.telephony.sip.ports import PortRange
from cordboard.telephony.sip.stream import PhasedTicker, RtpHost, RtpStream

ANSWER_WAIT_S = 40.0
RELEASE_WAIT_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialling:
    """Whom to call and how. ``preference`` are encodings such as ``PCMU/8000``, best first."""

    number: str
    destination: Address
    sender: str = "+12025550199"
    host: str = "127.0.0.1"
    preference: Sequence[str] = ("PCMU/8000",)
    user: str | None = None
    password: str | None = None


class NotAnswered(Exception):
    """The call was refused or nobody answered; the text is the reason."""


class Phone:
    """One telephone with one call. ``frame`` gets each 20 ms of what the far end sends, ``sent`` of
    what we send.
    """

    def __init__(
        self,
        dialling: Dialling,
        clock: Clock,
        ticker: PhasedTicker,
        randomness: Randomness,
        frame: Callable[[bytes], None],
    ) -> None:
        self.ended = asyncio.Event()
        self.how_it_ended = ""
        self._dialling = dialling
        self._answered = asyncio.Event()
        self._frame = frame
        self._handle = ""
        self._endpoint = SipEndpoint(
            lambda port: UserAgentConfig((dialling.host, port)), clock, randomness.token, _refuse
        )
        ports = PortRange(40_000, 49_998)
        self._stream = RtpStream(
            RtpHost(dialling.host, dialling.host, ports, clock, ticker, randomness)
        )
        self._codec: Codec | None = None

    @property
    def codec(self) -> Codec:
        """The encoding that was settled; only once the call is answered."""
        assert self._codec is not None, "dial first"
        return self._codec

    async def dial(self) -> None:
        """Place the call and wait for the answer. Raises ``NotAnswered``."""
        dialling, endpoint = self._dialling, self._endpoint
        address = await endpoint.start(dialling.host, 0)
        await self._stream.open()
        local = LocalMedia(dialling.host, self._stream.port, self._stream.port)
        offer = make_offer(offered_codecs(dialling.preference), local).encode()
        host, port = dialling.destination
        credentials = None
        if dialling.user is not None:
            credentials = Credentials(dialling.user, dialling.password or "")
        invitation = Invitation(
            target=f"sip:{dialling.number}@{host}:{port}",
            sender=f"sip:{dialling.sender}@{address[0]}:{address[1]}",
            destination=dialling.destination,
            sdp=offer,
            credentials=credentials,
        )
        self._handle = endpoint.agent.calls.invite(invitation, endpoint.now_ms)
        endpoint.listen(self._handle, self)
        endpoint.pump()
        try:
            async with asyncio.timeout(ANSWER_WAIT_S):
                await self._answered.wait()
        except TimeoutError:
            raise NotAnswered("no answer") from None
        if self.ended.is_set():
            raise NotAnswered(self.how_it_ended)

    def play(self, payload: bytes) -> None:
        """Queue sound in ``codec``."""
        assert self._stream.sender is not None
        self._stream.sender.queue.play(payload)

    @property
    def is_silent(self) -> bool:
        """Whether all queued sound has been sent."""
        return self._stream.sender is None or self._stream.sender.queue.is_empty

    def press(self, digits: str) -> None:
        """Send digits as telephone events."""
        assert self._stream.sender is not None
        self._stream.sender.send_digits("press", digits)

    async def hang_up(self) -> None:
        """End the call, if it has not ended, and free everything."""
        self._stream.close()
        if self._handle and not self.ended.is_set():
            self._endpoint.agent.calls.hang_up(self._handle, self._endpoint.now_ms)
            self._endpoint.pump()
        await self._endpoint.stop(int(RELEASE_WAIT_S * 1_000))

    def sip_event(self, event: SipEvent) -> None:
        """Take an event of the user agent."""
        match event:
            case CallAnswered(sdp_answer=answer) if answer is not None:
                try:
                    _, choice = choose(
                        answer, self._dialling.preference, self._dialling.destination
                    )
                except MediaRefused:
                    self._endpoint.agent.calls.hang_up(self._handle, self._endpoint.now_ms)
                    return
                self._codec = choice.codec
                self._stream.settle(choice, self._dialling.destination[0])
                self._stream.start(_Sink(self._frame))
                self._answered.set()
            case CallEnded():
                self.how_it_ended = f"{event.by.value} {event.status or ''} {event.reason}".strip()
                self._stream.close()
                self.ended.set()
                self._answered.set()
            case ReinviteReceived():
                agent = self._endpoint.agent
                agent.requests.reject_reinvite(self._handle, 488, self._endpoint.now_ms)
            case CallReleased():
                pass
            case _:
                pass


class _Sink:
    """A leg's sink of which only the sound matters."""

    def __init__(self, frame: Callable[[bytes], None]) -> None:
        self.audio_received = frame

    def mark_reached(self, mark: str) -> None:
        pass

    def digit_pressed(self, digit: str) -> None:
        pass

    def digits_sent(self, request_id: str, failure: str | None) -> None:
        pass

    def held(self, on: bool) -> None:
        pass

    def codec_changed(self) -> None:
        pass

    def ended(self, by: object, cause: str) -> None:
        pass


def _refuse(offer: CallOffered) -> None:
    """A softphone takes no calls: the far end hears it ring until it gives up."""
