"""Actions of the flow protocol, in the words of the call."""

from __future__ import annotations

import re
from typing import Final, Protocol

from cordboard import flowapp
from cordboard.call.barge_in import BargeInRule, BargeInStrategy
from cordboard.call.flow.actions import (
    FlowAction,
    FlowAudio,
    FlowBargeIn,
    FlowConfigureTranscription,
    FlowHangup,
    FlowMixAudio,
    FlowSendSms,
    FlowSpeak,
    FlowTransfer,
)
from cordboard.call.plan import VoicePlan
from cordboard.call.sound import Sound
from cordboard.flow_apps.problems import Problem
from cordboard.flow_apps.ssml import BadMarkup, Markup, read_markup
from cordboard.flow_apps.voices import language_of
from cordboard.flow_apps.wav import NoSound, sound_of

TEXT_CHARS_MAX: Final = 20_000
WORD_CHARS_MAX: Final = 200

_NUMBER: Final = re.compile(r"[+]?[0-9 ()./,w#*-]*[0-9][0-9 ()./,w#*-]*")

MODELS: Final[dict[str, type[flowapp.Action]]] = {
    "speak": flowapp.Speak,
    "audio": flowapp.Audio,
    "hangup": flowapp.Hangup,
    "transfer": flowapp.Transfer,
    "barge_in": flowapp.BargeIn,
    "configure_transcription": flowapp.ConfigureTranscription,
    "mix_audio": flowapp.MixAudio,
    "send_sms": flowapp.SendSms,
    "configure_voice_to_voice": flowapp.ConfigureVoiceToVoice,
}


class VoiceChoice(Protocol):
    """Which synthesizer speaks for a voice of the protocol."""

    def choose(
        self, provider: str | None, voice: str | None, language: str | None
    ) -> tuple[VoicePlan | None, str]:
        """Return the voice, None for the flow's own, and a warning or an empty text."""
        ...


class NotDone(Exception):
    """An action that comes to nothing, for the reason that ``problem`` tells."""

    def __init__(self, field: str, text: str) -> None:
        """Keep what is wrong, by its field."""
        super().__init__(text)
        self.problem = Problem(field, text)


def translate(
    action: flowapp.Action, voices: VoiceChoice
) -> tuple[FlowAction | None, list[Problem]]:
    """Return what the call is to do, None for nothing, with what could not be taken as it was.

    Raises:
        NotDone: nothing can be made of it.

    """
    problems: list[Problem] = []
    match action:
        case flowapp.Speak():
            return _speak(action, voices, problems), problems
        case flowapp.Audio():
            return _audio(action, problems), problems
        case flowapp.Hangup():
            return FlowHangup(), problems
        case flowapp.Transfer():
            return _transfer(action), problems
        case flowapp.BargeIn():
            return FlowBargeIn(), problems
        case flowapp.ConfigureTranscription():
            return _transcription(action, problems), problems
        case flowapp.MixAudio():
            return _mix(action, problems), problems
        case flowapp.SendSms():
            return FlowSendSms(action.phone_number, action.message), problems
        case flowapp.ConfigureVoiceToVoice():
            raise NotDone("type", "speech-to-speech models are not offered; ignored")


def _speak(action: flowapp.Speak, voices: VoiceChoice, problems: list[Problem]) -> FlowSpeak:
    tts = action.tts or flowapp.Tts()
    markup = Markup((action.text or "").strip(), tts.language, tts.voice)
    if action.ssml is not None and action.ssml.strip():
        markup = _marked_up(action.ssml, tts, problems)
        if action.text:
            problems.append(Problem("text", "is left out: there is ssml as well"))
    words = markup.words
    if not words:
        raise NotDone("text", "says nothing; the action is ignored")
    if len(words) > TEXT_CHARS_MAX:
        words = words[:TEXT_CHARS_MAX]
        problems.append(Problem("text", f"is longer than {TEXT_CHARS_MAX} characters; cut"))
    voice, warning = voices.choose(tts.provider, markup.voice, markup.language)
    if warning:
        problems.append(Problem("tts", warning))
    return FlowSpeak(
        text=words,
        markup=action.ssml,
        voice=voice,
        language=markup.language or language_of(markup.voice),
        rule=_rule(action.barge_in),
        input_timeout_ms=_timeout_ms(action.user_input_timeout_seconds),
        turn_silence_ms=_silence_ms(action.vad),
    )


