"""The official client; it is older than its own dependencies and warns of them when imported."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from vocode import (
        Agent,
        AgentUpdateParams,
        DtmfActionParams,
        DtmfActionUpdateParams,
        EndConversationActionParams,
        ExternalActionConfig,
        ExternalActionParams,
        OpenAiAccountConnectionParams,
        OpenAiCredentials,
        PhoneNumber,
        PhraseBasedActionTriggerConfig,
        PhraseBasedActionTriggerInput,
        PhraseTrigger,
        PromptParams,
        TransferCallActionParams,
        TransferCallActionUpdateParams,
        TransferCallConfig,
        VocodeVoiceParams,
    )
    from vocode.client import AsyncVocode, Vocode
    from vocode.core import ApiError
    from vocode.errors import UnprocessableEntityError

__all__ = [
    "Agent",
    "AgentUpdateParams",
    "ApiError",
    "AsyncVocode",
    "DtmfActionParams",
    "DtmfActionUpdateParams",
    "EndConversationActionParams",
    "ExternalActionConfig",
    "ExternalActionParams",
    "OpenAiAccountConnectionParams",
    "OpenAiCredentials",
    "PhoneNumber",
    "PhraseBasedActionTriggerConfig",
    "PhraseBasedActionTriggerInput",
    "PhraseTrigger",
    "PromptParams",
    "TransferCallActionParams",
    "TransferCallActionUpdateParams",
    "TransferCallConfig",
    "UnprocessableEntityError",
    "Vocode",
    "VocodeVoiceParams",
]
