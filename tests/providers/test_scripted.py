"""The scripted providers, in virtual time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from cordboard.call.actions import ActionCall, ActionKind, ActionPlan
from cordboard.call.commands import Message
from cordboard.call.expectation import ANYTHING
from cordboard.call.plan import LanguageModelPlan, TranscriberPlan, VoicePlan
from cordboard.clock import VirtualClock, run_virtual
from cordboard.ids import Randomness
from cordboard.media.codec import PCMU
from cordboard.ports import (
    ModelText,
    ProviderError,
    ReplyRequest,
    TranscriberFailed,
    TranscriberWords,
)
from cordboard.providers.scripted import (
    Deed,
    Heard,
    ScriptedActionRunner,
    ScriptedModel,
    ScriptedSynthesizer,
    ScriptedTranscriber,
    Trouble,
    mischief,
    says,
)


def request(turns: int) -> ReplyRequest:
    """Return a request after so many sentences of the caller."""
    return ReplyRequest(
        "call",
        "reply",
        LanguageModelPlan(),
        "",
        "en",
        (),
        (Message("caller", "hello"),) * turns,
        ANYTHING,
        datetime(2026, 1, 1, tzinfo=UTC),
    )


async def text_of(model: ScriptedModel, turns: int) -> str:
    """Return the text of a reply."""
    pieces = [piece async for piece in model.reply(request(turns))]
    return "".join(piece.text for piece in pieces if isinstance(piece, ModelText))


def test_model_replies_by_turn_and_repeats_its_last() -> None:
    """Turn n gets reply n; past the end the last reply is given again."""

    async def run() -> list[str]:
        model = ScriptedModel([says("One moment."), says("Two now.")])
        return [await text_of(model, turns) for turns in (1, 2, 3)]

    assert run_virtual(run()) == ["One moment.", "Two now.", "Two now."]


def test_model_meets_trouble_once() -> None:
    """A reply that failed goes well when it is asked for again."""

    async def run() -> str:
        model = ScriptedModel([says("It works now.", Trouble(fail_after=1))])
        with pytest.raises(ProviderError, match="unavailable"):
            await text_of(model, 1)
        return await text_of(model, 1)

    assert run_virtual(run()) == "It works now."


def test_model_takes_its_time() -> None:
    """The first piece and every further one take as long as the script says."""

    async def run() -> int:
        clock = VirtualClock()
        start_ms = clock.now_ms()
        await text_of(ScriptedModel([says("a b c", Trouble(first_ms=300, between_ms=50))]), 1)
        return clock.now_ms() - start_ms

    assert run_virtual(run()) == 300 + 3 * 50


def test_synthesizer_numbers_its_words() -> None:
    """Each word is whole frames filled with its number, at the times it names."""

    async def run() -> None:
        chunks = [
            chunk
            async for chunk in ScriptedSynthesizer().speak("Hi there.", VoicePlan(), "en", PCMU)
        ]
        assert [set(chunk.payload) for chunk in chunks] == [{1}, {2}]
        times = [word for chunk in chunks for word in chunk.words]
        assert [(word.text_start, word.text_end) for word in times] == [(0, 2), (3, 9)]
        assert times[1].start_ms == times[0].end_ms == PCMU.duration_ms(chunks[0].payload)

    run_virtual(run())


def test_transcriber_reports_partials_then_final() -> None:
    """Partials grow word by word; after the stop only the final comes."""

    async def run() -> list[tuple[str, bool]]:
        got: list[tuple[str, bool]] = []

        def report(words: TranscriberWords | TranscriberFailed) -> None:
            assert isinstance(words, TranscriberWords)
            got.append((words.text, words.final))

        transcriber = ScriptedTranscriber([Heard(text="nine thirty please")])
        stream = await transcriber.open(TranscriberPlan(), PCMU, "en", report)
        stream.speech_started()
        await asyncio.sleep(0.45)
        stream.speech_stopped()
        await asyncio.sleep(1)
        await stream.close()
        return got

    assert run_virtual(run()) == [
        ("nine", False),
        ("nine thirty", False),
        ("nine thirty please", True),
    ]


def test_transcriber_can_die_and_lie() -> None:
    """A stream dies where the script says; lies come from the seed."""

    async def run() -> list[object]:
        got: list[object] = []
        transcriber = ScriptedTranscriber(
            [Heard(text="yes"), Heard(text="no", fails="unavailable")],
            liar=Randomness.seeded(3),
            lie_rate=1.0,
        )
        stream = await transcriber.open(TranscriberPlan(), PCMU, "en", got.append)
        stream.speech_stopped()
        await asyncio.sleep(1)
        dying = await ScriptedTranscriber([Heard(text="no", fails="unavailable")]).open(
            TranscriberPlan(), PCMU, "en", got.append
        )
        dying.speech_stopped()
        await asyncio.sleep(1)
        return got

    first = run_virtual(run())
    assert first == run_virtual(run())
    assert isinstance(first[0], TranscriberWords)
    assert first[0].confidence == 0.4
    assert first[1] == TranscriberFailed("unavailable")


def test_action_runner_sends_then_finishes() -> None:
    """``sent`` is called when the request leaves, before the outcome."""

    async def run() -> tuple[int, int]:
        clock = VirtualClock()
        start_ms = clock.now_ms()
        sent_ms: list[int] = []
        runner = ScriptedActionRunner({"book": Deed(sent_ms=20, takes_ms=300)})
        plan = ActionPlan(action_id="a", kind=ActionKind.EXTERNAL, function_name="book")
        outcome = await runner.run(
            "call", ActionCall("1", "book", {}), plan, lambda: sent_ms.append(clock.now_ms())
        )
        assert outcome.success
        return sent_ms[0] - start_ms, clock.now_ms() - start_ms

    assert run_virtual(run()) == (20, 320)


def test_mischief_is_seeded() -> None:
    """The same seed draws the same troubles, and some of them are real ones."""
    drawn = [
        [mischief(source, 0.5) for _ in range(40)]
        for source in (Randomness.seeded(7), Randomness.seeded(7))
    ]
    assert drawn[0] == drawn[1]
    assert any(trouble.stall_after is not None for trouble in drawn[0])
    assert any(trouble.fail_after is not None for trouble in drawn[0])
