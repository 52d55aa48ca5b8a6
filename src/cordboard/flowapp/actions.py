"""What an app asks for: the flow protocol's actions."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

VAD_SILENCE_MS_RANGE = (150, 2_000)
TRANSFER_TIMEOUT_S_RANGE = (5, 120)
ALLOW_AFTER_MS_RANGE = (0, 10_000)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False, coerce_numbers_to_str=True)


class Tts(_Model):
    """The voice of one speech; without it the flow's own voice speaks.

    ``provider`` is ``azure`` (``voice`` by name, such as ``de-DE-KatjaNeural``) or ``eleven_labs``
    (``voice`` by id).
    """

    provider: str | None = None
    language: str | None = None
    voice: str | None = None

    @field_validator("voice", mode="before")
    @classmethod
    def _voice_by_name(cls, value: object) -> object:
        """An older form is an object with the ``id`` or the ``name`` of the voice."""
        if isinstance(value, dict):
            return value.get("id") or value.get("name")
        return value


class BargeInSettings(_Model):
    """What may interrupt one speech or sound.

    ``immediate`` yields to any voice, ``minimum_characters`` to so many recognised characters,
    ``manual`` to the app's ``barge_in`` action only, ``none`` to nothing the caller does. Within
    ``allow_after_ms`` of its first sound it cannot be interrupted.
    """

    strategy: Literal["none", "manual", "minimum_characters", "immediate"] = "minimum_characters"
    minimum_characters: int = Field(default=3, ge=1, le=100)
    allow_after_ms: int = Field(default=0, ge=ALLOW_AFTER_MS_RANGE[0], le=ALLOW_AFTER_MS_RANGE[1])


class Vad(_Model):
    """How long the caller's silence must be to end a turn, from now on."""

    end_of_turn_silence_ms: int = Field(ge=VAD_SILENCE_MS_RANGE[0], le=VAD_SILENCE_MS_RANGE[1])


class _Action(_Model):
    session_id: str | None = None
    """The call it is for; on a connection with one call it may be missing."""


class Speak(_Action):
    """Say something after what is queued: plain ``text``, or a ``<speak>`` document.

    ``user_input_timeout_seconds`` asks for ``user_input_timeout`` after so much silence.
    """

    type: Literal["speak"] = "speak"
    text: str | None = None
    ssml: str | None = None
    tts: Tts | None = None
    barge_in: BargeInSettings | None = None
    user_input_timeout_seconds: float | None = Field(default=None, ge=0, le=3_600)
    vad: Vad | None = None


class Audio(_Action):
    """Play a whole WAV file, in base64, after what is queued."""

    type: Literal["audio"] = "audio"
    audio: str
    barge_in: BargeInSettings | None = None
    user_input_timeout_seconds: float | None = Field(default=None, ge=0, le=3_600)
    vad: Vad | None = None


class Hangup(_Action):
    """End the call: at once, or after the speeches before it in the same answer."""

    type: Literal["hangup"] = "hangup"


class Transfer(_Action):
    """Hand the caller over to a number.

    With ``timeout`` (seconds that it may ring) a transfer that fails brings the caller back with
    another ``session_start``; without, it ends the call.
    """

    type: Literal["transfer"] = "transfer"
    target_phone_number: str
    caller_id_name: str = ""
    caller_id_number: str | None = None
    timeout: int | None = Field(
        None, ge=TRANSFER_TIMEOUT_S_RANGE[0], le=TRANSFER_TIMEOUT_S_RANGE[1]
    )


class BargeIn(_Action):
    """Stop what is playing and forget what is queued."""

    type: Literal["barge_in"] = "barge_in"


class ConfigureTranscription(_Action):
    """Listen in another way from now on; ``provider`` without ``languages``, or none of them, means
    any language.
    """

    type: Literal["configure_transcription"] = "configure_transcription"
    provider: str | None = None
    languages: list[str] | None = Field(default=None, max_length=4)
    custom_vocabulary: list[str] | None = Field(default=None, max_length=100)
    vad: Vad | None = None


class MixAudio(_Action):
    """Loop a WAV file, in base64, under everything; ``stop`` ends the loop."""

    type: Literal["mix_audio"] = "mix_audio"
    audio: str | None = None
    volume: float = Field(default=0.5, ge=0, le=1)
    stop: bool = False


class SendSms(_Action):
    """Send a text message; ``sms_failed`` tells if that could not be done."""

    type: Literal["send_sms"] = "send_sms"
    phone_number: str
    message: str = Field(min_length=1, max_length=1_600)


class ConfigureVoiceToVoice(_Action):
    """Let a speech-to-speech model talk; a preview of the protocol that this server ignores."""

    type: Literal["configure_voice_to_voice"] = "configure_voice_to_voice"
    system_prompt: str
    greeting: str | None = None
    temperature: float = Field(default=0.8, ge=0, le=2)
    language: str | None = None


Action = (
    Speak
    | Audio
    | Hangup
    | Transfer
    | BargeIn
    | ConfigureTranscription
    | MixAudio
    | SendSms
    | ConfigureVoiceToVoice
)
"""Any action; ``type`` tells which."""


def action_json(action: Action, session_id: str | None = None) -> dict[str, Any]:
    """Return an action as it goes over the wire; ``session_id`` fills in a missing one."""
    body = action.model_dump(exclude_none=True)
    if action.session_id is None and session_id is not None:
        body["session_id"] = session_id
    return body
