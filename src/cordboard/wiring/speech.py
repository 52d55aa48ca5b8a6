"""The speech of a softphone: the embedded voice and ears, or the tone code."""

from __future__ import annotations

from contextlib import AsyncExitStack

from cordboard.ports import Synthesizer, Transcriber
from cordboard.providers.synthesizers.espeak.synthesizer import EspeakSynthesizer
from cordboard.providers.synthesizers.tone.synthesizer import ToneSynthesizer
from cordboard.providers.transcribers.pocketsphinx.transcriber import PocketsphinxTranscriber
from cordboard.providers.transcribers.tone.transcriber import ToneTranscriber
from cordboard.wiring.providers import TONE


async def caller_speech(name: str, stack: AsyncExitStack) -> tuple[Synthesizer, Transcriber]:
    """Return a voice and ears for a scripted caller; ``stack`` ends them."""
    if name == TONE:
        return ToneSynthesizer(), ToneTranscriber()
    voice = await stack.enter_async_context(EspeakSynthesizer())
    ears = await stack.enter_async_context(PocketsphinxTranscriber(1))
    return voice, ears
