"""The Protocols that the engine needs: what carriers, providers and stores must offer.

Rules for every port: methods without ``async`` never block and never wait; callbacks are called on
the event loop; failures of providers are ``ProviderError``; cancellation always passes through.
"""

from __future__ import annotations

from cordboard.ports.carriers import (
    DialFailed,
    HandedOver,
    Leg,
    LegFailed,
    LegSink,
    MediaTicker,
    OutgoingLeg,
    TransferDesk,
    TransferWish,
)
from cordboard.ports.flows import AppLine, FlowApps, TextSender
from cordboard.ports.providers import (
    ActionRunner,
    LanguageModel,
    ModelAction,
    ModelExpects,
    ModelText,
    PhraseStore,
    ProviderError,
    ReplyRequest,
    SpeechChunk,
    Synthesizer,
    Transcriber,
    TranscriberFailed,
    TranscriberStream,
    TranscriberWords,
    VoiceActivity,
    VoiceStream,
    WarmLanguageModel,
    WarmSynthesizer,
    WordTime,
)
from cordboard.ports.records import (
    CallEnding,
    CallStore,
    Direction,
    Fact,
    InboundPlan,
    NewCall,
    OpenCall,
    Recording,
    RecordingSink,
)
from cordboard.ports.times import (
    Clock,
    Randomness,
)

__all__ = [
    "ActionRunner",
    "AppLine",
    "CallEnding",
    "CallStore",
    "Clock",
    "DialFailed",
    "Direction",
    "Fact",
    "FlowApps",
    "HandedOver",
    "InboundPlan",
    "LanguageModel",
    "Leg",
    "LegFailed",
    "LegSink",
    "MediaTicker",
    "ModelAction",
    "ModelExpects",
    "ModelText",
    "NewCall",
    "OpenCall",
    "OutgoingLeg",
    "PhraseStore",
    "ProviderError",
    "Randomness",
    "Recording",
    "RecordingSink",
    "ReplyRequest",
    "SpeechChunk",
    "Synthesizer",
    "TextSender",
    "Transcriber",
    "TranscriberFailed",
    "TranscriberStream",
    "TranscriberWords",
    "TransferDesk",
    "TransferWish",
    "VoiceActivity",
    "VoiceStream",
    "WarmLanguageModel",
    "WarmSynthesizer",
    "WordTime",
]
