"""What the server tells an app: the flow protocol's events."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class FlowSession(BaseModel):
    """The call that an event belongs to. Numbers are E.164, with ``+`` or without by the flow's
    setting.

    ``phone_number`` is the flow's own number on inbound calls, the recipient on outbound ones.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    account_id: str = ""
    phone_number: str = ""
    direction: Literal["inbound", "outbound"] | None = None
    from_phone_number: str | None = None
    to_phone_number: str | None = None


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)

    session: FlowSession


class SessionStart(_Event):
    """The call is connected; once more with the same id when a transfer brought the caller back."""

    type: Literal["session_start"] = "session_start"


class UserSpeechStarted(_Event):
    """The caller begins to speak; told over WebSocket only."""

    type: Literal["user_speech_started"] = "user_speech_started"


class UserSpeak(_Event):
    """The caller has said something. ``barged_in`` tells that it cut off what was sounding.

    ``transcript`` repeats ``text`` where the flow is set so.
    """

    type: Literal["user_speak"] = "user_speak"
    text: str
    barged_in: bool = False
    transcript: str | None = None


class AssistantSpeak(_Event):
    """A speech begins, or has been heard where the flow is set so.

    ``duration_ms`` is its whole length, ``speech_started_at`` Unix time in milliseconds.
    """

    type: Literal["assistant_speak"] = "assistant_speak"
    text: str | None = None
    ssml: str | None = None
    duration_ms: int
    speech_started_at: int


class AssistantSpeechEnded(_Event):
    """A speech or sound has ended: to its end, or cut off."""

    type: Literal["assistant_speech_ended"] = "assistant_speech_ended"


class UserInputTimeout(_Event):
    """The caller stayed silent for as long as the last speech allowed."""

    type: Literal["user_input_timeout"] = "user_input_timeout"


class DtmfReceived(_Event):
    """The caller pressed a key: ``0`` to ``9``, ``*`` or ``#``."""

    type: Literal["dtmf_received"] = "dtmf_received"
    digit: str


class SmsFailed(_Event):
    """A text message could not be sent: to whom, and a short reason."""

    type: Literal["sms_failed"] = "sms_failed"
    phone_number: str | None = None
    error: str | None = None


class SessionEnd(_Event):
    """The call is over; nothing follows, and no answer is read."""

    type: Literal["session_end"] = "session_end"


class UserBargeIn(_Event):
    """Deprecated: what the caller said into a speech, told before ``user_speak`` where the flow is
    set so.
    """

    type: Literal["user_barge_in"] = "user_barge_in"
    text: str


Event = (
    SessionStart
    | UserSpeechStarted
    | UserSpeak
    | AssistantSpeak
    | AssistantSpeechEnded
    | UserInputTimeout
    | DtmfReceived
    | SmsFailed
    | SessionEnd
    | UserBargeIn
)
"""Any event; ``type`` tells which."""

EVENT: Final[TypeAdapter[Event]] = TypeAdapter(Annotated[Event, Field(discriminator="type")])
"""Reads and checks events that come as plain values: ``EVENT.validate_python({...})``."""


def parse_event(document: str | bytes) -> Event:
    """Read an event from its JSON text.

    Raises:
        pydantic.ValidationError: it is no event; a ``ValueError``.

    """
    return EVENT.validate_json(document)
