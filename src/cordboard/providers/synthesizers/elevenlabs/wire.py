"""ElevenLabs' streaming synthesis as it is on the wire.

Written after
https://elevenlabs.io/docs/api-reference/text-to-speech/v-1-text-to-speech-voice-id-stream-input:
text goes as JSON messages, a lone space first and an empty text last; sound comes back in base64
with the times of its characters, which count from the sound of the same message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from cordboard.media.codec import L16_8K, L16_16K, PCMA, PCMU, Codec

FORMATS: Mapping[Codec, str] = {
    PCMU: "ulaw_8000",
    PCMA: "alaw_8000",
    L16_16K: "pcm_16000",
    L16_8K: "pcm_8000",
}
END = '{"text":""}'
INACTIVITY_S = 60

# Only these take a language; others refuse it.
_TAKE_LANGUAGE = ("_v2_5", "_v3")
_BUSY = frozenset({"too_many_concurrent_requests", "system_busy", "rate_limit_exceeded"})
_SPENT = frozenset({"quota_exceeded", "payment_required"})
_UNKNOWN_KEY = frozenset(
    {"invalid_api_key", "authorization_error", "needs_authorization", "missing_permissions"}
)
_GONE = frozenset({"input_timeout_exceeded", "internal_server_error", "internal_error"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything that is settled when a socket is opened."""

    voice: str
    model: str
    codec: Codec
    language: str
    stability: float | None = None
    similarity_boost: float | None = None


class BadMessage(ValueError):
    """What the vendor sent is no message of the protocol."""


class Alignment(msgspec.Struct, frozen=True, rename="camel"):
    """When each character is spoken, from the start of the message's sound."""

    chars: list[str] = []
    char_start_times_ms: list[float] = []
    char_durations_ms: list[float] = []


class Answer(msgspec.Struct, frozen=True, rename="camel"):
    """Any message of the vendor; ``error`` is one of its closed words."""

    audio: bytes | None = None
    is_final: bool | None = None
    alignment: Alignment | None = None
    error: str | None = None
    message: str | None = None


_decoder = msgspec.json.Decoder(Answer)


def read_answer(text: str | bytes) -> Answer:
    """Return what the vendor sent. Raises ``BadMessage``."""
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadMessage(f"message: {type(error).__name__}") from None


def query(wanted: Wanted) -> list[tuple[str, str]]:
    """Return the query under which a socket is opened. Raises ``KeyError`` for a codec that is
    not delivered.
    """
    asked = [
        ("model_id", wanted.model),
        ("output_format", FORMATS[wanted.codec]),
        ("auto_mode", "true"),  # every text is a whole clause: no waiting for more
        ("sync_alignment", "true"),
        ("inactivity_timeout", str(INACTIVITY_S)),
    ]
    if wanted.model.endswith(_TAKE_LANGUAGE):
        asked.append(("language_code", wanted.language.partition("-")[0].lower()))
    return asked


def opening(wanted: Wanted) -> str:
    """Return the first message. Stability and similarity go together or not at all."""
    message: dict[str, object] = {"text": " "}
    if wanted.stability is not None and wanted.similarity_boost is not None:
        message["voice_settings"] = {
            "stability": wanted.stability,
            "similarity_boost": wanted.similarity_boost,
        }
    return msgspec.json.encode(message).decode()


def speaking(text: str) -> str:
    """Return the message that holds a text; the vendor wants it to end in a space."""
    return msgspec.json.encode({"text": f"{text.strip()} "}).decode()


def failure_of_status(status: int) -> tuple[str, bool]:
    """Return the class of failure of a refused upgrade, and whether to try again."""
    if status in (401, 403):
        return "bad_credentials", False
    if status in (402, 429):
        return "over_quota", status == 429
    if status in (408, 425) or status >= 500:
        return "unavailable", True
    return "rejected", False


def failure_of_error(error: str) -> tuple[str, bool]:
    """Return the class of failure of an error that came on an open socket."""
    if error in _BUSY or error in _SPENT:
        return "over_quota", error in _BUSY
    if error in _UNKNOWN_KEY:
        return "bad_credentials", False
    return ("unavailable", True) if error in _GONE else ("rejected", False)
