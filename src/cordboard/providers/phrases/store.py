"""The phrase store over files of the package: 16 kHz WAV, IMA ADPCM, made by a program's voice."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from io import BytesIO

from cordboard.media.codec import Codec, new_encoder
from cordboard.media.resample import Resampler
from cordboard.providers.phrases.words import WORDS

_RATE_HZ = 16_000
_FALLBACK = "en"


class PackagedPhrases:
    """Phrases of the package in any codec; the first use of each reads and converts it."""

    def sound(self, phrase: str, language: str, codec: Codec) -> tuple[str, bytes]:
        """Return the words and whole frames of sound; English where the language is not there.

        Raises ``KeyError`` for a phrase that does not exist.
        """
        main = language.lower().replace("_", "-").split("-")[0]
        spoken = main if main in WORDS else _FALLBACK
        return WORDS[spoken][phrase], _encoded(phrase, spoken, codec)

    def prepare(self, language: str, codec: Codec) -> None:
        """Convert all phrases of a language now, so that ``sound`` never reads a file on a call."""
        for phrase in WORDS[_FALLBACK]:
            self.sound(phrase, language, codec)


@lru_cache(maxsize=256)
def _encoded(phrase: str, language: str, codec: Codec) -> bytes:
    pcm = _pcm(phrase, language)
    if codec.rate_hz != _RATE_HZ:
        resampler = Resampler(_RATE_HZ, codec.rate_hz)
        pcm = resampler.push(pcm) + resampler.flush()
    pcm += bytes(-len(pcm) % codec.pcm_frame_bytes)
    return new_encoder(codec).from_pcm(pcm)


@lru_cache(maxsize=32)
def _pcm(phrase: str, language: str) -> bytes:
    import soundfile

    path = files("cordboard.providers.phrases") / "sound" / f"{language}-{phrase}.wav"
    samples, rate_hz = soundfile.read(BytesIO(path.read_bytes()), dtype="int16")
    assert rate_hz == _RATE_HZ, f"{path}: {rate_hz} Hz"
    pcm: bytes = samples.astype("<i2").tobytes()
    return pcm
