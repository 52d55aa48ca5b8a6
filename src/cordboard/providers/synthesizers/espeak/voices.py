"""Which voice speaks a plan: names, rate and pitch, by language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cordboard.call.plan import VoicePlan

USUAL_WPM = 165
USUAL_PITCH = 50
_RATES_WPM = (80, 450)
_DEFAULT = "en-us"
_OWN_NAMES = {
    "en": "en-us",
    "no": "nb",
    "zh": "cmn",
    "zh-cn": "cmn",
    "pt": "pt-br",
    # British is the library's plain English.
    "en-gb": "en",
    "en-uk": "en",
}
_VARIANTS = {"female": "f2", "male": "m3"}


@dataclass(frozen=True, slots=True)
class Choice:
    """Voices to try in this order, and how they speak."""

    voices: tuple[str, ...]
    rate_wpm: int
    pitch: int


def choose(voice: VoicePlan, language: str) -> Choice:
    """Return the voices for a plan: the one it names, then the language's, then American English.

    A name is a language of the library with an optional variant (``"de+f3"``); a name that the
    library does not know is passed over. ``gender`` of the settings (``"female"``, ``"male"``)
    chooses among the language's own. ``rate`` and ``pitch`` are percent of change, ``rate_wpm`` is
    absolute; a value that is no number is passed over.
    """
    settings = voice.settings
    spoken = _by_language(language)
    variant = _VARIANTS.get(str(settings.get("gender")))
    if variant is not None:
        spoken = [f"{each}+{variant}" for each in spoken] + spoken
    named = str(settings.get("voice_name") or voice.voice or "").strip().lower()
    candidates = [named, f"{spoken[0]}+{named}", *spoken, _DEFAULT]
    if not named:
        candidates = [*spoken, _DEFAULT]
    rate = _number(settings, "rate_wpm") or USUAL_WPM * (1 + _number(settings, "rate") / 100)
    pitch = USUAL_PITCH * (1 + _number(settings, "pitch") / 100)
    return Choice(
        tuple(dict.fromkeys(candidates)),
        round(min(max(rate, _RATES_WPM[0]), _RATES_WPM[1])),
        round(min(max(pitch, 0), 100)),
    )


def _by_language(language: str) -> list[str]:
    tag = language.strip().lower().replace("_", "-") or "en"
    main = tag.split("-", 1)[0]
    return list(dict.fromkeys((_OWN_NAMES.get(tag, tag), _OWN_NAMES.get(main, main))))


def _number(settings: Mapping[str, object], name: str) -> float:
    value = settings.get(name)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
