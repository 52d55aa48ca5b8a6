"""Words that acknowledge and do not ask for the floor."""

from __future__ import annotations

import re
import unicodedata

_HUMS = re.compile(r"m+h*m*|h+m+|m+hm+|u+h+|u+m+|a+h+|o+h+|h+u+h+|uhhuh|mmhmm|mhm")

_PHRASES: dict[str, frozenset[str]] = {
    "en": frozenset(
        (
            "yes", "yeah", "yep", "yup", "sure", "quite", "right", "really", "ok", "okay",
            "alright", "all right",
            "good heavens", "i see", "of course", "oh dear", "oh god", "thats nice",
            "thats not bad", "thats right", "makes sense", "got it", "go on", "cool", "great",
            "good", "fine", "wow",
        )
    ),
    "de": frozenset(
        (
            "ja", "jaja", "genau", "okay", "ok", "gut", "stimmt", "richtig", "klar", "ach so",
            "achso", "aha", "verstehe", "soso", "na gut", "alles klar",
        )
    ),
}  # fmt: skip


def plain(text: str) -> str:
    """Return ``text`` in lower case, without punctuation, its white space folded."""
    folded = unicodedata.normalize("NFC", text).lower().replace("'", "").replace("\u2019", "")
    return " ".join(re.sub(r"[^\w\s]", " ", folded).split())


def word_count(text: str) -> int:
    """Return how many words ``text`` has."""
    return len(plain(text).split())


def is_hum(text: str) -> bool:
    """Tell whether ``text`` is only a hum: "mm-hm", "uh"."""
    words = plain(text)
    return bool(words) and all(_HUMS.fullmatch(word) for word in words.split())


def is_backchannel(text: str, language: str) -> bool:
    """Tell whether ``text`` is only acknowledgement in ``language`` (English phrases count
    everywhere).
    """
    rest = plain(text)
    if not rest:
        return False
    phrases = _PHRASES["en"] | _PHRASES.get(language.split("-")[0].lower(), frozenset())
    words = rest.split()
    at = 0
    while at < len(words):
        if _HUMS.fullmatch(words[at]):
            at += 1
            continue
        for length in (3, 2, 1):
            if " ".join(words[at : at + length]) in phrases and at + length <= len(words):
                at += length
                break
        else:
            return False
    return True
