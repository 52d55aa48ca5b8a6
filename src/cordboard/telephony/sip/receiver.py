"""The incoming half of a leg's RTP: the right source, in order, gaps concealed, digits found."""

from __future__ import annotations

from collections.abc import Callable

from cordboard.media import rtp
from cordboard.media.codec import Codec, new_decoder
from cordboard.media.conceal import Concealer
from cordboard.media.dtmf import DigitMerger, TelephoneEvents
from cordboard.media.dtmf_tones import InBandDigits
from cordboard.media.jitter import FrameKind, JitterBuffer
from cordboard.media.source import SourceLock
from cordboard.sip.datagram import Address


class RtpReceiver:
    """Takes datagrams as they come and gives one frame a tick.

    ``digit`` is called once for each key press, whichever way it came. In-band tones are listened
    for only where the far end did not agree to telephone events.
    """

    def __init__(
        self,
        codec: Codec,
        payload_type: int,
        event_type: int | None,
        lock: SourceLock,
        digit: Callable[[str], None],
    ) -> None:
        self.lock = lock
        self.last_packet_ms: int | None = None
        self._digit = digit
        self._events = TelephoneEvents()
        self._merger = DigitMerger()
        self._sound = _Sound(codec, payload_type)
        self._event_type = event_type

    def change(self, codec: Codec, payload_type: int, event_type: int | None) -> None:
        """Go on in another encoding."""
        if not self._sound.is_of(codec, payload_type):
            self._sound = _Sound(codec, payload_type)
        self._event_type = event_type

    def receive(self, datagram: bytes, source: Address, now_ms: int) -> None:
        """Take one datagram; anything that is not this leg's sound changes nothing."""
        try:
            packet = rtp.parse(datagram)
        except rtp.BadPacket:
            return
        if not self.lock.accept(source, packet.sequence, packet.ssrc, now_ms):
            return
        self.last_packet_ms = now_ms
        if packet.payload_type == self._event_type:
            digit = self._events.receive(packet.payload, packet.timestamp, now_ms)
            if digit is not None:
                self._pressed(digit, "event", now_ms)
            return
        self._sound.jitter.put(packet, now_ms)

    def info_digit(self, digit: str, now_ms: int) -> None:
        """Take a key press that came by SIP INFO."""
        self._pressed(digit, "info", now_ms)

    @property
    def spare_ms(self) -> int | None:
        """How much earlier in each 20 ms frames might be taken; None: not known."""
        return self._sound.jitter.spare_ms

    def tick(self, now_ms: int) -> bytes:
        """Return the frame that is due in the leg's encoding: sound, concealment, or silence."""
        sound = self._sound
        frame = sound.jitter.pull(now_ms)
        if frame.kind is FrameKind.VOICE:
            payload = sound.concealer.good(frame.payload)
            if self._event_type is None:
                digit = sound.tones.push(sound.decoder.to_pcm(payload))
                if digit is not None:
                    self._pressed(digit, "in_band", now_ms)
            return payload
        if frame.kind is FrameKind.LOST:
            return sound.concealer.conceal()
        return sound.codec.silence_frame

    def _pressed(self, digit: str, way: str, now_ms: int) -> None:
        if self._merger.accept(digit, way, now_ms):
            self._digit(digit)


class _Sound:
    """What belongs to one encoding: order, concealment, tones."""

    __slots__ = ("codec", "concealer", "decoder", "jitter", "payload_type", "tones")

    def __init__(self, codec: Codec, payload_type: int) -> None:
        self.codec = codec
        self.payload_type = payload_type
        self.jitter = JitterBuffer({payload_type: codec})
        self.concealer = Concealer(codec)
        self.decoder = new_decoder(codec)
        self.tones = InBandDigits(codec.rate_hz)

    def is_of(self, codec: Codec, payload_type: int) -> bool:
        """Tell whether this is the encoding that was negotiated."""
        return codec == self.codec and payload_type == self.payload_type
