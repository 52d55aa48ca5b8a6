"""The official client; it is older than its own dependencies and warns of them when imported."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from vocode import (
        AgentParams,
        AgentUpdateParams,
        DtmfActionParams,
        ElevenLabsVoiceParams,
        ElevenLabsVoiceUpdateParams,
        EndConversationActionParams,
        ExternalActionConfig,
        ExternalActionParams,
        ExternalActionUpdateParams,
        PhraseBasedActionTriggerConfig,
        PhraseTrigger,
        PromptParams,
        TransferCallActionParams,
        TransferCallConfig,
        VocodeVoiceParams,
    )
    from vocode.client import AsyncVocode, Vocode
    from vocode.core import ApiError
    from vocode.errors import UnprocessableEntityError

__all__ = [
    "AgentParams",
    "AgentUpdateParams",
    "ApiError",
    "AsyncVocode",
    "DtmfActionParams",
    "ElevenLabsVoiceParams",
    "ElevenLabsVoiceUpdateParams",
    "EndConversationActionParams",
    "ExternalActionConfig",
    "ExternalActionParams",
    "ExternalActionUpdateParams",
    "PhraseBasedActionTriggerConfig",
    "PhraseTrigger",
    "PromptParams",
    "TransferCallActionParams",
    "TransferCallConfig",
    "UnprocessableEntityError",
    "Vocode",
    "VocodeVoiceParams",
]
