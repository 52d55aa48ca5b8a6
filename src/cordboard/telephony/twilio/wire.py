"""The messages of a media stream: typed when they come in, ready-made bytes when they go out.

Source: Twilio's "Media Streams - WebSocket Messages". Sound is mu-law, 8000 Hz, one channel, in
base64. Messages come as JSON text; numbers inside them are mostly written as strings and are not
needed here. Events that are not known are passed over, since the vendor adds some now and then.
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import Final

import msgspec

MESSAGE_BYTES_MAX: Final = 64 * 1024
_ENCODING: Final = "audio/x-mulaw"
_RATE_HZ: Final = 8000
_NAME_LENGTH_MAX: Final = 256
_DIGITS: Final = frozenset("0123456789*#ABCD")


class WireError(Exception):
    """A message is not what the protocol allows; the text names the field."""


class _Part(msgspec.Struct, rename="camel", gc=False):
    pass


class MediaFormat(_Part):
    """How the sound of a stream is written."""

    encoding: str = _ENCODING
    sample_rate: int = _RATE_HZ
    channels: int = 1


class StartDetails(_Part):
    """What a stream says about itself."""

    stream_sid: str
    call_sid: str
    account_sid: str = ""
    media_format: MediaFormat = msgspec.field(default_factory=MediaFormat)
    custom_parameters: dict[str, str] = {}


class MediaDetails(_Part):
    """20 ms of sound, decoded from base64."""

    payload: bytes
    track: str = "inbound"


class MarkDetails(_Part):
    """The name of a mark."""

    name: str


class DigitDetails(_Part):
    """One key."""

    digit: str


class Connected(_Part, tag_field="event", tag="connected"):
    """The socket is up; the first message."""

    protocol: str = ""
    version: str = ""


class Start(_Part, tag_field="event", tag="start"):
    """The stream begins; the second message, once."""

    start: StartDetails


class Media(_Part, tag_field="event", tag="media"):
    """Sound of the caller."""

    media: MediaDetails


class Mark(_Part, tag_field="event", tag="mark"):
    """What was sent before this mark has been played, or was dropped by ``clear``."""

    mark: MarkDetails


class Digit(_Part, tag_field="event", tag="dtmf"):
    """The caller pressed a key."""

    dtmf: DigitDetails


class Stop(_Part, tag_field="event", tag="stop"):
    """The stream ends: the call is over, or was sent elsewhere."""


Message = Connected | Start | Media | Mark | Digit | Stop


class _Event(msgspec.Struct):
    event: str


_decode = msgspec.json.Decoder(Message).decode
_event = msgspec.json.Decoder(_Event).decode
_KNOWN: Final = frozenset({"connected", "start", "media", "mark", "dtmf", "stop"})


def decode(message: bytes) -> Message | None:
    """Return the message, or None for an event that is not known. Raises ``WireError``."""
    try:
        found: Message = _decode(message)
    except msgspec.ValidationError as error:
        _refuse_known(message, error)
        return None
    except (msgspec.DecodeError, RecursionError) as error:
        raise WireError(f"not JSON: {error}") from None
    if type(found) is Media:
        return found
    _check(found)
    return found


def _refuse_known(message: bytes, error: msgspec.ValidationError) -> None:
    """Tell an unknown event (which passes) from one that is broken."""
    try:
        event = _event(message).event
    except (msgspec.DecodeError, RecursionError):
        raise WireError(f"event: {error}") from None
    if event in _KNOWN:
        raise WireError(f"{event}: {error}") from None


def _check(message: Message) -> None:
    match message:
        case Start(start=details):
            _check_sid("start.streamSid", details.stream_sid)
            _check_sid("start.callSid", details.call_sid)
            form = details.media_format
            if (form.encoding, form.sample_rate, form.channels) != (_ENCODING, _RATE_HZ, 1):
                raise WireError("start.mediaFormat: only mu-law, 8000 Hz, one channel is spoken")
        case Digit(dtmf=pressed):
            if pressed.digit not in _DIGITS:
                raise WireError("dtmf.digit: not a key")
        case Mark(mark=mark):
            if len(mark.name) > _NAME_LENGTH_MAX:
                raise WireError("mark.name: too long")
        case _:
            pass


def _check_sid(field: str, sid: str) -> None:
    if not 1 <= len(sid) <= 64 or not (sid.isascii() and sid.replace("-", "").isalnum()):
        raise WireError(f"{field}: not an identifier")


class Outgoing:
    """Builds what goes to one stream. Everything around the changing part is written once."""

    __slots__ = ("_mark", "_media", "clear")

    def __init__(self, stream_sid: str) -> None:
        """Take the identifier as ``Start`` brought it (letters, digits and dashes)."""
        sid = stream_sid.encode()
        self._media = b'{"event":"media","streamSid":"%b","media":{"payload":"' % sid
        self._mark = b'{"event":"mark","streamSid":"%b","mark":{"name":"' % sid
        self.clear = b'{"event":"clear","streamSid":"%b"}' % sid
        """Drops what the far end has not played yet; it then returns all marks at once."""

    def media(self, payload: bytes) -> bytes:
        """Return the message that has mu-law sound of any length played after what was sent."""
        return b'%b%b"}}' % (self._media, b2a_base64(payload, newline=False))

    def mark(self, name: str) -> bytes:
        """Return the message that asks for this name when all before it has been played.

        The name is ours: letters, digits and dashes.
        """
        return b'%b%b"}}' % (self._mark, name.encode())
