"""A carrier made of memory: a leg and the far end it is linked with, for tests and simulation."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from cordboard.call.events import LegEndedBy
from cordboard.media.codec import FRAME_MS, PCMU, Codec
from cordboard.ports import LegFailed, LegSink, MediaTicker, Randomness


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How badly the link behaves; everything is 0 by default. Shares are between 0 and 1.

    ``loss`` is the share of frames lost, either way. ``jitter_ms`` holds up to that much of the far
    end's sound back at random. ``mark_delay_ms`` is the most by which marks come late.
    ``hangup_after_ms`` makes the far end vanish at that time after the answer.
    """

    loss: float = 0.0
    jitter_ms: int = 0
    mark_delay_ms: int = 0
    answer_fails: bool = False
    hangup_after_ms: int | None = None


GOOD = Conditions()
_Queued = bytes | str


class LoopbackLeg:
    """Our end: a ``ports.Leg``. Sound queued with ``play`` leaves one frame a tick."""

    def __init__(
        self,
        leg_id: str,
        ticker: MediaTicker,
        randomness: Randomness,
        codec: Codec = PCMU,
        conditions: Conditions = GOOD,
    ) -> None:
        self.far_end = FarEnd(self, codec)
        self._leg_id = leg_id
        self._codec = codec
        self._ticker = ticker
        self._link = _Link(randomness, conditions)
        self._sink: LegSink | None = None
        self._queue = _SendQueue(codec)
        self._late_marks: deque[tuple[int, str]] = deque()
        self._stop_ticking: Callable[[], None] | None = None
        self._over = False

    @property
    def leg_id(self) -> str:
        """The identifier given."""
        return self._leg_id

    @property
    def codec(self) -> Codec:
        """The encoding of both directions."""
        return self._codec

    def start(self, sink: LegSink) -> None:
        """Name the sink; the far end rings."""
        assert self._sink is None
        self._sink = sink

    async def answer(self) -> None:
        """Answer. Raises ``LegFailed`` if the far end is gone or the conditions say so."""
        if self._over or self._link.conditions.answer_fails:
            self._finish(LegEndedBy.FAILURE, "unanswered")
            raise LegFailed("unanswered")
        self.far_end.answered = True
        self._stop_ticking = self._ticker.add(self._tick)

    async def refuse(self, status: int) -> None:
        """Refuse."""
        self.far_end.refused_with = status
        self._finish(LegEndedBy.LOCAL, str(status))

    async def end(self) -> None:
        """Release the far end."""
        self._finish(LegEndedBy.LOCAL, "released")

    def play(self, payload: bytes) -> None:
        """Queue sound."""
        if not self._over:
            self._queue.put(payload)

    def mark(self, mark: str) -> None:
        """Ask to be told when what is queued has been played."""
        if not self._over:
            self._queue.mark(mark)

    def clear(self) -> int:
        """Drop what has not been played; return its milliseconds."""
        self._late_marks.clear()
        return self._queue.clear()

    def send_digits(self, request_id: str, digits: str) -> None:
        """Have the far end receive digits at once."""
        assert self._sink is not None
        if self._over:
            return
        self.far_end.digits += digits
        self._sink.digits_sent(request_id, None)

    def vanish(self, cause: str) -> None:
        """The far end hangs up, or is gone."""
        self._finish(LegEndedBy.FAR_END, cause)

    def change_codec(self, codec: Codec) -> None:
        """Both ends go on in another encoding; sound that is queued with us is lost."""
        self._codec = codec
        self._queue = _SendQueue(codec)
        self.far_end.codec = codec
        if self._sink is not None:
            self._sink.codec_changed()

    def tell(self, tell: Callable[[LegSink], None]) -> None:
        """Let the sink know something, if it is there and the leg is not over."""
        if self._sink is not None and not self._over:
            tell(self._sink)

    def _tick(self, due_ms: int) -> None:
        sink = self._sink
        assert sink is not None
        link = self._link
        if link.is_gone(due_ms):
            self.vanish("gone")
            return
        frame, marks = self._queue.take()
        silence = self._codec.silence_frame
        self.far_end.receive(silence if frame is None or link.loses() else frame)
        for mark in marks:
            self._late_marks.append((due_ms + link.mark_delay_ms(), mark))
        while self._late_marks and self._late_marks[0][0] <= due_ms:
            sink.mark_reached(self._late_marks.popleft()[1])
        if self._over:
            return
        sink.audio_received(link.carry(self.far_end.next_frame(), silence))

    def _finish(self, by: LegEndedBy, cause: str) -> None:
        if self._over:
            return
        self._over = True
        if self._stop_ticking is not None:
            self._stop_ticking()
        self.far_end.ended_by = by
        if self._sink is not None:
            self._sink.ended(by, cause)


