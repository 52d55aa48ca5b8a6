"""Grammars from expectations."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.expectation import ANYTHING, Expectation, ExpectationKind
from cordboard.providers.transcribers.pocketsphinx.grammar import Grammar, grammar_for
from cordboard.providers.transcribers.pocketsphinx.pronunciation import pronounce
from cordboard.providers.transcribers.pocketsphinx.rules import GARBAGE, PHONES, kinds_of


def defined_and_used(grammar: Grammar) -> tuple[set[str], set[str]]:
    """Return the rules that a grammar defines and those that it refers to."""
    defined = set(re.findall(r"^(?:public )?<(\w+)> =", grammar.jsgf, re.MULTILINE))
    bodies = re.sub(r"^(public )?<\w+> =", "", grammar.jsgf, flags=re.MULTILINE)
    used = set(re.findall(r"<(\w+)>", bodies))
    return defined, used - {"NULL"}


@pytest.mark.parametrize("kind", list(ExpectationKind))
@pytest.mark.parametrize("refusing", [True, False])
def test_every_rule_is_defined(kind: ExpectationKind, refusing: bool) -> None:
    """No grammar refers to a rule that it lacks, with and without examples."""
    examples = ("9:30 am", "next Friday", "four people", "4", "1 2 3", "half an hour")
    for expectation in (Expectation(kind), Expectation(kind, examples, ("goodbye",))):
        defined, used = defined_and_used(grammar_for(expectation, refusing))
        assert used <= defined


@given(
    st.sampled_from(list(ExpectationKind)),
    st.lists(st.text(max_size=20), max_size=6).map(tuple),
    st.one_of(st.none(), st.text(max_size=6)),
)
def test_hostile_choices_stay_words(
    kind: ExpectationKind, choices: tuple[str, ...], form: str | None
) -> None:
    """Whatever the choices hold, the grammar's words are letters and apostrophes."""
    grammar = grammar_for(Expectation(kind, choices, choices, form), refusing=True)
    assert all(word.replace("'", "").isalpha() for word in grammar.words)


def test_examples_stand_for_their_kind() -> None:
    """A time, a number or a row of digits as an example brings the whole rule."""
    assert kinds_of(["nine", "thirty", "a", "m"]) == {"time"}
    assert kinds_of(["four"]) == {"number"}
    assert kinds_of(["one", "two", "three"]) == {"digits"}
    assert kinds_of(["next", "friday"]) == {"date"}
    grammar = grammar_for(Expectation(ExpectationKind.YES_NO, ("9:30 am",)), refusing=True)
    assert {"past", "eleven", "morning"} <= grammar.words


def test_same_expectation_same_name() -> None:
    """A decoder that knows a grammar by its name need not load it again."""
    one = grammar_for(Expectation(ExpectationKind.TIME), refusing=True)
    assert one.name == grammar_for(Expectation(ExpectationKind.TIME), refusing=True).name
    assert one.name != grammar_for(ANYTHING, refusing=True).name


def test_range_narrows_numbers() -> None:
    """Only the numbers that may be answered are in the grammar."""
    grammar = grammar_for(Expectation(ExpectationKind.NUMBER, format="1-12"), refusing=False)
    assert {"twelve", "one"} <= grammar.words
    assert "thirteen" not in grammar.words


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzäöüß'", max_size=12))
def test_every_word_has_a_pronunciation(word: str) -> None:
    """The rules give sounds of the acoustic model for any word, at least one."""
    assert set(pronounce(word).split()) <= set(PHONES.split()) | {"ZH"}
    assert pronounce(word)


def test_pronunciations_are_plausible() -> None:
    """Some names, by the dictionary's sounds."""
    assert pronounce("mike") == "M AY K"
    assert pronounce("lee") == "L IY"
    assert pronounce("bsp") == "B IY EH S P IY"
    assert set(GARBAGE.values()) == set(PHONES.split())
