"""Words out of SSML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.flow_apps.ssml import BadMarkup, Markup, read_markup

WHOLE = """<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="de-DE">
<voice name="de-DE-KatjaNeural">Guten <prosody rate="slow">Tag</prosody></voice></speak>"""


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("<speak>Hello there</speak>", Markup("Hello there")),
        (
            WHOLE,
            Markup("Guten Tag", "de-DE", "de-DE-KatjaNeural"),
        ),
        (
            '<speak>Code <say-as interpret-as="characters">AB1</say-as>.</speak>',
            Markup("Code A B 1."),
        ),
        (
            '<speak>It costs <say-as interpret-as="currency">5 EUR</say-as></speak>',
            Markup("It costs 5 EUR"),
        ),
        ('<speak>Wait<break time="500ms"/>now</speak>', Markup("Wait, now")),
        ("<speak>End.<break/>New<break/><break/>x</speak>", Markup("End. New, x")),
        ('<speak><sub alias="world wide web">WWW</sub> it</speak>', Markup("world wide web it")),
        ("<speak><p>One</p><p>Two!</p>three</speak>", Markup("One. Two! three")),
        ("<speak>A &amp; B &lt; C</speak>", Markup("A & B < C")),
        ("<speak/>", Markup("")),
    ],
)
def test_words(document: str, expected: Markup) -> None:
    """Tags leave what would be heard of them."""
    assert read_markup(document) == expected


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("<speak>Hello <b>you</speak>", "Hello you"),
        ("Hello & you", "Hello & you"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><speak>Hi</speak>', "]> Hi"),
        ("<speak>" + "<a>" * 60 + "deep" + "</a>" * 60 + "</speak>", "deep"),
        ("", ""),
    ],
)
def test_bad_markup(document: str, words: str) -> None:
    """What is no document, or one to be feared, is said without its tags."""
    with pytest.raises(BadMarkup) as caught:
        read_markup(document)
    assert caught.value.words == words


@given(st.text(max_size=200))
def test_anything(text: str) -> None:
    """Whatever the text, there are words or one kind of error."""
    for document in (text, f"<speak>{text}</speak>"):
        try:
            read_markup(document)
        except BadMarkup:
            continue
