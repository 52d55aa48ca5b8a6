"""Codec and media address of a leg: what an offer allows, in the plan's order of preference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cordboard.media.codec import Codec, Encoding
from cordboard.sip import sdp
from cordboard.sip.datagram import Address
from cordboard.sip.offer_answer import AudioChoice, choose_audio

MULAW = Codec(Encoding.PCMU, 8_000)
ALAW = Codec(Encoding.PCMA, 8_000)
WIDE_BAND = Codec(Encoding.G722, 16_000)

_BY_NAME = {"PCMU/8000": MULAW, "PCMA/8000": ALAW, "G722/8000": WIDE_BAND}
_NAMES = {codec: name for name, codec in _BY_NAME.items()}
_STATIC_TYPE = {"PCMU/8000": 0, "PCMA/8000": 8, "G722/8000": 9}
TELEPHONE_EVENT = sdp.Codec(101, "telephone-event", parameters="0-15")

NARROW_FIRST: tuple[str, ...] = ("PCMU/8000", "PCMA/8000", "G722/8000")
WIDE_FIRST: tuple[str, ...] = ("G722/8000", "PCMU/8000", "PCMA/8000")


class MediaRefused(Exception):
    """The offer cannot be met: answer 488. The text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class MediaChoice:
    """What was settled for one leg."""

    codec: Codec
    audio: AudioChoice

    @property
    def event_type(self) -> int | None:
        """The payload type of digits, where the peer takes them."""
        event = self.audio.telephone_event
        return None if event is None else event.payload_type


MediaPermits = Callable[[str, str], bool]
"""Tells whether sound may be sent to a host (first) that a peer at another (second) has named."""


def to_peer_only(host: str, peer: str) -> bool:
    """Permit sound to the peer's own host, and nowhere else."""
    return host == peer


def choose(
    body: bytes,
    preference: Sequence[str],
    source: Address,
    permits: MediaPermits = to_peer_only,
) -> tuple[sdp.SessionDescription, MediaChoice]:
    """Read an offer or answer and settle codec and address. Raises ``MediaRefused``.

    ``source`` is where the signalling came from; ``permits`` says which other hosts it may name.
    """
    try:
        description = sdp.parse_sdp(body)
    except sdp.BadSdp as bad:
        raise MediaRefused(str(bad)) from bad
    audio = choose_audio(description, preference)
    if audio is None:
        raise MediaRefused("m: no audio that we speak")
    if audio.remote is not None and not permits(audio.remote[0], source[0]):
        raise MediaRefused("c: an address that sound may not be sent to")
    return description, MediaChoice(_BY_NAME[audio.codec.encoding], audio)


def offered_codecs(preference: Sequence[str]) -> tuple[sdp.Codec, ...]:
    """Return our offer's codecs, digits last."""
    codecs = [sdp.STATIC_CODECS[_STATIC_TYPE[name]] for name in preference]
    return (*codecs, TELEPHONE_EVENT)
