"""Sound on its way to a leg, with a loop under it where the operator wants one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from cordboard.call.sound import Sound
from cordboard.media import g711
from cordboard.media.codec import FRAME_MS, FRAMES_PER_SECOND, Codec, new_decoder, new_encoder
from cordboard.media.comfort import waiting_loop
from cordboard.media.mixing import mix
from cordboard.media.resample import Resampler
from cordboard.ports import Leg

AHEAD_FRAMES = 10
"""So many frames of speech are with the leg before their time: late ones are not heard as gaps."""

LOOP_AHEAD_FRAMES = 3
"""Of a loop by itself fewer, because what is said next has to wait for them."""


class Mouth(Protocol):
    """Where speech goes: a leg, or what stands before it."""

    @property
    def codec(self) -> Codec:
        """The encoding of both directions."""
        ...

    def play(self, payload: bytes) -> None:
        """Queue whole frames of sound."""
        ...

    def mark(self, mark: str) -> None:
        """Ask to be told once all sound queued so far has been played."""
        ...

    def clear(self) -> int:
        """Drop queued sound and pending marks; return how many milliseconds were not heard."""
        ...


class Outlet:
    """Hands a leg one frame a tick, so that a loop can be mixed under speech and silence alike.

    ``tick`` is called once per media tick and returns what the far end hears in it.
    """

    def __init__(self, leg: Leg) -> None:
        self._leg = leg
        self._waiting: deque[bytes | str] = deque()
        self._ahead: deque[tuple[bytes, bool]] = deque()
        self._loop: _Loop | None = None
        self._mixed: Sound | None = None
        self._volume = 1.0
        self._comfort = False

    @property
    def codec(self) -> Codec:
        """The leg's encoding."""
        return self._leg.codec

    def play(self, payload: bytes) -> None:
        """Queue whole frames of speech."""
        size = self._leg.codec.frame_bytes
        self._waiting.extend(payload[at : at + size] for at in range(0, len(payload), size))
        self._fill()

    def mark(self, mark: str) -> None:
        """Ask the leg for a mark behind all speech queued so far."""
        if self._waiting:
            self._waiting.append(mark)
        else:
            self._leg.mark(mark)

    def clear(self) -> int:
        """Drop all speech; return how much of it was not heard, in milliseconds."""
        unheard = sum(1 for frame in self._waiting if isinstance(frame, bytes))
        self._waiting.clear()
        dropped = min(self._leg.clear() // FRAME_MS, len(self._ahead))
        for _ in range(dropped):
            unheard += self._ahead.pop()[1]
        return unheard * FRAME_MS

    def mix(self, sound: Sound | None, volume: float) -> None:
        """Loop ``sound`` under everything from now on; None ends it.

        Sound that cannot be heard is none: it must not stand for the sign that somebody is at work.
        """
        self._volume = min(1.0, max(0.0, volume))
        audible = sound is not None and self._volume > 0 and sound.pcm != bytes(len(sound.pcm))
        self._mixed = sound if audible else None
        self._make_loop()

    def wait(self, *, on: bool) -> None:
        """Let the far end hear that somebody is at work, where nothing is looped already."""
        self._comfort = on
        self._make_loop()

    def codec_changed(self) -> None:
        """Follow the leg's codec; the leg has dropped its queue."""
        self._ahead.clear()
        self._make_loop()

    def tick(self) -> bytes | None:
        """Return the frame that leaves in this tick, None for silence."""
        heard = self._ahead.popleft()[0] if self._ahead else None
        self._fill()
        return heard

    def _fill(self) -> None:
        while True:
            while self._waiting and isinstance(self._waiting[0], str):
                self._leg.mark(str(self._waiting.popleft()))
            limit = AHEAD_FRAMES if self._waiting else LOOP_AHEAD_FRAMES
            if len(self._ahead) >= limit or not (self._waiting or self._loop):
                return
            frame = self._waiting.popleft() if self._waiting else None
            speech = frame if isinstance(frame, bytes) else None
            sent = self._loop.under(speech) if self._loop is not None else speech
            assert sent is not None
            self._leg.play(sent)
            self._ahead.append((sent, speech is not None))

    def _make_loop(self) -> None:
        codec = self._leg.codec
        if self._mixed is not None:
            self._loop = _Loop(self._mixed, self._volume, codec)
        elif self._comfort:
            comfort = Sound(waiting_loop(codec.rate_hz), codec.rate_hz)
            self._loop = _Loop(comfort, 1.0, codec)
        else:
            self._loop = None


class _Loop:
    """Sound without end in one codec, made ready piece by piece as it is needed first."""

    def __init__(self, sound: Sound, volume: float, codec: Codec) -> None:
        self._sound = sound
        self._volume = volume
        self._resampler = Resampler(sound.rate_hz, codec.rate_hz)
        self._taken = 0
        self._frame_bytes = 2 * codec.rate_hz // FRAMES_PER_SECOND
        self._pcm = bytearray()
        self._at = 0
        self._decode: Callable[[bytes], bytes] = new_decoder(codec).to_pcm
        self._encode: Callable[[bytes], bytes] = new_encoder(codec).from_pcm

    def under(self, speech: bytes | None) -> bytes:
        """Return the next frame of the loop with ``speech`` over it."""
        piece = self._next()
        if speech is None:
            return self._encode(piece)
        return self._encode(mix([self._decode(speech), piece]))

    def _next(self) -> bytes:
        end = self._at + self._frame_bytes
        while len(self._pcm) < end and self._taken < len(self._sound.pcm):
            self._prepare()
        piece = bytes(self._pcm[self._at : end])
        while len(piece) < self._frame_bytes:
            piece += bytes(self._pcm[: self._frame_bytes - len(piece)]) or bytes(2)
        self._at = end % max(1, len(self._pcm))
        return piece

    def _prepare(self) -> None:
        size = 2 * (self._sound.rate_hz // 2)
        piece = self._sound.pcm[self._taken : self._taken + size]
        self._taken += len(piece)
        fresh = self._resampler.push(piece)
        if self._taken >= len(self._sound.pcm):
            fresh += self._resampler.flush()
        self._pcm += g711.scale(fresh, self._volume)
