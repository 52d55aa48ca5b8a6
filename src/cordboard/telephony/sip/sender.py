"""The outgoing half of a leg's RTP: one packet a tick, sound, digits or silence."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from cordboard.media.codec import Codec, Encoder, new_encoder
from cordboard.media.rtp import PacketBuilder, event_payload
from cordboard.media.tones import digit_tone
from cordboard.telephony.sip.playout import PlayoutQueue

DIGIT_TICKS = 8
"""160 ms a digit, and between digits:"""

PAUSE_TICKS = 4
QUIET_FOR_LONG = 1_000
EVENTS = "0123456789*#ABCD"
LAST_PACKET_COPIES = 3
EVENT_UNITS_A_TICK = 160


@dataclass(slots=True)
class _DigitRow:
    request_id: str
    digits: str
    at: int = 0
    tick: int = 0


class RtpSender:
    """Builds what leaves for one far end. ``event_type`` is the payload type of digits, None:
    in-band tones. ``quiet_ticks`` have passed since sound was sent last.
    """

    def __init__(self, codec: Codec, payload_type: int, event_type: int | None, ssrc: int) -> None:
        self.queue = PlayoutQueue(codec)
        self._codec = codec
        self._builder = PacketBuilder(ssrc, payload_type, ssrc & 0xFFFF, ssrc >> 3)
        self._event_type = event_type
        self._rows: deque[_DigitRow] = deque()
        self._event_start = 0
        self.quiet_ticks = QUIET_FOR_LONG

    def change(self, codec: Codec, payload_type: int, event_type: int | None) -> None:
        """Go on in another encoding; what was queued is dropped."""
        self._event_type = event_type
        self._builder.payload_type = payload_type
        if codec != self._codec:
            self._codec = codec
            self.queue = PlayoutQueue(codec)

    def send_digits(self, request_id: str, digits: str) -> str | None:
        """Queue digits behind the sound; returns what is wrong with them, or None."""
        if not digits or any(digit not in EVENTS for digit in digits):
            return "not digits"
        if len(self._rows) >= 16 or len(digits) > 64:
            return "too many digits"
        self._rows.append(_DigitRow(request_id, digits))
        return None

    def tick(self) -> tuple[list[bytes], list[str], str | None, bytes]:
        """Return the packets of this tick, the marks reached, the digits done, the sound sent."""
        silence = self._codec.silence_frame
        if self._rows and self.queue.is_empty:
            return self._digit_tick(self._rows[0])
        marks, frame = self.queue.next()
        if frame is None:
            self.quiet_ticks = min(self.quiet_ticks + 1, QUIET_FOR_LONG)
            return [self._builder.build(silence)], marks, None, silence
        marker, self.quiet_ticks = self.quiet_ticks > 0, 0
        return [self._builder.build(frame, marker)], marks, None, frame

    def _digit_tick(self, row: _DigitRow) -> tuple[list[bytes], list[str], str | None, bytes]:
        done: str | None = None
        if row.tick < DIGIT_TICKS:
            packets, sound = self._digit_packets(row)
        else:
            packets, sound = (
                [self._builder.build(self._codec.silence_frame)],
                self._codec.silence_frame,
            )
        row.tick += 1
        if row.tick == DIGIT_TICKS + PAUSE_TICKS:
            row.tick = 0
            row.at += 1
            if row.at == len(row.digits):
                done = self._rows.popleft().request_id
        return packets, [], done, sound

    def _digit_packets(self, row: _DigitRow) -> tuple[list[bytes], bytes]:
        digit, silence = row.digits[row.at], self._codec.silence_frame
        if self._event_type is None:
            sound = self._in_band(digit, row.tick)
            return [self._builder.build(sound, row.tick == 0)], sound
        builder = self._builder
        if row.tick == 0:
            self._event_start = builder.timestamp
        last = row.tick == DIGIT_TICKS - 1
        payload = event_payload(EVENTS.index(digit), last, EVENT_UNITS_A_TICK * (row.tick + 1))
        copies = LAST_PACKET_COPIES if last else 1
        packets = [
            builder.event(payload, self._event_type, row.tick == 0, self._event_start)
            for _ in range(copies)
        ]
        builder.skip(EVENT_UNITS_A_TICK)
        return packets, silence

    def _in_band(self, digit: str, tick: int) -> bytes:
        encoder: Encoder = new_encoder(self._codec)
        tone = encoder.from_pcm(digit_tone(digit, DIGIT_TICKS * 20, self._codec.rate_hz))
        size = self._codec.frame_bytes
        return tone[tick * size : (tick + 1) * size]
