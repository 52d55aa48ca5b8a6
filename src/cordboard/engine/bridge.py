"""Sound between the caller and whoever the call was transferred to."""

from __future__ import annotations

from collections import deque

from cordboard.media.codec import Codec, new_decoder, new_encoder
from cordboard.media.resample import Resampler
from cordboard.ports import Leg

QUEUE_COUNT = 5
"""Frames of the target that may wait for the caller's next tick; when full the oldest goes."""


class Recoder:
    """Turns frames of one codec into frames of another; the same codec passes untouched."""

    def __init__(self, from_codec: Codec, to_codec: Codec) -> None:
        self._same = from_codec == to_codec
        self._decode = new_decoder(from_codec).to_pcm
        self._resample = Resampler(from_codec.rate_hz, to_codec.rate_hz).push
        self._encode = new_encoder(to_codec).from_pcm

    def recode(self, frame: bytes) -> bytes:
        """Return the frame in the other codec."""
        return frame if self._same else self._encode(self._resample(self._decode(frame)))


class Bridge:
    """Two legs, each hearing the other. ``exchange`` is called once per frame of the caller."""

    def __init__(self, caller: Leg, target: Leg) -> None:
        self._caller = caller
        self._target = target
        self._from_target: deque[bytes] = deque(maxlen=QUEUE_COUNT)
        self._to_target = Recoder(caller.codec, target.codec)
        self._to_caller = Recoder(target.codec, caller.codec)

    def codec_changed(self) -> None:
        """One of the legs has another codec from now on."""
        self._from_target.clear()
        self._to_target = Recoder(self._caller.codec, self._target.codec)
        self._to_caller = Recoder(self._target.codec, self._caller.codec)

    def target_said(self, frame: bytes) -> None:
        """Take a frame of the target, for the caller's next tick."""
        self._from_target.append(frame)

    def exchange(self, frame: bytes) -> bytes | None:
        """Hand the caller's frame on; return what the caller is sent, None for silence."""
        self._target.play(self._to_target.recode(frame))
        if not self._from_target:
            return None
        heard = self._to_caller.recode(self._from_target.popleft())
        self._caller.play(heard)
        return heard
