"""Who listens, answers and speaks: built from settings, by the names that plans use."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from cordboard.call.plan import CallPlan
from cordboard.engine.parts import Choice
from cordboard.ports import LanguageModel, PhraseStore, Synthesizer, Transcriber, VoiceActivity
from cordboard.providers.language_models.form.model import FormModel
from cordboard.providers.phrases.store import PackagedPhrases
from cordboard.providers.synthesizers.espeak.synthesizer import EspeakSynthesizer
from cordboard.providers.synthesizers.tone.synthesizer import ToneSynthesizer
from cordboard.providers.transcribers.pocketsphinx.transcriber import PocketsphinxTranscriber
from cordboard.providers.transcribers.tone.transcriber import ToneTranscriber
from cordboard.settings import Settings
from cordboard.telephony.sip.media_choice import NARROW_FIRST, WIDE_FIRST

EMBEDDED = "embedded"
TONE = "tone"
FORM = "form"
OFFLINE_EXTRA = "offline"


@dataclass(frozen=True, slots=True)
class Providers:
    """All providers of a process."""

    transcribers: Choice[Transcriber]
    language_models: Choice[LanguageModel]
    synthesizers: Choice[Synthesizer]
    voice_activity: VoiceActivity | None
    phrases: PhraseStore

    @property
    def missing(self) -> str | None:
        """What is missing for calls to be taken, in words with the command that mends it."""
        for kind, choice in (
            ("transcriber", self.transcribers),
            ("language model", self.language_models),
            ("synthesizer", self.synthesizers),
        ):
            if not choice.candidates("auto"):
                if choice.auto not in (EMBEDDED, FORM):
                    known = ", ".join(sorted(choice.by_name))
                    return f"there is no {kind} named {choice.auto!r}; there are: {known}"
                return f"no {kind}: pip install 'cordboard[{OFFLINE_EXTRA}]' or name a vendor"
        return None

    def hears_tones(self, plan: CallPlan) -> bool:
        """Tell whether the plan's transcriber hears tone code: no neural model takes that for
        speech.
        """
        return self.transcribers.resolve(plan.transcriber.provider) == TONE

    def preference(self, plan: CallPlan) -> Sequence[str]:
        """Return the encodings for this plan's legs, best first: wide-band if it helps to
        understand.
        """
        candidates = self.transcribers.candidates(plan.transcriber.provider)
        if candidates and candidates[0].codecs(plan.transcriber)[0].rate_hz >= 16_000:
            return WIDE_FIRST
        return NARROW_FIRST


def offline_installed() -> bool:
    """Tell whether the extra with the embedded speech is installed."""
    return all(importlib.util.find_spec(name) for name in ("pocketsphinx", "espeakng_loader"))


async def build_providers(settings: Settings, stack: AsyncExitStack) -> Providers:
    """Build and start all that is installed; ``stack`` ends it."""
    transcribers: dict[str, Transcriber] = {TONE: ToneTranscriber()}
    synthesizers: dict[str, Synthesizer] = {TONE: ToneSynthesizer()}
    if offline_installed():
        if settings.speech_workers:
            transcribers[EMBEDDED] = await stack.enter_async_context(
                PocketsphinxTranscriber(settings.speech_workers)
            )
        synthesizers[EMBEDDED] = await stack.enter_async_context(EspeakSynthesizer())
    return Providers(
        Choice(transcribers, _auto(settings.transcriber, EMBEDDED)),
        Choice({FORM: FormModel()}, _auto(settings.language_model, FORM)),
        Choice(synthesizers, _auto(settings.synthesizer, EMBEDDED)),
        _voice_activity(),
        PackagedPhrases(),
    )


def _auto(setting: str, embedded: str) -> str:
    return embedded if setting == "auto" else setting


def _voice_activity() -> VoiceActivity | None:
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    from cordboard.providers.voice_activity.silero.activity import SileroVoiceActivity

    return SileroVoiceActivity()
