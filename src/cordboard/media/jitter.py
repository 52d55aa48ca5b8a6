"""The jitter buffer: packets in as they come, one 20 ms frame out per tick of the media clock.

Timestamps drive the timeline, arrival only tells how long to hold back. The buffer needs no clock
of its own: each packet's *slack*, how far ahead of the playing position it arrives, is all that
has to be steered. A packet that comes just too late moves the position back (its sound is kept
and the delay grows by what it was late); when every packet of some seconds had a whole frame of
slack to spare, one frame is left out. Clock drift is followed by the same two moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cordboard.media import g711
from cordboard.media.codec import FRAME_MS, Codec, Encoding, new_decoder
from cordboard.media.jitter_delay import DELAY_INITIAL_MS, DELAY_MAX_MS, Delay
from cordboard.media.jitter_pieces import Piece, assemble, distance
from cordboard.media.rtp import Packet

CONCEAL_FRAMES_MAX = 10
PACKET_MS_MAX = 200
_CROWD = 12
_PIECES_MAX = 64
_DELAY_LIMIT_MS = 240
_FAR_MS = 600
_QUIET_RMS = 200
_QUIET_RMS_FRESH = 24
_LATE_TICKS_MAX = 5
_COMFORT_NOISE = 13
_MASK = 0xFFFFFFFF


class FrameKind(StrEnum):
    """What one tick holds."""

    VOICE = "voice"
    LOST = "lost"
    SILENT = "silent"


@dataclass(slots=True)
class Frame:
    """20 ms of the far end's sound.

    ``payload`` is one whole frame in the codec of ``payload_type`` for ``VOICE`` and empty
    otherwise: ``LOST`` asks for concealment, ``SILENT`` for silence (nothing was sent).
    """

    kind: FrameKind
    payload: bytes
    payload_type: int


@dataclass(slots=True)
class JitterCounts:
    """What has happened to a stream so far. Packets: first six; frames: the rest."""

    received: int = 0
    duplicate: int = 0
    late: int = 0
    foreign: int = 0
    unknown_type: int = 0
    resyncs: int = 0
    voice: int = 0
    lost: int = 0
    inserted: int = 0
    skipped: int = 0


class JitterBuffer:
    """Orders and times one incoming stream.

    ``codecs`` maps the negotiated payload types to their codecs; packets of other types are
    counted and ignored (comfort noise, type 13, marks the silence that follows it). Holds back as
    little as the jitter allows and 120 ms at most. The stream may change SSRC, payload type and
    packet time and may restart its timestamps; a stray packet changes nothing, two in a row are
    believed.
    """

    __slots__ = (
        "_codec",
        "_codecs",
        "_cursor",
        "_delay",
        "_gap",
        "_last",
        "_pending",
        "_pieces",
        "_ssrc",
        "counts",
    )

    def __init__(self, codecs: Mapping[int, Codec]) -> None:
        self._codecs = codecs
        self._codec = next(iter(codecs.values()))
        self.counts = JitterCounts()
        self._pieces: dict[int, Piece] = {}
        self._cursor = 0  # timestamp of the next frame to be pulled
        self._ssrc: int | None = None
        self._pending: Packet | None = None
        self._last = _Played()
        self._gap = 0
        self._delay = Delay()

    @property
    def delay_ms(self) -> int:
        """Return how much sound waits: from the playing position to the end of the newest."""
        if not self._pieces:
            return 0
        newest = max(self._pieces, key=self._ahead)
        size = len(self._pieces[newest].payload)
        return self._to_ms(self._ahead(newest)) + self._codec.duration_ms(bytes(size))

    @property
    def jitter_ms(self) -> float:
        """Return the interarrival jitter of RFC 3550 6.4.1."""
        return self._delay.arrivals.jitter_ms

    @property
    def spare_ms(self) -> int | None:
        """Return how much earlier frames might be pulled, by the last seconds; None: not known."""
        return self._delay.arrivals.spare_ms

    def put(self, packet: Packet, arrival_ms: int) -> None:
        """Take a packet from the right source. ``arrival_ms`` is the monotonic time."""
        counts = self.counts
        counts.received += 1
        codec = self._codecs.get(packet.payload_type)
        if codec is None:
            self._put_unknown(packet)
            return
        if not packet.payload or codec.duration_ms(packet.payload) > PACKET_MS_MAX:
            counts.foreign += 1
            return
        if self._ssrc is None:
            self._start(packet, codec)
        elif not self._belongs(packet, codec):
            first = self._confirm(packet)
            if first is None:
                counts.foreign += 1
                return
            counts.resyncs += 1
            self._start(first, codec)
            self._store(first, arrival_ms)
        self._store(packet, arrival_ms)

    def pull(self, now_ms: int | None = None) -> Frame:
        """Return the next 20 ms; to be called once per tick, also before the first packet.

        With ``now_ms`` (on the clock of ``arrival_ms``) the delay is cut to what is needed within
        some 10 ms, without it within a frame.
        """
        if self._ssrc is None:
            return Frame(FrameKind.SILENT, b"", next(iter(self._codecs)))
        if self._delay.tick(now_ms) and self._pieces and (self._delay.overdue or self._quiet()):
            self._delay.skipped()
            self._skip()
        if len(self._pieces) > _CROWD:
            self._thin_out()
        cursor = self._cursor
        codec = self._codec
        piece = self._pieces.pop(cursor, None)
        if piece is None or len(piece.payload) != codec.frame_bytes:
            piece = assemble(self._pieces, cursor, piece, codec)
        self._cursor = cursor + self._frame_units() & _MASK
        if piece is None:
            return self._missing()
        self._gap = 0
        self.counts.voice += 1
        last = self._last
        last.end, last.sequence = self._cursor, piece.sequence
        last.payload_type = piece.payload_type
        return Frame(FrameKind.VOICE, piece.payload, piece.payload_type)

    # --- positions ------------------------------------------------------------------------

    def _frame_units(self) -> int:
        return self._codec.rtp_clock_hz * FRAME_MS // 1000

    def _ahead(self, timestamp: int) -> int:
        """Return the signed distance from the playing position in timestamp units."""
        return distance(self._cursor, timestamp)

    def _to_ms(self, units: int) -> int:
        return units * 1000 // self._codec.rtp_clock_hz

    # --- incoming -------------------------------------------------------------------------

    def _put_unknown(self, packet: Packet) -> None:
        if packet.payload_type == _COMFORT_NOISE and packet.ssrc == self._ssrc:
            self._last.pause_at = packet.timestamp
        else:
            self.counts.unknown_type += 1

    def _start(self, packet: Packet, codec: Codec) -> None:
        """Begin anew at this packet, with the first frames held back."""
        self._pieces.clear()
        self._codec = codec
        self._ssrc = packet.ssrc
        self._pending = None
        self._delay = Delay()
        held_back = DELAY_INITIAL_MS * codec.rtp_clock_hz // 1000
        self._cursor = packet.timestamp - held_back & _MASK
        self._last = _Played(self._cursor, None, packet.payload_type, self._cursor)
        self._gap = 0

    def _belongs(self, packet: Packet, codec: Codec) -> bool:
        """Tell whether the packet continues the stream that is playing."""
        if packet.ssrc != self._ssrc or codec.rtp_clock_hz != self._codec.rtp_clock_hz:
            return False
        ahead_ms = self._to_ms(self._ahead(packet.timestamp))
        if ahead_ms > _FAR_MS:
            return False
        return ahead_ms >= -_FAR_MS or self._delay.late_ticks < _LATE_TICKS_MAX

    def _confirm(self, packet: Packet) -> Packet | None:
        """Remember a stray; return it when this packet is its successor."""
        first = self._pending
        self._pending = packet
        if first is None or first.ssrc != packet.ssrc:
            return None
        if packet.sequence != first.sequence + 1 & 0xFFFF:
            return None
        step = distance(first.timestamp, packet.timestamp)
        return first if 0 <= self._to_ms(step) <= _FAR_MS else None

    def _store(self, packet: Packet, arrival_ms: int) -> None:
        timestamp = packet.timestamp
        ahead = self._ahead(timestamp)
        self._delay.arrivals.note(arrival_ms - timestamp * 1000 / self._codec.rtp_clock_hz)
        if ahead < 0:
            ahead = self._come_late(packet, ahead)
            if ahead < 0:
                return
        elif timestamp in self._pieces or len(self._pieces) >= _PIECES_MAX:
            self.counts.duplicate += 1
            return
        else:
            self._delay.on_time(self._to_ms(ahead), arrival_ms)
        self._codec = self._codecs[packet.payload_type]
        self._pending = None
        self._pieces[timestamp] = Piece(packet.payload, packet.payload_type, packet.sequence)

    def _come_late(self, packet: Packet, ahead: int) -> int:
        """Make room for a packet whose time has passed; return where it now lies."""
        lateness_ms = -self._to_ms(ahead)
        since_voice = distance(self._last.end, packet.timestamp)
        if self._last.sequence == packet.sequence:
            self.counts.duplicate += 1
            return ahead
        if since_voice >= 0 and self._delay.may_insert(lateness_ms):
            frames = -(-lateness_ms // FRAME_MS)
            self._move_back(frames)
            return self._ahead(packet.timestamp)
        self.counts.late += 1
        if self._delay.too_late(lateness_ms):
            self._move_back(1)
        return ahead

    def _move_back(self, frames: int) -> None:
        self.counts.inserted += frames
        self._delay.moved_back(frames)
        self._cursor = self._cursor - frames * self._frame_units() & _MASK

    # --- outgoing -------------------------------------------------------------------------

    def _quiet(self) -> bool:
        """Tell whether the next frame can be left out unheard.

        With G.722 the one after it has to be quiet too: its decoder follows the level from frame
        to frame.
        """
        if self._codec.encoding is not Encoding.G722:
            return self._quiet_at(self._cursor, _QUIET_RMS)
        # A fresh decoder starts at its smallest step, so all it gives is small.
        following = self._cursor + self._frame_units() & _MASK
        return all(self._quiet_at(at, _QUIET_RMS_FRESH) for at in (self._cursor, following))

    def _quiet_at(self, timestamp: int, rms_max: int) -> bool:
        piece = self._pieces.get(timestamp)
        if piece is None:
            return True
        return g711.rms(new_decoder(self._codec).to_pcm(piece.payload)) < rms_max

    def _skip(self) -> None:
        """Leave out one frame."""
        self.counts.skipped += 1
        assemble(self._pieces, self._cursor, self._pieces.pop(self._cursor, None), self._codec)
        self._cursor = self._cursor + self._frame_units() & _MASK

    def _thin_out(self) -> None:
        """Drop what lies behind, and go ahead where too much waits (nobody pulled for a while)."""
        if self.delay_ms > _DELAY_LIMIT_MS:
            while self.delay_ms > DELAY_MAX_MS:
                self._skip()
        for timestamp in [at for at in self._pieces if self._ahead(at) < 0]:
            del self._pieces[timestamp]

    def _missing(self) -> Frame:
        self._gap += 1
        last = self._last
        if self._gap > CONCEAL_FRAMES_MAX or last.pausing() or self._paused():
            return Frame(FrameKind.SILENT, b"", last.payload_type)
        self.counts.lost += 1
        return Frame(FrameKind.LOST, b"", last.payload_type)

    def _paused(self) -> bool:
        """Tell a pause from a loss: what waits is the very next packet after the last played."""
        if not self._pieces or self._last.sequence is None:
            return False
        nearest = min(self._pieces, key=self._ahead)
        return self._pieces[nearest].sequence == self._last.sequence + 1 & 0xFFFF


@dataclass(slots=True)
class _Played:
    """The last sound that left: where it ended, and where silence was announced."""

    end: int = 0
    sequence: int | None = None
    payload_type: int = 0
    pause_at: int = 0

    def pausing(self) -> bool:
        """Tell whether silence was announced at or after the end of the last sound."""
        return distance(self.end, self.pause_at) >= 0
