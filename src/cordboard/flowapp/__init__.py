"""For people who write flow apps: events and actions as the server uses them, and an app.

An app is made of decorated functions::

    from cordboard.flowapp import FlowApp, Hangup

    app = FlowApp(token="secret")

    @app.on_session_start
    def greet(event):
        return "Hello. Say goodbye when you are done."

    @app.on_user_speak
    def heard(event, call):
        if "goodbye" in event.text.lower():
            return ["Goodbye.", Hangup()]
        return f"You said: {event.text}"

    app.run(port=9000)

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
from cordboard.flowapp.answers import Answer
from cordboard.flowapp.app import FlowApp
from cordboard.flowapp.calls import CannotSend, FlowCall
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
    "Answer",
    "AssistantSpeak",
    "AssistantSpeechEnded",
    "Audio",
    "BargeIn",
    "BargeInSettings",
    "CannotSend",
    "ConfigureTranscription",
    "ConfigureVoiceToVoice",
    "DtmfReceived",
    "Event",
    "FlowApp",
    "FlowCall",
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
