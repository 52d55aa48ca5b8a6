"""The voices that flow apps name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.plan import VoicePlan
from cordboard.engine.parts import Choice
from cordboard.ports import ChosenVoice, Synthesizer
from cordboard.providers.synthesizers.tone.synthesizer import ToneSynthesizer
from cordboard.wiring.flow_voices import FlowVoices

RACHEL = "21m00Tcm4TlvDq8ikWAM"
SARAH = "EXAVITQu4vr4xnSDxMaL"
GEORGE = "JBFqnCBsd6RMkjVDRZzb"


def voices(server: str, *others: str) -> FlowVoices:
    """Return the table of a process with these synthesizers."""
    by_name: dict[str, Synthesizer] = {name: ToneSynthesizer() for name in (server, *others)}
    return FlowVoices(Choice(by_name, server))


@pytest.mark.parametrize(
    "voice", [RACHEL, "Rachel", "rachel ", {"id": RACHEL}, {"name": "Rachel"}, {"name": RACHEL}]
)
def test_a_voice_of_a_configured_provider_speaks_itself(voice: object) -> None:
    """By its id, its name, or the object of older apps; without a warning."""
    found = voices("embedded", "eleven_labs").choose("eleven_labs", None, voice)
    assert found == ChosenVoice(VoicePlan(provider="eleven_labs", voice=RACHEL))


def test_a_providers_usual_voice_speaks_where_none_is_named() -> None:
    """A provider alone is a wish that can be met."""
    found = voices("embedded", "eleven_labs").choose("eleven_labs", "de-DE", None)
    assert found == ChosenVoice(VoicePlan(provider="eleven_labs"), "de-DE")


@pytest.mark.parametrize(
    ("voice", "language", "sex"),
    [
        ("de-DE-KatjaNeural", "de-DE", "female"),
        ("de-DE-FlorianMultilingualNeural", "de-DE", "male"),
        ("tr-TR-AhmetNeural", "tr-TR", "male"),
        ("pt-BR-FranciscaNeural", "pt-BR", "female"),
    ],
)
def test_the_server_speaks_for_voices_that_it_has_not(voice: str, language: str, sex: str) -> None:
    """In the voice's language, as a woman or a man like it, and with a warning."""
    found = voices("embedded").choose("azure", None, voice)
    assert found.voice == VoicePlan(provider="embedded", settings={"gender": sex})
    assert found.language == language
    assert voice in (found.warning or "")
    elsewhere = voices("eleven_labs").choose("azure", None, voice)
    assert elsewhere.voice is not None
    assert elsewhere.voice.voice == (SARAH if sex == "female" else GEORGE)


def test_the_language_asked_for_goes_before_the_voices() -> None:
    """A voice of many languages speaks the one that the app names; null is not named."""
    table = voices("embedded")
    assert table.choose("azure", "fr-FR", "de-DE-SeraphinaMultilingualNeural").language == "fr-FR"
    assert table.choose("azure", None, "de-DE-SeraphinaMultilingualNeural").language == "de-DE"
    assert table.choose("azure", "no language!", None).language is None


def test_an_unknown_voice_leaves_the_calls_own() -> None:
    """What nothing is known of, and a provider that is none, cost no sentence but a warning."""
    table = voices("embedded")
    for provider, voice in (("azure", "xx"), ("eleven_labs", "x9"), ("other", RACHEL), (7, None)):
        found = table.choose(provider, "en-GB", voice)
        assert (found.voice, found.language) == (None, "en-GB")
        assert found.warning
    assert table.choose(None, None, None) == ChosenVoice()


NONSENSE = st.recursive(
    st.none() | st.text() | st.integers() | st.sampled_from(["azure", "eleven_labs", "name", "id"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "name"]), inner),
    max_leaves=5,
)


@given(NONSENSE, NONSENSE, NONSENSE)
def test_nonsense_is_taken(provider: object, language: object, voice: object) -> None:
    """Whatever the app writes, something speaks; what goes on to a vendor is a plain name."""
    found = voices("embedded", "eleven_labs").choose(provider, language, voice)
    if found.voice is not None:
        assert found.voice.voice == "" or found.voice.voice.replace("-", "").isascii()
