"""Letter to sound, for words that the dictionary lacks: names mostly.

A small ordered rule set, longest spelling first; good enough for a grammar to tell a name from its
neighbours. Sounds are those of the CMU dictionary (ARPAbet without stress).
"""

from __future__ import annotations

_LETTER_NAMES = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        (
            "EY",
            "B IY",
            "S IY",
            "D IY",
            "IY",
            "EH F",
            "JH IY",
            "EY CH",
            "AY",
            "JH EY",
            "K EY",
            "EH L",
            "EH M",
            "EH N",
            "OW",
            "P IY",
            "K Y UW",
            "AA R",
            "EH S",
            "T IY",
            "Y UW",
            "V IY",
            "D AH B AH L Y UW",
            "EH K S",
            "W AY",
            "Z IY",
        ),
        strict=True,
    )
)
_RULES: tuple[tuple[str, str], ...] = (
    ("tion", "SH AH N"),
    ("sion", "ZH AH N"),
    ("ough", "OW"),
    ("augh", "AO"),
    ("eigh", "EY"),
    ("igh", "AY"),
    ("tch", "CH"),
    ("sch", "SH"),
    ("dge", "JH"),
    ("ear", "IH R"),
    ("eer", "IH R"),
    ("air", "EH R"),
    ("oor", "AO R"),
    ("our", "AW ER"),
    ("ch", "CH"),
    ("sh", "SH"),
    ("th", "TH"),
    ("ph", "F"),
    ("gh", "G"),
    ("wh", "W"),
    ("ck", "K"),
    ("ng", "NG"),
    ("qu", "K W"),
    ("kn", "N"),
    ("wr", "R"),
    ("ee", "IY"),
    ("ea", "IY"),
    ("ei", "AY"),
    ("ie", "IY"),
    ("ai", "EY"),
    ("ay", "EY"),
    ("ey", "IY"),
    ("oa", "OW"),
    ("oe", "OW"),
    ("oo", "UW"),
    ("ou", "AW"),
    ("ow", "OW"),
    ("oy", "OY"),
    ("oi", "OY"),
    ("au", "AO"),
    ("aw", "AO"),
    ("eu", "Y UW"),
    ("ew", "UW"),
    ("ue", "UW"),
    ("ar", "AA R"),
    ("er", "ER"),
    ("ir", "ER"),
    ("or", "AO R"),
    ("ur", "ER"),
    ("ce", "S EH"),
    ("ci", "S IH"),
    ("cy", "S IY"),
    ("ge", "JH EH"),
    ("gi", "JH IH"),
    ("a", "AE"),
    ("b", "B"),
    ("c", "K"),
    ("d", "D"),
    ("e", "EH"),
    ("f", "F"),
    ("g", "G"),
    ("h", "HH"),
    ("i", "IH"),
    ("j", "JH"),
    ("k", "K"),
    ("l", "L"),
    ("m", "M"),
    ("n", "N"),
    ("o", "AA"),
    ("p", "P"),
    ("q", "K"),
    ("r", "R"),
    ("s", "S"),
    ("t", "T"),
    ("u", "AH"),
    ("v", "V"),
    ("w", "W"),
    ("x", "K S"),
    ("y", "IY"),
    ("z", "Z"),
)
_LONG = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW"}
_VOWELS = "aeiouy"
_FOLDED = str.maketrans("äöüàâçéèêëîïôûñáíóú", "aeuaaceeeeiiounaiou")


def pronounce(word: str) -> str:
    """Return the sounds of a word, separated by spaces; a letter that is unknown is silent.

    A word without a vowel letter is spelled. The result is never empty.
    """
    letters = word.lower().replace("ß", "ss").translate(_FOLDED)
    if not any(letter in _VOWELS for letter in letters):
        spelled = " ".join(_LETTER_NAMES[letter] for letter in letters if letter in _LETTER_NAMES)
        return spelled or "AH"
    sounds: list[str] = []
    at = 0
    while at < len(letters):
        spelling, sound = _rule(letters, at)
        if sound:
            sounds.append(sound)
        at += len(spelling)
    return " ".join(sounds) or "AH"


def _rule(letters: str, at: int) -> tuple[str, str]:
    rest = letters[at:]
    if at and len(rest) > 1 and rest[0] == rest[1] and rest[0] not in _VOWELS:
        return rest[0], ""  # a doubled consonant sounds once
    if rest == "e" and at > 1 and letters[at - 1] not in _VOWELS:
        return rest, ""  # the silent e
    if len(rest) == 3 and rest[2] == "e" and rest[0] in _LONG and rest[1] not in _VOWELS + "r":
        return rest[0], _LONG[rest[0]]  # the vowel that a silent e makes long
    if at == 0 and rest[0] == "y":
        return "y", "Y"
    if rest in ("o", "i"):
        return rest, "OW" if rest == "o" else "IY"
    if rest == "a":
        return rest, "AH"
    for spelling, sound in _RULES:
        if rest.startswith(spelling):
            return spelling, sound
    return rest[0], ""
