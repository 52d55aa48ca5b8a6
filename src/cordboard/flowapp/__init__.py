"""For people who write flow apps: the events and actions of the protocol, as the server uses them.

Nothing here imports the server.
"""

from __future__ import annotations

from cordboard.flowapp.actions import (
    Action,
    Audio,
    BargeIn,
    BargeInSettings,
    ConfigureTranscription,
    ConfigureVoiceToVoice,
    Hangup,
    MixAudio,
    SendSms,
    Speak,
    Transfer,
    Tts,
    Vad,
    action_json,
)
from cordboard.flowapp.events import (
    AssistantSpeak,
    AssistantSpeechEnded,
    DtmfReceived,
    Event,
    FlowSession,
    SessionEnd,
    SessionStart,
    SmsFailed,
    UserBargeIn,
    UserInputTimeout,
    UserSpeak,
    UserSpeechStarted,
    parse_event,
)

__all__ = [
    "Action",
    "AssistantSpeak",
    "AssistantSpeechEnded",
    "Audio",
    "BargeIn",
    "BargeInSettings",
    "ConfigureTranscription",
    "ConfigureVoiceToVoice",
    "DtmfReceived",
    "Event",
    "FlowSession",
    "Hangup",
    "MixAudio",
    "SendSms",
    "SessionEnd",
    "SessionStart",
    "SmsFailed",
    "Speak",
    "Transfer",
    "Tts",
    "UserBargeIn",
    "UserInputTimeout",
    "UserSpeak",
    "UserSpeechStarted",
    "Vad",
    "action_json",
    "parse_event",
]
