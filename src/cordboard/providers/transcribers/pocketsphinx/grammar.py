"""A grammar (JSGF, the Java Speech Grammar Format) from an expectation.

The caller's sentence is a row of units: what was asked for, what is always possible, and the small
words that people put around an answer ("um", "let's say", "please", "no"). So a short sentence, two
answers at once and a correction all fit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from cordboard.call.expectation import Expectation, ExpectationKind
from cordboard.providers.spoken import number_words, spoken_words
from cordboard.providers.transcribers.pocketsphinx import rules

EXACT = "exact"
"""The format of an expectation whose choices, in any row, are all that can be heard."""

_MOST_PHRASES = 400
_MOST_WORDS = 12
_RANGE = re.compile(r"(\d{1,6})-(\d{1,6})")
_WIDEST_RANGE = 200
_WITH_NUMBERS = (ExpectationKind.NUMBER, ExpectationKind.YES_NO)
_UNLIKELY = 1e-27
"""The weight of "none of this". Tried in wide band on 39 answers and 9 sentences beside them, in
two voices: 15 of 18 sentences beside the grammar are refused, and word error rises from 21 to 24 %
(from 22 to 30 % for the first sentence of a call, which is why a stream does not refuse that).
Much less is cut off by the decoder's beam.
"""


@dataclass(frozen=True, slots=True)
class Grammar:
    """A grammar's text, the name it goes by in a decoder, and every word it holds."""

    name: str
    jsgf: str
    words: frozenset[str]


@lru_cache(maxsize=256)
def grammar_for(expectation: Expectation, refusing: bool) -> Grammar:
    """Return the grammar for the next answer; the same expectation gives the same one.

    With ``refusing`` a row of single sounds competes with the sentences, so that what is beside the
    grammar is heard as nothing. Not for the phone band: there a third of good answers lost to it.
    """
    if expectation.format == EXACT:
        return _exact(expectation.choices)
    examples = _phrases(expectation.choices)
    wanted = _kinds(expectation) | _kinds_of(examples)
    answers = [f"/10/ {phrase}" for phrase in examples]
    if "number" in wanted:
        counted = (rules.template(example) for example in examples)
        answers += [f"/10/ {template}" for template in counted if template]
    answers += [f"/{rules.WEIGHTS[name]}/ <{name}>" for name in sorted(wanted - {"yesno"})]
    also = [*_phrases(expectation.also), *rules.ALWAYS]
    names = wanted | {"yesno", "lead", "tail", "hesitation", "join"}
    body = rules.texts(names, _narrowed(expectation))
    yes_no_weight = 40 if expectation.kind is ExpectationKind.YES_NO else 10
    alone = (
        f"/{yes_no_weight}/ <yesno> [<yesno>] [<tail>] | /1/ ({' | '.join(dict.fromkeys(also))})"
    )
    if answers:
        body.append(f"<answer> = {' | '.join(answers)};")
        more = _more(expectation) if len(answers) > 1 else ""
        alone = f"/40/ [<yesno>] [<lead>] <answer>{more} [<tail>] | {alone}"
    body.append(f"<sentence> = (/30/ <NULL> | /1/ <hesitation>) ({alone});")
    if refusing:
        body += rules.texts({"garbage"}, {})
        body.append(f"public <utterance> = /{_UNLIKELY}/ <garbage> | /1/ <sentence>;")
    else:
        body.append("public <utterance> = <sentence>;")
    text = "\n".join(body)
    name = "g" + sha256(text.encode()).hexdigest()[:12]
    return Grammar(name, f"#JSGF V1.0;\ngrammar {name};\n{text}\n", _words(text))


def _more(expectation: Expectation) -> str:
    """Several answers in one sentence: any number at the beginning, then rarely a second one.

    Beside yes or no, an answer is a correction of one value.
    """
    if expectation.kind is ExpectationKind.YES_NO:
        return ""
    if expectation.kind is ExpectationKind.ANYTHING:
        return " ([<join>] <answer>)*"
    return " (/40/ <NULL> | /1/ [<join>] <answer>)"


def _narrowed(expectation: Expectation) -> dict[str, str]:
    """Allow only the numbers that a format such as ``"1-12"`` names."""
    if expectation.kind in (ExpectationKind.DIGITS, ExpectationKind.SPELLED, ExpectationKind.EMAIL):
        return {"lead": rules.SHORT_LEAD}
    match = _RANGE.fullmatch(expectation.format or "")
    if match is None or expectation.kind not in _WITH_NUMBERS:
        return {}
    low, high = int(match[1]), int(match[2])
    if not low <= high <= low + _WIDEST_RANGE:
        return {}
    return {"number": " | ".join(number_words(number) for number in range(low, high + 1))}


def _exact(choices: tuple[str, ...]) -> Grammar:
    phrases = [" ".join(spoken_words(text)) for text in choices[:_MOST_PHRASES]]
    text = f"public <utterance> = ({' | '.join(phrase for phrase in phrases if phrase)})+;"
    name = "g" + sha256(text.encode()).hexdigest()[:12]
    return Grammar(name, f"#JSGF V1.0;\ngrammar {name};\n{text}\n", _words(text))


def _phrases(texts: tuple[str, ...]) -> list[str]:
    phrases = (" ".join(spoken_words(text)[:_MOST_WORDS]) for text in texts[:_MOST_PHRASES])
    return list(dict.fromkeys(phrase for phrase in phrases if phrase))


def _kinds(expectation: Expectation) -> frozenset[str]:
    by_format = rules.BY_FORMAT.get(expectation.format or "")
    if by_format is not None:
        return by_format
    if expectation.kind is ExpectationKind.ANYTHING and expectation.choices:
        return frozenset()  # the examples say what may come
    return rules.BY_KIND[expectation.kind]


def _kinds_of(examples: list[str]) -> frozenset[str]:
    """Generalise: an example that is a time, a date or a number stands for all of its kind."""
    kinds: set[str] = set()
    for example in examples:
        kinds |= rules.kinds_of(example.split())
    return frozenset(kinds)


def _words(text: str) -> frozenset[str]:
    """Return the words of a grammar's rules: what is neither sign, weight nor rule name."""
    for sign in "()[]|;=+*":
        text = text.replace(sign, " ")
    return frozenset(word for word in text.split() if word[0] not in "</" and word != "public")