def _marked_up(document: str, tts: flowapp.Tts, problems: list[Problem]) -> Markup:
    """Return the words of SSML; what it says of voice and language goes before ``tts``."""
    try:
        found = read_markup(document[: 2 * TEXT_CHARS_MAX])
    except BadMarkup as problem:
        problems.append(Problem("ssml", f"{problem}; its tags are left out"))
        return Markup(problem.words, tts.language, tts.voice)
    return Markup(found.words, found.language or tts.language, found.voice or tts.voice)


def _audio(action: flowapp.Audio, problems: list[Problem]) -> FlowAudio:
    return FlowAudio(
        sound=_sound(action.audio, problems),
        rule=_rule(action.barge_in),
        input_timeout_ms=_timeout_ms(action.user_input_timeout_seconds),
        turn_silence_ms=_silence_ms(action.vad),
    )


def _sound(text: str, problems: list[Problem]) -> Sound | None:
    try:
        sound, remarks = sound_of(text)
    except NoSound as problem:
        problems.append(Problem("audio", f"{problem}; nothing is played"))
        return None
    problems += [Problem("audio", remark) for remark in remarks]
    return sound


def _mix(action: flowapp.MixAudio, problems: list[Problem]) -> FlowMixAudio:
    if action.stop:
        return FlowMixAudio(sound=None)
    sound = _sound(action.audio or "", problems)
    if sound is None:
        raise NotDone("audio", problems[-1].text)
    return FlowMixAudio(sound=sound, volume=action.volume)


def _transfer(action: flowapp.Transfer) -> FlowTransfer:
    number = action.target_phone_number.strip()
    # A transfer that fails may end the call, which nothing that is merely wrong may do.
    if not _NUMBER.fullmatch(number):
        raise NotDone("target_phone_number", "is no phone number; the action is ignored")
    return FlowTransfer(
        number=number,
        caller_name=action.caller_id_name,
        caller_number=action.caller_id_number,
        timeout_s=action.timeout,
    )


def _transcription(
    action: flowapp.ConfigureTranscription, problems: list[Problem]
) -> FlowConfigureTranscription | None:
    """Languages are reset where a provider comes without any, and kept where neither is named."""
    languages = None if action.languages is None else tuple(action.languages)
    if languages is None and action.provider is not None:
        languages = ()
    words = action.custom_vocabulary
    if words is not None and any(len(word) > WORD_CHARS_MAX for word in words):
        problems.append(
            Problem("custom_vocabulary", f"holds a word of over {WORD_CHARS_MAX} characters; cut")
        )
    wanted = FlowConfigureTranscription(
        provider=None if action.provider is None else action.provider.lower(),
        languages=languages,
        vocabulary=None if words is None else tuple(word[:WORD_CHARS_MAX] for word in words),
        turn_silence_ms=_silence_ms(action.vad),
    )
    return None if wanted == FlowConfigureTranscription() else wanted


def _rule(settings: flowapp.BargeInSettings | None) -> BargeInRule | None:
    if settings is None:
        return None
    return BargeInRule(
        strategy=BargeInStrategy(settings.strategy),
        minimum_characters=settings.minimum_characters,
        allow_after_ms=settings.allow_after_ms,
    )


def _timeout_ms(seconds: float | None) -> int | None:
    """Nought means none, as some clients write it."""
    return round(seconds * 1_000) if seconds else None


def _silence_ms(vad: flowapp.Vad | None) -> int | None:
    return None if vad is None else vad.end_of_turn_silence_ms
