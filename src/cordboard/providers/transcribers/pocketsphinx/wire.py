"""What server and workers say to each other: MessagePack structures, one in each frame."""

from __future__ import annotations

import msgspec

from cordboard.providers.frames import structure


class Begin(msgspec.Struct, tag="begin", frozen=True):
    """An utterance begins; sound follows as PCM16 at ``rate_hz`` (8,000 or 16,000).

    ``grammar`` is a name; its text went before in ``Learn``. ``stream`` names the call's stream,
    whose voice level is remembered from one utterance to the next.
    """

    utterance: int
    stream: int
    grammar: str
    rate_hz: int


class Learn(msgspec.Struct, tag="learn", frozen=True):
    """A grammar that utterances may name from now on: JSGF text and its words."""

    name: str
    jsgf: str
    words: list[str]


class More(msgspec.Struct, tag="more", frozen=True):
    """The next sound of an utterance."""

    utterance: int
    pcm: bytes


class End(msgspec.Struct, tag="end", frozen=True):
    """An utterance is over: its final words are wanted (``drop``: nothing is wanted)."""

    utterance: int
    drop: bool = False


class Heard(msgspec.Struct, tag="heard", frozen=True):
    """Words of an utterance so far, or its final ones with how sure they are (0 to 1)."""

    utterance: int
    text: str
    final: bool
    confidence: float = 0.0


Request = Begin | Learn | More | End

_encoder = msgspec.msgpack.Encoder()
_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Begin | Learn | More | End)
_answers: msgspec.msgpack.Decoder[Heard] = msgspec.msgpack.Decoder(Heard)


def write(message: Request | Heard) -> bytes:
    """Return a message as a frame's payload."""
    return _encoder.encode(message)


def read_request(payload: bytes) -> Request:
    """Read what the server sent. Raises ``BadFrame``."""
    return structure(_requests, payload, "request")


def read_answer(payload: bytes) -> Heard:
    """Read what a worker sent. Raises ``BadFrame``."""
    return structure(_answers, payload, "answer")
