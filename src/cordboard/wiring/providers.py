"""Who listens, answers and speaks: built from settings, by the names that plans use."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from cordboard.call.actions import ActionKind
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
from cordboard.wiring.stored_keys import StoredKeys

CHAT = "openai"
HEARING_VENDOR = "deepgram"
VOICE_VENDOR = "eleven_labs"
"""As plans name it: the API's type of voice without its prefix."""

OTHER_VOICES = ("azure", "rime", "play_ht", VOICE_VENDOR)
OTHER_EARS = ("azure", VOICE_VENDOR)
"""Transcribers that a flow may name and nothing here is built for: the server's own listens."""

EMBEDDED = "embedded"
FREE_SPEECH = "the embedded transcriber understands expected answers, not free speech"
NO_EFFECT = "{} has no effect with the {}"
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

    def warnings(self, plan: CallPlan) -> tuple[str, ...]:
        """Return what a call on this plan cannot do, for its record."""
        hears = self.transcribers.resolve(plan.transcriber.provider)
        answers = self.language_models.resolve(plan.language_model.provider)
        found = [FREE_SPEECH] if hears == EMBEDDED and answers != FORM else []
        return (*found, *self._without_effect(plan, hears, answers))

    def _without_effect(self, plan: CallPlan, hears: str, answers: str) -> Iterator[str]:
        """Yield a warning for each field of the agent that those who serve the call pass over."""
        if plan.transcriber.keywords and hears != HEARING_VENDOR:
            yield NO_EFFECT.format("agent.deepgram_keywords", f"transcriber {hears}")
        model = plan.language_model
        asked = {
            "agent.openai_account_connection": model.settings.get("account_connection_id"),
            "agent.llm_fallback": model.settings.get("fallback"),
            "agent.llm_temperature": model.temperature,
            "agent.prompt.collect_fields": any(
                action.kind is ActionKind.RECORD_EMAIL for action in plan.actions
            ),
        }
        if answers != CHAT:
            for name, value in asked.items():
                if value:
                    yield NO_EFFECT.format(name, f"language model {answers}")
        if plan.voice.provider == VOICE_VENDOR and VOICE_VENDOR not in self.synthesizers.by_name:
            yield NO_EFFECT.format("agent.voice", "voice of the server's own")

    def thinks_ahead(self, plan: CallPlan) -> bool:
        """Tell whether the plan's model is far away, so that it is worth asking early."""
        return self.language_models.resolve(plan.language_model.provider) == CHAT

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


async def build_providers(
    settings: Settings, stack: AsyncExitStack, keys: StoredKeys | None = None
) -> Providers:
    """Build and start all that is installed; ``stack`` ends it.

    ``keys`` are those of organisations' own accounts; without them the server's pay for everybody.
    """
    transcribers: dict[str, Transcriber] = {TONE: ToneTranscriber()}
    synthesizers: dict[str, Synthesizer] = {TONE: ToneSynthesizer()}
    if offline_installed():
        if settings.speech_workers:
            transcribers[EMBEDDED] = await stack.enter_async_context(
                PocketsphinxTranscriber(settings.speech_workers)
            )
        synthesizers[EMBEDDED] = await stack.enter_async_context(EspeakSynthesizer())
    vendors = await _vendors(settings, stack, keys)
    transcribers |= vendors.transcribers
    synthesizers |= vendors.synthesizers
    models: dict[str, LanguageModel] = {FORM: FormModel(), **vendors.language_models}
    hearing = _auto(settings.transcriber, HEARING_VENDOR, EMBEDDED, transcribers)
    voice = _auto(settings.synthesizer, VOICE_VENDOR, EMBEDDED, synthesizers)
    return Providers(
        Choice(
            transcribers,
            hearing,
            {
                **dict.fromkeys(OTHER_EARS, (hearing, EMBEDDED)),
                HEARING_VENDOR: (EMBEDDED,) if hearing == HEARING_VENDOR else (hearing, EMBEDDED),
            },
        ),
        Choice(models, _auto(settings.language_model, CHAT, FORM, models)),
        # An agent whose voice is of a vendor that is not configured speaks with the server's own.
        Choice(synthesizers, voice, dict.fromkeys(OTHER_VOICES, (voice, EMBEDDED))),
        _voice_activity(),
        PackagedPhrases(),
    )


@dataclass(frozen=True, slots=True)
class _Vendors:
    transcribers: dict[str, Transcriber]
    language_models: dict[str, LanguageModel]
    synthesizers: dict[str, Synthesizer]


async def _vendors(settings: Settings, stack: AsyncExitStack, keys: StoredKeys | None) -> _Vendors:
    """Build those that settings name. Their modules are imported only then."""
    found = _Vendors({}, {}, {})
    if settings.openai_api_key or settings.openai_base_url:
        from cordboard.providers.language_models.openai_compatible.model import (
            VENDOR_URL,
            ChatModel,
            ChatOptions,
        )

        chat = ChatOptions(
            base_url=settings.openai_base_url or VENDOR_URL,
            api_key=settings.openai_api_key or "",
            model=settings.openai_model,
            account_url=settings.openai_account_base_url,
        )
        found.language_models[CHAT] = await stack.enter_async_context(
            ChatModel(chat, None if keys is None else keys.of_account)
        )
    if settings.deepgram_api_key:
        from cordboard.providers.transcribers.deepgram.transcriber import (
            DeepgramOptions,
            DeepgramTranscriber,
        )
        from cordboard.providers.transcribers.deepgram.wire import ListenOptions

        listen = DeepgramOptions(
            api_key=settings.deepgram_api_key,
            base_url=settings.deepgram_base_url,
            listen=ListenOptions(model=settings.deepgram_model),
        )
        found.transcribers[HEARING_VENDOR] = await stack.enter_async_context(
            DeepgramTranscriber(listen)
        )
    if settings.elevenlabs_api_key:
        from cordboard.providers.synthesizers.elevenlabs.synthesizer import (
            ElevenLabsOptions,
            ElevenLabsSynthesizer,
        )

        voice = ElevenLabsOptions(
            api_key=settings.elevenlabs_api_key,
            base_url=settings.elevenlabs_base_url,
            voice=settings.elevenlabs_voice,
            account_url=settings.elevenlabs_account_base_url,
            model=settings.elevenlabs_model,
        )
        found.synthesizers[VOICE_VENDOR] = await stack.enter_async_context(
            ElevenLabsSynthesizer(voice, None if keys is None else keys.of_voice)
        )
    return found


def _auto(setting: str, vendor: str, embedded: str, known: Mapping[str, object]) -> str:
    """Return what ``auto`` means: the setting's choice, else the vendor that is configured."""
    if setting != "auto":
        return setting
    return vendor if vendor in known else embedded


def _voice_activity() -> VoiceActivity | None:
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    from cordboard.providers.voice_activity.silero.activity import SileroVoiceActivity

    return SileroVoiceActivity()
