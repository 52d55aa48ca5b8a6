"""Whether the one who was called asked not to be called again: by phrases, language by language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

ASKED: Final = "do_not_call_asked"
NOT_ASKED: Final = "do_not_call_not_asked"

_PHRASES: Final = {
    "en": (
        *("do not call", "don't call", "dont call", "stop calling", "quit calling"),
        *("never call", "no more calls", "not call me again", "not call here again"),
        *("remove me from", "take me off", "remove my number", "take my number off"),
        *("delete my number", "lose my number", "remove this number", "take this number off"),
    ),
    "de": (
        *("nicht mehr an", "nie wieder an", "keine anrufe mehr", "hören sie auf anzurufen"),
        *("löschen sie meine nummer", "streichen sie mich", "nehmen sie mich von"),
    ),
    "es": (
        *("no me llame", "no llame", "no me vuelva a llamar", "no vuelva a llamar"),
        *(
            "deje de llamar",
            "dejen de llamar",
            "borre mi número",
            "quíteme de",
            "elimine mi número",
        ),
    ),
    "fr": (
        *("ne m'appelez plus", "ne me rappelez plus", "ne plus m'appeler", "ne me rappelez pas"),
        *("arrêtez de m'appeler", "arrêtez d'appeler", "supprimez mon numéro", "retirez-moi"),
    ),
}


def can_tell(language: str) -> bool:
    """Tell whether there are phrases of a language; ``language`` is its code, region or not."""
    return _code(language) in _PHRASES


def is_asked(language: str, said: Iterable[str]) -> bool | None:
    """Tell whether any of the callee's turns asks not to be called again; None where nobody can."""
    phrases = _PHRASES.get(_code(language))
    if phrases is None:
        return None
    return any(phrase in _plain(turn) for turn in said for phrase in phrases)


def _code(language: str) -> str:
    return language.partition("-")[0].lower()


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("\u2019", "'").split())