class FarEnd:
    """The other end: a scripted caller. What it plays is paced by the link, what it hears is
    kept.
    """

    def __init__(self, leg: LoopbackLeg, codec: Codec) -> None:
        self.codec = codec
        self.answered = False
        self.refused_with: int | None = None
        self.ended_by: LegEndedBy | None = None
        self.digits = ""
        self.heard = bytearray()
        """Everything received since the answer, frame by frame, silence included."""
        self.on_frame: Callable[[bytes], None] | None = None
        """Called with every frame received, before the far end's own frame of that tick is
        taken.
        """
        self._leg = leg
        self._outgoing = _SendQueue(codec)

    def play(self, payload: bytes) -> None:
        """Queue sound to be said, in ``codec``."""
        self._outgoing.put(payload)

    @property
    def is_talking(self) -> bool:
        """Whether queued sound is left."""
        return not self._outgoing.is_empty

    def press(self, digit: str) -> None:
        """Press a key."""
        self._leg.tell(lambda sink: sink.digit_pressed(digit))

    def hold(self, on: bool) -> None:
        """Put the other side on hold, or take it off."""
        self._leg.tell(lambda sink: sink.held(on))

    def hang_up(self, cause: str = "hang-up") -> None:
        """End the leg from this side; before the answer that is a cancellation."""
        self._leg.vanish(cause)

    def receive(self, frame: bytes) -> None:
        """Take a frame from the link."""
        self.heard += frame
        if self.on_frame is not None:
            self.on_frame(frame)

    def next_frame(self) -> bytes | None:
        """Return what is said in this tick, None for nothing."""
        return self._outgoing.take()[0]


class _SendQueue:
    """Sound and marks in order, cut into frames; a last piece is filled up with silence."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._items: deque[_Queued] = deque()
        self._rest = b""

    @property
    def is_empty(self) -> bool:
        return not self._items and not self._rest

    def put(self, payload: bytes) -> None:
        sound = self._rest + payload
        size = self._codec.frame_bytes
        whole = len(sound) - len(sound) % size
        self._items.extend(sound[start : start + size] for start in range(0, whole, size))
        self._rest = sound[whole:]

    def mark(self, mark: str) -> None:
        self._fill()
        self._items.append(mark)

    def take(self) -> tuple[bytes | None, list[str]]:
        """Return this tick's frame and the marks that lie right behind it (or before the
        silence).
        """
        marks: list[str] = []
        frame: bytes | None = None
        if not self._items:
            self._fill()
        while self._items:
            item = self._items[0]
            if isinstance(item, str):
                marks.append(item)
            elif frame is None:
                frame = item
            else:
                break
            self._items.popleft()
        return frame, marks

    def clear(self) -> int:
        frames = sum(isinstance(item, bytes) for item in self._items)
        rest_ms = self._codec.duration_ms(self._rest)
        self._items.clear()
        self._rest = b""
        return frames * FRAME_MS + rest_ms

    def _fill(self) -> None:
        if self._rest:
            self._items.append(self._rest + self._codec.silence_frame[len(self._rest) :])
            self._rest = b""


class _Link:
    """The seeded misbehaviour between the two ends."""

    def __init__(self, randomness: Randomness, conditions: Conditions) -> None:
        self.conditions = conditions
        self._randomness = randomness
        self._delayed: deque[bytes] = deque()
        self._gone_at_ms: int | None = None
        self._last = b""

    def is_gone(self, due_ms: int) -> bool:
        after_ms = self.conditions.hangup_after_ms
        if after_ms is None:
            return False
        if self._gone_at_ms is None:
            self._gone_at_ms = due_ms + after_ms
        return due_ms >= self._gone_at_ms

    def loses(self) -> bool:
        loss = self.conditions.loss
        return loss > 0 and self._randomness.uniform(0, 1) < loss

    def mark_delay_ms(self) -> int:
        most_ms = self.conditions.mark_delay_ms
        return round(self._randomness.uniform(0, most_ms)) if most_ms else 0

    def carry(self, frame: bytes | None, silence: bytes) -> bytes:
        """Return what arrives in this tick: late frames push those behind them back, none
        overtakes.
        """
        frame = silence if frame is None or self.loses() else frame
        if not self.conditions.jitter_ms:
            return frame
        self._delayed.append(frame)
        most = self.conditions.jitter_ms // FRAME_MS
        wanted = round(self._randomness.uniform(0, most))
        if len(self._delayed) <= wanted:
            return silence
        while len(self._delayed) > most + 1:
            self._delayed.popleft()
        return self._delayed.popleft()
