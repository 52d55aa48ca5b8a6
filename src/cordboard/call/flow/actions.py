"""What a flow app may ask for, as the call understands it. Parsing is the adapter's business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cordboard.call.barge_in import BargeInRule
from cordboard.call.plan import VoicePlan
from cordboard.call.sound import Sound


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSpeak:
    """Say something after what is queued.

    ``input_timeout_ms`` is the silence after this speech that is told to the app;
    ``turn_silence_ms`` ends the caller's turns from now on. None leaves a thing as it is.
    """

    kind: ClassVar[str] = "speak"

    text: str
    markup: str | None = None
    voice: VoicePlan | None = None
    language: str | None = None
    rule: BargeInRule | None = None
    input_timeout_ms: int | None = None
    turn_silence_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowAudio:
    """Play sound after what is queued; None where what the app sent is no sound."""

    kind: ClassVar[str] = "audio"

    sound: Sound | None
    rule: BargeInRule | None = None
    input_timeout_ms: int | None = None
    turn_silence_ms: int | None = None


@dataclass(frozen=True, slots=True)
class FlowHangup:
    """End the call."""

    kind: ClassVar[str] = "hangup"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTransfer:
    """Hand the caller over. With ``timeout_s`` a transfer that fails brings the caller back;
    without, it ends the call.
    """

    kind: ClassVar[str] = "transfer"

    number: str
    caller_name: str = ""
    caller_number: str | None = None
    timeout_s: int | None = None


@dataclass(frozen=True, slots=True)
class FlowBargeIn:
    """Stop what is playing and forget what is queued."""

    kind: ClassVar[str] = "barge_in"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowConfigureTranscription:
    """Listen in another way; None leaves a thing as it is, no ``languages`` means any."""

    kind: ClassVar[str] = "configure_transcription"

    provider: str | None = None
    languages: tuple[str, ...] | None = None
    vocabulary: tuple[str, ...] | None = None
    turn_silence_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowMixAudio:
    """Loop sound under everything; None ends the loop."""

    kind: ClassVar[str] = "mix_audio"

    sound: Sound | None
    volume: float = 0.5


@dataclass(frozen=True, slots=True)
class FlowSendSms:
    """Send a text message."""

    kind: ClassVar[str] = "send_sms"

    number: str
    message: str


FlowAction = (
    FlowSpeak
    | FlowAudio
    | FlowHangup
    | FlowTransfer
    | FlowBargeIn
    | FlowConfigureTranscription
    | FlowMixAudio
    | FlowSendSms
)
