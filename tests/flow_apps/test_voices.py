"""The voices that flow apps name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.plan import VoicePlan
from cordboard.flow_apps.voices import Voices, language_of

RACHEL = "21m00Tcm4TlvDq8ikWAM"
SARAH = "EXAVITQu4vr4xnSDxMaL"
GEORGE = "JBFqnCBsd6RMkjVDRZzb"
OWN = Voices({"embedded", "tone"}, "embedded")
BOTH = Voices({"embedded", "eleven_labs"}, "embedded")


@pytest.mark.parametrize("provider", ["eleven_labs", None])
@pytest.mark.parametrize("voice", [RACHEL, "Rachel", "rachel "])
def test_a_voice_of_a_configured_provider_speaks_itself(provider: str | None, voice: str) -> None:
    """By its id or its name, also where only the voice is named; without a warning."""
    assert BOTH.choose(provider, voice, None) == (
        VoicePlan(provider="eleven_labs", voice=RACHEL),
        "",
    )


def test_a_providers_usual_voice_speaks_where_none_is_named() -> None:
    """A provider alone is a wish that can be met."""
    assert BOTH.choose("eleven_labs", None, "de-DE") == (VoicePlan(provider="eleven_labs"), "")


@pytest.mark.parametrize("provider", ["azure", None])
@pytest.mark.parametrize(
    ("voice", "language", "sex"),
    [
        ("de-DE-KatjaNeural", "de-DE", "female"),
        ("de-DE-FlorianMultilingualNeural", "de-DE", "male"),
        ("tr-TR-AhmetNeural", "tr-TR", "male"),
        ("pt-BR-FranciscaNeural", "pt-BR", "female"),
    ],
)
def test_the_server_speaks_for_voices_that_it_has_not(
    provider: str | None, voice: str, language: str, sex: str
) -> None:
    """As a woman or a man like it, and with a warning; its name tells the language."""
    found, warning = OWN.choose(provider, voice, None)
    assert found == VoicePlan(provider="embedded", settings={"gender": sex})
    assert voice in warning
    assert language_of(voice) == language
    elsewhere, _ = Voices({"eleven_labs"}, "eleven_labs").choose(provider, voice, None)
    assert elsewhere is not None
    assert elsewhere.voice == (SARAH if sex == "female" else GEORGE)


@pytest.mark.parametrize(
    ("provider", "voice"),
    [("azure", "xx"), ("azure", None), ("eleven_labs", "x9"), ("other", RACHEL), (None, "Zoe")],
)
def test_an_unknown_voice_leaves_the_flows_own(provider: str | None, voice: str | None) -> None:
    """What nothing is known of, and a provider that is none, cost a warning and no sentence."""
    found, warning = OWN.choose(provider, voice, "en-GB")
    assert found is None
    assert "flow's own" in warning
    assert language_of(voice) is None


def test_no_wish_is_no_warning() -> None:
    """Without any of the three fields the flow's own voice speaks."""
    assert OWN.choose(None, None, None) == (None, "")
    assert OWN.choose("", " ", "de-DE") == (None, "")


WORDS = (
    st.none() | st.text() | st.sampled_from(["azure", "eleven_labs", "Rachel", "xx-YY-AbcNeural"])
)


@given(WORDS, WORDS, WORDS)
def test_nonsense_is_taken(provider: str | None, voice: str | None, language: str | None) -> None:
    """Whatever the app writes, somebody speaks; what goes on to a vendor is a plain name."""
    found, warning = BOTH.choose(provider, voice, language)
    if found is not None:
        assert all(each.isascii() and (each.isalnum() or each in ":_-") for each in found.voice)
    assert len(warning) < 250
