"""Callers who are handed over, from seeds: the target does what it likes, anybody leaves."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from cordboard.call.actions import ActionPlan
from cordboard.call.events import EndReason
from cordboard.clock import run_virtual
from cordboard.media.codec import FRAME_MS, PCMU, new_decoder
from cordboard.media.tones import RINGBACK, tone_share
from tests.counts import count
from tests.engine.rig import words_in
from tests.simulation.invariants import Violated
from tests.simulation.outgoing import Behaviour
from tests.simulation.transfers import (
    CALLER_SAYS,
    REFUSALS,
    TARGET_SAYS,
    TRANSFER,
    Played,
    Script,
    drawn,
    play,
)

CHUNKS = 4


async def _played(script: Script, seed: int = 1, transfer: ActionPlan = TRANSFER) -> Played:
    async with asyncio.timeout(120):
        played = await play(script, seed, transfer)
    _judge(played)
    return played


def _judge(played: Played) -> None:
    rig = played.rig
    if rig.reports:
        raise Violated(f"something of ours broke: {rig.reports}")
    if len(rig.store.endings["c1"]) != 1:
        raise Violated("the row was not finished exactly once")
    if played.caller.ended_by is None:
        raise Violated("the caller was not released")
    for leg in played.targets:
        if leg.dials != 1:
            raise Violated(f"dialled {leg.dials} times")
        if leg.far_end.ended_by is None:
            raise Violated("the target was not released")
    if played.reason is not None:
        played.watched.judge_end()
    kinds = rig.store.kinds()
    told = kinds.count("transfer_answered") + kinds.count("transfer_failed")
    if told > kinds.count("transfer_started"):
        raise Violated("a transfer came to its outcome twice")
    for request in played.requests:
        outcomes = [message for message in request.messages if message.role == "action"]
        if len(outcomes) > 1:
            raise Violated("the model was told twice")
    tasks = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    if tasks:
        raise Violated(f"tasks outlive the call: {tasks}")
    _judge_outcome(played)


def _judge_outcome(played: Played) -> None:
    """What the record says is what the far ends saw."""
    kinds = played.rig.store.kinds()
    answered = any(leg.far_end.answered for leg in played.targets)
    if "transfer_answered" in kinds and played.targets and not answered:
        raise Violated("connected with somebody who had not answered")
    if played.reason is EndReason.TRANSFERRED and "transfer_answered" not in kinds:
        raise Violated("over by a transfer that never was")
    if answered and "transfer_answered" in kinds:
        heard = " ".join(words_in(played.caller.heard, PCMU))
        if "nobody is there" in heard:
            raise Violated("the agent spoke into the talk")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_seeds(chunk: int) -> None:
    """Whoever leaves whenever: all far ends are let go, the call ends once, and is told once."""
    seeds = count(100, 4_000) // CHUNKS
    for seed in range(chunk * seeds, (chunk + 1) * seeds):
        try:
            run_virtual(_played(drawn(seed), seed))
        except (Violated, TimeoutError) as violated:
            raise Violated(f"seed {seed}: {violated!r}") from violated


@pytest.mark.parametrize("refusal", REFUSALS)
def test_the_agent_goes_on(refusal: EndReason) -> None:
    """A target that does not answer is told to the model by its kind, and the talk goes on."""
    script = Script(Behaviour(refusal=refusal), caller_leaves_s=16)
    played = run_virtual(_played(script))
    assert f"Did not transfer call: {REFUSALS[refusal]}" in played.watched.transcript
    assert "nobody is there You said seven" in " ".join(words_in(played.caller.heard, PCMU))
    assert played.reason is EndReason.CALLER_HUNG_UP


def test_it_rings_no_longer() -> None:
    """A target may ring for so long as was asked for; then nobody has answered."""
    briefly = replace(TRANSFER, config={**TRANSFER.config, "rings_s": 3})
    script = Script(Behaviour(ring_ms=8_000), caller_leaves_s=9)
    played = run_virtual(_played(script, transfer=briefly))
    assert "Did not transfer call: no_answer" in played.watched.transcript
    assert not played.targets[0].far_end.answered


@pytest.mark.parametrize("first", ["caller", "target", "nobody"])
def test_they_hear_each_other(first: str) -> None:
    """Connected, each hears the other and nobody the agent; when one hangs up the other is let
    go, at the latest when the longest call is over.
    """
    script = Script(
        Behaviour(),
        caller_leaves_s=14 if first == "caller" else None,
        target_leaves_s=6 if first == "target" else None,
    )
    played = run_virtual(_played(script))
    (target,) = played.targets
    assert words_in(target.far_end.heard, PCMU) == CALLER_SAYS.split()
    assert words_in(played.caller.heard, PCMU) == TARGET_SAYS.split()
    assert (
        played.reason
        in {
            "caller": {EndReason.CALLER_HUNG_UP, EndReason.TRANSFERRED},
            "target": {EndReason.TRANSFERRED},
            "nobody": {EndReason.LONGEST_CALL},
        }[first]
    )
    assert "Successfully transferred call" in played.watched.transcript


def test_it_is_heard_ringing() -> None:
    """While the target rings the caller hears the tone in its rhythm, and nothing afterwards."""
    script = Script(Behaviour(ring_ms=9_000, refusal=EndReason.NO_ANSWER), caller_leaves_s=13)
    played = run_virtual(_played(script))
    heard = new_decoder(PCMU).to_pcm(bytes(played.caller.heard))
    window = 2 * 8 * 200
    rings = [
        all(tone_share(heard[at : at + window], hz, 8_000) > 0.35 for hz in RINGBACK.frequencies_hz)
        for at in range(0, len(heard) - window, window)
    ]
    first, last = rings.index(True), len(rings) - rings[::-1].index(True)
    assert 3_000 <= sum(rings) * 200 <= 4_600  # two seconds of tone, four of silence, and again
    assert 7_000 <= (last - first) * 200 <= 9_200
    assert FRAME_MS * len(played.caller.heard) // PCMU.frame_bytes > 9_000
