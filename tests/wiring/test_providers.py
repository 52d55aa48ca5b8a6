"""Which providers settings lead to."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from cordboard.call.actions import ActionKind, ActionPlan
from cordboard.call.agent import AgentOperator
from cordboard.call.commands import KeepFact
from cordboard.call.events import LegOffered
from cordboard.call.machine import Call
from cordboard.call.plan import CallPlan, LanguageModelPlan, TranscriberPlan, VoicePlan
from cordboard.settings import Settings
from cordboard.telephony.sip.media_choice import NARROW_FIRST, WIDE_FIRST
from cordboard.wiring.providers import FREE_SPEECH, Providers, build_providers

NO_SPEECH = {"CORDBOARD_SPEECH_WORKERS": "0"}
VENDORS = {
    "CORDBOARD_OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    "CORDBOARD_DEEPGRAM_API_KEY": "key-of-the-ears",
    "CORDBOARD_ELEVENLABS_API_KEY": "key-of-the-voice",
}


async def built(stack: AsyncExitStack, tmp_path: Path, **environment: str) -> Providers:
    """Build providers of an environment."""
    given = {"CORDBOARD_DATA_DIR": str(tmp_path), **environment}
    return await build_providers(Settings.from_environment(given), stack)


async def test_vendors_that_settings_name_are_chosen(tmp_path: Path) -> None:
    """With keys set, ``auto`` means the vendors; the embedded voice stands behind theirs."""
    async with AsyncExitStack() as stack:
        providers = await built(stack, tmp_path, **NO_SPEECH, **VENDORS)
        assert providers.transcribers.resolve("auto") == "deepgram"
        assert providers.language_models.resolve("auto") == "openai"
        assert providers.synthesizers.resolve("auto") == "eleven_labs"
        assert len(providers.synthesizers.candidates("auto")) == 2
        assert providers.missing is None


async def test_without_vendors_the_embedded_ones_answer(tmp_path: Path) -> None:
    """On a fresh machine ``auto`` means what comes with the server."""
    async with AsyncExitStack() as stack:
        providers = await built(stack, tmp_path)
        assert providers.transcribers.resolve("auto") == "embedded"
        assert providers.language_models.resolve("auto") == "form"
        assert providers.synthesizers.resolve("auto") == "embedded"
        assert providers.missing is None


@pytest.mark.parametrize("voice", ["azure", "rime", "play_ht", "eleven_labs"])
async def test_a_voice_that_is_not_configured_is_the_servers(tmp_path: Path, voice: str) -> None:
    """An agent made for another vendor's voice still speaks."""
    async with AsyncExitStack() as stack:
        providers = await built(stack, tmp_path, **NO_SPEECH)
        plan = VoicePlan(provider=voice)
        (speaker,) = {id(each) for each in providers.synthesizers.candidates(plan.provider)}
        assert speaker == id(providers.synthesizers.by_name["embedded"])


async def test_a_model_behind_embedded_ears_is_warned_of(tmp_path: Path) -> None:
    """A call whose language model hears only expected answers says so on its record."""
    plan = CallPlan(organisation_id="o")
    only_model = {"CORDBOARD_OPENAI_BASE_URL": VENDORS["CORDBOARD_OPENAI_BASE_URL"]}
    async with AsyncExitStack() as stack:
        assert (await built(stack, tmp_path, **only_model)).warnings(plan) == (FREE_SPEECH,)
        assert (await built(stack, tmp_path)).warnings(plan) == ()
    brain = Call("c1", plan, AgentOperator(), (FREE_SPEECH,))
    first = brain.receive(LegOffered("leg1", "1", "2"), 0)[0]
    assert first == KeepFact("warning", {"warning": FREE_SPEECH})


async def test_fields_without_effect_are_named(tmp_path: Path) -> None:
    """A field of the agent that those who serve the call pass over is named on its record; with
    vendors that honour it, it is not.
    """
    plan = CallPlan(
        organisation_id="o",
        voice=VoicePlan(provider="eleven_labs"),
        transcriber=TranscriberPlan(keywords={"Cordboard": 2}),
        language_model=LanguageModelPlan(temperature=0.5, settings={"fallback": {"a": "b"}}),
        actions=(ActionPlan(action_id="", kind=ActionKind.RECORD_EMAIL, function_name="record_x"),),
    )
    async with AsyncExitStack() as stack:
        found = (await built(stack, tmp_path)).warnings(plan)
        named = [warning.partition(" ")[0] for warning in found]
        assert named == [
            "agent.deepgram_keywords",
            "agent.llm_fallback",
            "agent.llm_temperature",
            "agent.prompt.collect_fields",
            "agent.voice",
        ]
        assert (await built(stack, tmp_path, **VENDORS)).warnings(plan) == ()


async def test_wide_band_only_where_it_helps(tmp_path: Path) -> None:
    """A transcriber that wants 16 kHz gets G.722 first; others keep the line's own encoding."""
    async with AsyncExitStack() as stack:
        providers = await built(stack, tmp_path)
        embedded = CallPlan(organisation_id="o")
        tone = CallPlan(organisation_id="o", transcriber=TranscriberPlan(provider="tone"))
        assert providers.preference(embedded) == WIDE_FIRST
        assert providers.preference(tone) == NARROW_FIRST


async def test_what_is_missing_is_named(tmp_path: Path) -> None:
    """Without a transcriber no call is taken, and the reason says what to do."""
    async with AsyncExitStack() as stack:
        providers = await built(stack, tmp_path, **NO_SPEECH)
        assert providers.missing is not None
        assert "transcriber" in providers.missing
