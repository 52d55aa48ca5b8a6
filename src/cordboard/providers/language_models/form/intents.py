"""What a caller means beside the answer: yes, no, goodbye, thanks."""

from __future__ import annotations

from collections.abc import Sequence

_YES = (
    "yes|yeah|yep|yup|sure|correct|right|exactly|perfect|absolutely|of course|that is right|"
    "that's right|that's correct|that is correct|sounds good|okay|ok|fine|that's fine|please do|"
    "go ahead|i do|i did|i am|i would|it is|it was|definitely|certainly|yes please|that works"
)
_NO = (
    "no|nope|nah|not really|not at all|that's wrong|that is wrong|wrong|incorrect|never|"
    "i don't|i do not|i didn't|i did not|i'm not|i am not|it isn't|it wasn't|it was not|"
    "not quite|no thanks|no thank you|that's not right|that is not right|actually no|i'd rather not"
)
_GOODBYE = (
    "goodbye|good bye|bye|bye bye|that's all|that is all|that's it|that is it|nothing else|"
    "hang up|see you|that would be all|that will be all|have a nice day|have a good day"
)
_THANKS = "thanks|thank you|thanks a lot|thank you very much|great thanks|cheers"
_NOISE = frozenset(
    [
        "um",
        "uh",
        "er",
        "erm",
        "hmm",
        "oh",
        "well",
        "so",
        "hi",
        "hello",
        "hey",
        "and",
        "then",
        "please",
    ]
)


def _split(text: str) -> tuple[tuple[str, ...], ...]:
    phrases = (tuple(phrase.split()) for phrase in text.split("|"))
    return tuple(sorted(phrases, key=len, reverse=True))


_YES_PHRASES, _NO_PHRASES = _split(_YES), _split(_NO)
_GOODBYE_PHRASES, _THANKS_PHRASES = _split(_GOODBYE), _split(_THANKS)


def polarity(words: Sequence[str]) -> bool | None:
    """Return True for yes, False for no, None for neither, by what the sentence begins with.

    A no anywhere in a short sentence counts before a yes: "well, that's not right".
    """
    core = [word for word in words if word not in _NOISE]
    if _begins(core, _NO_PHRASES):
        return False
    if _begins(core, _YES_PHRASES):
        return True
    if len(core) <= 5 and _contains(core, _NO_PHRASES):
        return False
    if len(core) <= 5 and _contains(core, _YES_PHRASES):
        return True
    return None


def says_goodbye(words: Sequence[str]) -> bool:
    """Whether the caller takes leave; a plain thank you is not enough."""
    return _contains(list(words), _GOODBYE_PHRASES)


def says_thanks(words: Sequence[str]) -> bool:
    """Whether the caller gives thanks."""
    return _contains(list(words), _THANKS_PHRASES)


def without_polarity(words: Sequence[str]) -> list[str]:
    """Return the words after a leading yes or no and its noise."""
    rest = list(words)
    changed = True
    while changed and rest:
        changed = False
        if rest[0] in _NOISE or rest[0] in ("actually", "sorry"):
            del rest[0]
            changed = True
        for phrases in (_NO_PHRASES, _YES_PHRASES):
            for phrase in phrases:
                if tuple(rest[: len(phrase)]) == phrase:
                    del rest[: len(phrase)]
                    changed = True
                    break
    return rest


def _begins(words: Sequence[str], phrases: Sequence[tuple[str, ...]]) -> bool:
    return any(tuple(words[: len(phrase)]) == phrase for phrase in phrases)


def _contains(words: Sequence[str], phrases: Sequence[tuple[str, ...]]) -> bool:
    return any(
        tuple(words[at : at + len(phrase)]) == phrase
        for phrase in phrases
        for at in range(len(words) - len(phrase) + 1)
    )
