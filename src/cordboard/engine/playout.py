"""What was handed to a leg and how much of it the far end has heard."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from cordboard.engine.conversion import Converter, kept_codec
from cordboard.engine.outlet import Mouth
from cordboard.engine.utterance import Utterance
from cordboard.media.codec import FRAME_MS, Codec

_LEAD_IN_FRAMES = 1
_LOST_MARK_FRAMES = 5000 // FRAME_MS


@dataclass(slots=True)
class _Run:
    """One utterance's unbroken stretch of the leg's queue."""

    utterance: Utterance
    from_byte: int
    stream_start: int
    length: int = 0


class Playout:
    """Counts every byte between our queue and the far end's ear.

    Whole frames go to the leg, so that its frames and ours are the same ones. ``next_frame``
    mirrors the leg's pace, one frame a tick, for the recording and to tell when an utterance
    begins; what was *heard* is only ever computed from what the leg says it has not played.
    """

    def __init__(self, leg: Mouth) -> None:
        self._leg = leg
        self._outgoing = _Outgoing(leg.codec)
        self._queued_bytes = 0
        self._runs: deque[_Run] = deque()
        self._rest = b""
        self._mirror: deque[tuple[bytes, Utterance]] = deque()
        self._marks: dict[str, Utterance] = {}
        self._mark_count = 0
        self._idle_frames = 0

    def push(self, utterance: Utterance) -> None:
        """Hand on the utterance's sound from ``next_byte`` on; its last frame is filled up with
        silence.
        """
        start = utterance.next_byte
        end = len(utterance.sound)
        if not utterance.complete:
            end -= (end - start) % self._outgoing.scale
        utterance.next_byte = end
        if not self._mirror and not self._rest:
            self._outgoing.begin()
        if not self._runs or self._runs[-1].utterance is not utterance:
            self._runs.append(_Run(utterance, start, self._queued_bytes + len(self._rest)))
        self._runs[-1].length += end - start
        fresh = bytes(utterance.sound[start:end])
        if (end - start) % self._outgoing.scale:
            fresh += bytes(self._outgoing.scale - (end - start) % self._outgoing.scale)
        sound = self._rest + self._outgoing.encode(fresh)
        over = len(sound) % self._outgoing.codec.frame_bytes
        if over and utterance.complete:
            sound += self._outgoing.codec.silence_frame[over:]
            over = 0
        self._rest = sound[len(sound) - over :]
        self._send(sound[: len(sound) - over], utterance)

    def mark(self, utterance: Utterance) -> None:
        """All of the utterance has been handed over: ask the leg to tell when it has been
        played.
        """
        self._mark_count += 1
        mark = f"u{self._mark_count}"
        self._marks[mark] = utterance
        self._leg.mark(mark)

    def is_marked(self, utterance: Utterance) -> bool:
        """Whether all of the utterance has been handed over."""
        return utterance in self._marks.values()

    def reached(self, mark: str) -> Utterance | None:
        """Return the utterance that has been played whole; None for a mark that counts no more."""
        utterance = self._marks.pop(mark, None)
        while self._runs and self._runs[0].utterance is utterance:
            self._runs.popleft()
        return utterance

    def lost(self) -> Utterance | None:
        """Return an utterance whose mark is 5 s overdue by our own count: it was played, too."""
        if self._idle_frames <= _LOST_MARK_FRAMES or not self._marks:
            return None
        self._idle_frames = 0
        return self.reached(next(iter(self._marks)))

    def next_frame(self) -> tuple[bytes, Utterance] | None:
        """Return the frame that leaves in this tick and whose it is, or None for silence."""
        if self._mirror:
            self._idle_frames = 0
            return self._mirror.popleft()
        self._outgoing.silent = True
        if self._marks:
            self._idle_frames += 1
        return None

    def left_ms(self, utterance: Utterance) -> int:
        """Return how much of the utterance our own count has still to play."""
        frames = 0
        for _, owner in self._mirror:
            if owner is not utterance:
                break
            frames += 1
        return frames * FRAME_MS

    def cut(self, *, codec_changed: bool = False) -> list[Utterance]:
        """Silence the leg at once; note what was heard of each utterance and return those
        concerned.

        A leg that has changed its codec has dropped its queue already: our own count has to do.
        """
        own_bytes = len(self._mirror) * self._outgoing.codec.frame_bytes
        unheard_bytes = self._outgoing.codec.size_bytes(self._leg.clear())
        if codec_changed:
            unheard_bytes = own_bytes
        heard = max(self._queued_bytes - unheard_bytes, 0)
        touched: list[Utterance] = []
        for run in self._runs:
            played = (heard - run.stream_start) * self._outgoing.scale
            played = min(max(played, 0), run.length)
            if played:
                run.utterance.heard(run.from_byte + played)
            if run.utterance not in touched:
                touched.append(run.utterance)
        self._runs.clear()
        self._mirror.clear()
        self._marks.clear()
        self._idle_frames = 0
        self._rest = b""
        return touched

    def codec_changed(self) -> None:
        """Follow the leg's codec. Nothing may be queued: ``cut`` first."""
        assert not self._runs
        self._outgoing = _Outgoing(self._leg.codec)
        self._queued_bytes = 0

    def _send(self, sound: bytes, utterance: Utterance) -> None:
        if not sound:
            return
        self._leg.play(sound)
        self._queued_bytes += len(sound)
        size = self._outgoing.codec.frame_bytes
        self._mirror.extend(
            (sound[start : start + size], utterance) for start in range(0, len(sound), size)
        )


class _Outgoing:
    """The stream to the far end in the leg's codec; ``scale`` is bytes kept per byte sent."""

    __slots__ = ("_kept", "codec", "encode", "scale", "silent")

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.silent = False
        self._kept = kept_codec(codec)
        self.scale = self._kept.bytes_per_second // codec.bytes_per_second
        self.begin()

    def begin(self) -> None:
        """Sound begins. After silence the encoder has to have heard some, as the far end has."""
        self.encode = Converter(self._kept, self.codec).convert
        if self.silent and self.scale > 1:
            self.encode(bytes(_LEAD_IN_FRAMES * self._kept.frame_bytes))
