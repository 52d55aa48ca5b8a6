"""What a scripted caller does, one step a line.

::

    also One moment, please.     may be heard somewhere, nobody waits for it
    # the far end speaks until it is silent, and these words were among it
    hear How can I help you?
    turn                 the far end says anything, and has finished
    say thirty minutes please
    press 1 2 #
    wait 500
    cough 250            a burst of noise
    over 800 say stop    after 800 ms of the far end's next words, talk over them
    hangup
    ended                the far end hangs up
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MOST_STEPS = 500
MOST_CHARACTERS = 1_000


class BadScript(ValueError):
    """A line that is no step; the text names its number."""


class Verb(StrEnum):
    """What a caller can do."""

    HEAR = "hear"
    ALSO = "also"
    TURN = "turn"
    SAY = "say"
    PRESS = "press"
    WAIT = "wait"
    COUGH = "cough"
    OVER = "over"
    HANGUP = "hangup"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: ``text`` is what is heard, said or pressed; ``ms`` how long it is waited or
    coughed.
    """

    verb: Verb
    text: str = ""
    ms: int = 0


@dataclass(frozen=True, slots=True)
class Script:
    """The steps in order."""

    steps: tuple[Step, ...]

    @property
    def expected(self) -> tuple[str, ...]:
        """All that the far end is expected to say, or may say."""
        return tuple(step.text for step in self.steps if step.verb in (Verb.HEAR, Verb.ALSO))


def parse_script(text: str) -> Script:
    """Read a script. Raises ``BadScript``."""
    steps: list[Step] = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        if len(content) > MOST_CHARACTERS or len(steps) >= MOST_STEPS:
            raise BadScript(f"line {number}: too long")
        word, _, rest = content.partition(" ")
        try:
            steps.append(_step(_verb(word), rest.strip()))
        except ValueError as problem:
            raise BadScript(f"line {number}: {problem}") from None
    if not steps:
        raise BadScript("line 1: no step")
    return Script(tuple(steps))


def _verb(word: str) -> Verb:
    try:
        return Verb(word.lower())
    except ValueError:
        known = ", ".join(verb.value for verb in Verb)
        raise ValueError(f"{word!r} is no step; steps are {known}") from None


def _step(verb: Verb, rest: str) -> Step:
    if verb in (Verb.HANGUP, Verb.ENDED, Verb.TURN):
        return Step(verb)
    if verb in (Verb.WAIT, Verb.COUGH):
        return Step(verb, ms=_milliseconds(rest))
    if verb is Verb.OVER:
        after, _, words = rest.partition(" say ")
        if not words.strip():
            raise ValueError("over MILLISECONDS say WORDS")
        return Step(verb, words.strip(), _milliseconds(after))
    if verb is Verb.PRESS:
        digits = rest.replace(" ", "").upper()
        if not re.fullmatch(r"[0-9*#A-D]{1,64}", digits):
            raise ValueError("press takes keys: 0-9 * # A-D")
        return Step(verb, digits)
    if not rest:
        raise ValueError(f"{verb.value} what?")
    return Step(verb, rest)


def _milliseconds(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text.strip()):
        raise ValueError("milliseconds from 0 to 999999")
    return int(text)
