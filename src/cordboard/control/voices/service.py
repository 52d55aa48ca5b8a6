"""Rules of voices."""

from __future__ import annotations

from typing import Final

from cordboard.control.resources import Resource
from cordboard.control.unit import Unit
from cordboard.control.voices.queries import COLUMNS, oldest_voice
from cordboard.control.voices.schemas import DEFAULT_TYPE, DEFAULT_VOICE, MODELS, infer
from cordboard.storage.tables import Voice

VOICES: Final = Resource(
    noun="voice",
    table=Voice,
    models=MODELS,
    columns=COLUMNS,
    infer=infer,
    secrets={kind: [("api_key",)] for kind in MODELS},
)


async def default_voice(unit: Unit) -> Voice:
    """Return the organisation's voice for agents that name none; made when first needed."""
    found = await oldest_voice(unit, DEFAULT_TYPE)
    return found or await VOICES.resolve(unit, DEFAULT_VOICE, ("body", "voice"))
