"""Deepgram's streaming transcription as it is on the wire.

Written after https://developers.deepgram.com/reference/speech-to-text/listen-streaming and the
pages on endpointing, utterance end, finalize, keep alive, keywords and keyterms. Sound goes as
binary messages, everything else is JSON text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from cordboard.call.plan import TranscriberPlan
from cordboard.media.codec import Codec, Encoding

KEEP_ALIVE = '{"type":"KeepAlive"}'
FINALIZE = '{"type":"Finalize"}'
CLOSE_STREAM = '{"type":"CloseStream"}'

MOST_KEYWORDS = 100
_MOST_KEYTERM_CHARACTERS = 1500  # the vendor's bound is 500 tokens; beyond it nothing is heard
_ENCODINGS: Mapping[Encoding, str] = {
    Encoding.PCMU: "mulaw",
    Encoding.PCMA: "alaw",
    Encoding.L16: "linear16",
}
# Newer models take terms without a boost, under another name.
_TAKE_KEYTERMS = ("nova-3", "flux")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenOptions:
    """How to listen. ``endpointing_ms`` of silence ends a stretch, ``utterance_end_ms`` without a
    word a turn (at least 1,000).
    """

    model: str = "nova-3"
    endpointing_ms: int = 300
    utterance_end_ms: int = 1000


class BadMessage(ValueError):
    """What the vendor sent is no message of the protocol."""


class Alternative(msgspec.Struct, frozen=True):
    """What was heard, and how sure the vendor is."""

    transcript: str = ""
    confidence: float | None = None


class Channel(msgspec.Struct, frozen=True):
    """One channel of sound; there is one."""

    alternatives: list[Alternative] = []


class Message(msgspec.Struct, frozen=True):
    """Any message of the vendor. ``channel`` is a list of numbers where nothing was heard.

    ``start`` and ``duration`` are seconds of the sound that was sent.
    """

    type: str
    channel: Channel | list[int] | None = None
    is_final: bool | None = None
    speech_final: bool | None = None
    from_finalize: bool | None = None
    start: float = 0.0
    duration: float = 0.0

    @property
    def best(self) -> Alternative:
        """The first alternative; nothing heard where there is none."""
        if isinstance(self.channel, Channel) and self.channel.alternatives:
            return self.channel.alternatives[0]
        return Alternative()


_decoder = msgspec.json.Decoder(Message)


def read_message(text: str | bytes) -> Message:
    """Return what the vendor said. Raises ``BadMessage``."""
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadMessage(f"message: {type(error).__name__}") from None


def listen_query(
    plan: TranscriberPlan, codec: Codec, language: str, options: ListenOptions
) -> list[tuple[str, str]]:
    """Return the query of ``/v1/listen``. Raises ``KeyError`` for a codec that is not taken."""
    model = plan.model or options.model
    return [
        ("model", model),
        ("language", language),
        ("encoding", _ENCODINGS[codec.encoding]),
        ("sample_rate", str(codec.rate_hz)),
        ("channels", "1"),
        ("interim_results", "true"),
        ("punctuate", "true"),
        ("endpointing", str(options.endpointing_ms)),
        ("utterance_end_ms", str(options.utterance_end_ms)),
        *_keywords(plan.keywords, model),
    ]


def _keywords(keywords: Mapping[str, float], model: str) -> list[tuple[str, str]]:
    if not model.startswith(_TAKE_KEYTERMS):
        boosted = list(keywords.items())[:MOST_KEYWORDS]
        return [("keywords", f"{word}:{boost:g}") for word, boost in boosted]
    terms: list[tuple[str, str]] = []
    left = _MOST_KEYTERM_CHARACTERS
    for word, boost in keywords.items():
        left -= len(word) + 1
        if boost > 0 and left >= 0:
            terms.append(("keyterm", word))
    return terms


def failure_of_status(status: int) -> tuple[str, bool]:
    """Return the class of failure of a refused upgrade, and whether to try again."""
    if status in (401, 403):
        return "bad_credentials", False
    if status in (402, 429):
        return "over_quota", status == 429
    if status in (408, 425) or status >= 500:
        return "unavailable", True
    return "rejected", False


def failure_of_close(code: int | None) -> str:
    """Return the class of failure of a WebSocket close code, as the vendor uses them."""
    return "rejected" if code == 1008 else "unavailable"
