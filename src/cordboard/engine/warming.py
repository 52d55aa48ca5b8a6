"""Providers made ready while the phone rings."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from cordboard.engine.conversion import best_codec, kept_codec
from cordboard.engine.guard import Guard, Report
from cordboard.engine.parts import CallParts
from cordboard.ports import ProviderError, WarmLanguageModel, WarmSynthesizer

WARM_S = 5.0


async def warm_up(parts: CallParts, report: Report) -> None:
    """Get the call's first choices ready. What fails is told when it is needed.

    Where there is a greeting the synthesizer is at work already.
    """
    engine, plan = parts.engine, parts.call.plan
    with Guard("warming up", report), suppress(ProviderError, TimeoutError):
        async with asyncio.timeout(WARM_S):
            if not plan.initial_message:
                for voice in engine.synthesizers.candidates(plan.voice.provider)[:1]:
                    if isinstance(voice, WarmSynthesizer):
                        codec = best_codec(voice.codecs(plan.voice), kept_codec(parts.leg.codec))
                        await voice.warm(plan.voice, plan.language, codec)
            for model in engine.language_models.candidates(plan.language_model.provider)[:1]:
                if isinstance(model, WarmLanguageModel):
                    await model.warm()
