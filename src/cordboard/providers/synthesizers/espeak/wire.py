"""What server and child say to each other: MessagePack structures, one in each frame."""

from __future__ import annotations

import msgspec

from cordboard.providers.frames import structure


class Say(msgspec.Struct, tag="say", frozen=True):
    """Make sound of ``text``; the first of ``voices`` that exists speaks.

    ``rate_wpm`` is words a minute, ``pitch`` 0 to 100 with 50 as the voice's own. Sound comes back
    as PCM16 at ``rate_hz``.
    """

    utterance: int
    text: str
    voices: list[str]
    rate_wpm: int
    pitch: int
    rate_hz: int


class Cancel(msgspec.Struct, tag="cancel", frozen=True):
    """Stop an utterance; what was already sent of it is ignored by whoever cancels."""

    utterance: int


class Word(msgspec.Struct, array_like=True, frozen=True):
    """Where a word lies in its text (characters) and in its sound (milliseconds)."""

    text_start: int
    text_end: int
    start_ms: int
    end_ms: int


class Sound(msgspec.Struct, tag="sound", frozen=True):
    """Whole 20 ms frames of sound, in order, and the words that ended since the last piece."""

    utterance: int
    pcm: bytes
    words: list[Word]


class Done(msgspec.Struct, tag="done", frozen=True):
    """Nothing follows for this utterance; ``failure`` is empty when all of it was sent."""

    utterance: int
    failure: str = ""


Request = Say | Cancel
Answer = Sound | Done

_encoder = msgspec.msgpack.Encoder()
_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Say | Cancel)
_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Sound | Done)


def write(message: Request | Answer) -> bytes:
    """Return a message as a frame's payload."""
    return _encoder.encode(message)


def read_request(payload: bytes) -> Request:
    """Read what the server sent. Raises ``BadFrame``."""
    return structure(_requests, payload, "request")


def read_answer(payload: bytes) -> Answer:
    """Read what the child sent. Raises ``BadFrame``."""
    return structure(_answers, payload, "answer")
