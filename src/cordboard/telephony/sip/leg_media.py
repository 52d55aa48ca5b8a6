"""What both sides of one call said about its media."""

from __future__ import annotations

from cordboard.sip import sdp
from cordboard.sip.datagram import Address
from cordboard.sip.offer_answer import LocalMedia, make_answer, make_offer
from cordboard.telephony.sip.media_choice import MediaChoice, choose, offered_codecs
from cordboard.telephony.sip.stream import RtpHost, RtpStream


class LegMedia:
    """What both sides said about the media of one call."""

    def __init__(self, host: RtpHost, preference: tuple[str, ...], source: Address) -> None:
        self.stream = RtpStream(host)
        self._host = host
        self._preference = preference
        self._source = source
        self._offer: sdp.SessionDescription | None = None
        self._choice: MediaChoice | None = None
        self._session_id = int.from_bytes(host.randomness.random_bytes(4), "big")
        self._version = 0

    def moved(self, source: Address) -> None:
        """Take note that the signalling comes from elsewhere now."""
        self._source = source

    @property
    def choice(self) -> MediaChoice:
        """What was settled last."""
        assert self._choice is not None, "prepare first"
        return self._choice

    async def prepare(self, offer: bytes | None) -> None:
        """Settle codec and port; without an offer the codec is ours first, until the answer."""
        if offer is not None:
            self._offer, self._choice = self._choose(offer)
            await self.stream.open()
            self.stream.settle(self.choice, self._source[0])
        else:
            local = LocalMedia("127.0.0.1", await self.stream.open(), self._session_id)
            body = make_offer(offered_codecs(self._preference), local).encode()
            _, self._choice = choose(body, self._preference, ("127.0.0.1", 0))

    def take_offer(self, offer: bytes) -> None:
        """Take a changed offer. Raises ``MediaRefused``."""
        self._offer, self._choice = self._choose(offer)
        self.stream.settle(self.choice, self._source[0])

    def take_answer(self, answer: bytes) -> None:
        """Take the answer to an offer of ours. Raises ``MediaRefused``."""
        _, self._choice = self._choose(answer)
        self.stream.settle(self.choice, self._source[0])

    def _choose(self, body: bytes) -> tuple[sdp.SessionDescription, MediaChoice]:
        return choose(body, self._preference, self._source, self._host.permits)

    async def offer(self) -> bytes:
        """Open the port and return our offer, for a call that we place."""
        await self.prepare(None)
        return self.local_description()

    def local_description(self) -> bytes:
        """Return our answer to the last offer, or our own offer where none came."""
        self._version += 1
        local = LocalMedia(self._host.advertised, self.stream.port, self._session_id, self._version)
        if self._offer is None:
            return make_offer(offered_codecs(self._preference), local).encode()
        return make_answer(self._offer, self.choice.audio, local).encode()
