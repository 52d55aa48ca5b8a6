"""Offer and answer for one audio stream (RFC 3264).

The flow: ``choose_audio`` finds what we and the offer have in common, ``make_answer`` writes the
answer; or ``make_offer`` and, when the answer is there, ``choose_audio`` on it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cordboard.sip.datagram import Address
from cordboard.sip.sdp import Codec, Direction, Media, SessionDescription

TELEPHONE_EVENT = "TELEPHONE-EVENT"


@dataclass(frozen=True, slots=True)
class AudioChoice:
    """The agreed stream.

    ``remote`` is where the peer wants to receive, None while it does not (0.0.0.0).
    ``direction`` is ours: SENDONLY means we send and hear nothing. ``telephone_event`` is the
    payload type of digits (RFC 4733) at the codec's clock, or None.
    """

    media_index: int
    codec: Codec
    remote: Address | None
    direction: Direction
    telephone_event: Codec | None
    ptime_ms: int | None

    @property
    def may_send(self) -> bool:
        """Tell whether the peer wants to hear us now."""
        return self.remote is not None and self.direction in (
            Direction.SENDRECV,
            Direction.SENDONLY,
        )


@dataclass(frozen=True, slots=True)
class LocalMedia:
    """Our end of the stream: advertised host and RTP port, and the description's numbers."""

    host: str
    port: int
    session_id: int
    version: int = 1
    ptime_ms: int = 20


def choose_audio(description: SessionDescription, preference: Sequence[str]) -> AudioChoice | None:
    """Return the first usable audio stream with the codec that we prefer, or None (answer 488).

    ``preference`` lists encodings such as ``PCMU/8000``, best first.
    """
    for index, media in enumerate(description.media):
        if media.kind != "audio" or media.protocol != "RTP/AVP" or media.port == 0:
            continue
        codec = _preferred(media, preference)
        if codec is not None:
            return _choice(index, media, codec)
    return None


def _preferred(media: Media, preference: Sequence[str]) -> Codec | None:
    for encoding in preference:
        for codec in media.codecs:
            if codec.encoding == encoding.upper():
                return codec
    return None


def _choice(index: int, media: Media, codec: Codec) -> AudioChoice:
    unspecified = ipaddress.ip_address(media.host).is_unspecified
    events = (
        each
        for each in media.codecs
        if each.name.upper() == TELEPHONE_EVENT and each.clock_hz == codec.clock_hz
    )
    return AudioChoice(
        media_index=index,
        codec=codec,
        remote=None if unspecified else (media.host, media.port),
        direction=media.direction.reversed,
        telephone_event=next(events, None),
        ptime_ms=media.ptime_ms,
    )


def make_answer(
    offer: SessionDescription, choice: AudioChoice, local: LocalMedia
) -> SessionDescription:
    """Return the answer: the chosen stream with one codec and digits, all others with port 0."""
    sections = tuple(
        _accepted(media, choice, local)
        if index == choice.media_index
        else replace(media, port=0, host=local.host, codecs=(), ptime_ms=None)
        for index, media in enumerate(offer.media)
    )
    return SessionDescription(local.session_id, local.version, local.host, sections)


def _accepted(media: Media, choice: AudioChoice, local: LocalMedia) -> Media:
    codecs = (choice.codec, *((choice.telephone_event,) if choice.telephone_event else ()))
    return Media(
        kind=media.kind,
        port=local.port,
        protocol=media.protocol,
        formats=tuple(str(codec.payload_type) for codec in codecs),
        host=local.host,
        codecs=codecs,
        direction=choice.direction,
        ptime_ms=local.ptime_ms,
    )


def make_offer(
    codecs: Sequence[Codec], local: LocalMedia, direction: Direction = Direction.SENDRECV
) -> SessionDescription:
    """Return an offer of one audio stream, codecs in our order (digits among them)."""
    media = Media(
        kind="audio",
        port=local.port,
        protocol="RTP/AVP",
        formats=tuple(str(codec.payload_type) for codec in codecs),
        host=local.host,
        codecs=tuple(codecs),
        direction=direction,
        ptime_ms=local.ptime_ms,
    )
    return SessionDescription(local.session_id, local.version, local.host, (media,))
