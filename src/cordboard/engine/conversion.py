"""Sound from one encoding to another, for one stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cordboard.media import g711
from cordboard.media.codec import PCMA, PCMU, Codec, Encoding, new_decoder, new_encoder
from cordboard.media.resample import Resampler


def best_codec(wanted: Sequence[Codec], own: Codec) -> Codec:
    """Return ``own`` when it is wanted, else the best of the others that needs no resampling, else
    the best.
    """
    if own in wanted or not wanted:
        return own
    return next((codec for codec in wanted if codec.rate_hz == own.rate_hz), wanted[0])


def kept_codec(codec: Codec) -> Codec:
    """Return the encoding in which sound for a leg is kept until it is played.

    G.722 has a state that runs from the first sample to the last: sound that may be interrupted
    and taken up again anywhere is kept as samples and encoded on its way out.
    """
    if codec.encoding is Encoding.G722:
        return Codec(Encoding.L16, codec.rate_hz)
    return codec


class Converter:
    """Turns the payloads of one stream from ``source`` to ``target``; feed them in order.

    Pieces may have any length that is whole samples of ``source``.
    """

    __slots__ = ("_convert", "_flush", "source", "target")

    def __init__(self, source: Codec, target: Codec) -> None:
        self.source = source
        self.target = target
        self._flush: Callable[[], bytes] = bytes
        self._convert = self._converter()

    def convert(self, payload: bytes) -> bytes:
        """Return the same sound in the other encoding; a resampler holds a few samples back."""
        return self._convert(payload)

    def finish(self) -> bytes:
        """Return what was held back; the stream is over."""
        return self._flush()

    def _converter(self) -> Callable[[bytes], bytes]:
        source, target = self.source, self.target
        if source == target:
            return bytes
        if source == PCMU and target == PCMA:
            return g711.mulaw_to_alaw
        if source == PCMA and target == PCMU:
            return g711.alaw_to_mulaw
        decode = new_decoder(source).to_pcm
        encode = new_encoder(target).from_pcm
        if source.rate_hz == target.rate_hz:
            return lambda payload: encode(decode(payload))
        resampler = Resampler(source.rate_hz, target.rate_hz)
        self._flush = lambda: encode(resampler.flush())
        resample = resampler.push
        return lambda payload: encode(resample(decode(payload)))
