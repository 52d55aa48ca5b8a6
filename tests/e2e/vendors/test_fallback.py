"""Ears and a voice of our own take a call over from vendors that are away."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from cordboard.call.events import EndReason
from tests.e2e.linked.house import tones, words
from tests.e2e.vendors.faults import break_vendor
from tests.e2e.vendors.house import REPLY, Caller, House


class _Speaking(Caller):
    """Says something that only a vendor's ears would understand, if at all, then what ours do."""

    def __init__(self, *, twice: bool) -> None:
        super().__init__()
        self._sayings = [self.spoken] * twice + [tones("book a table please")]

    async def talks(self) -> None:
        """Do it."""
        await self._answered.wait()
        await asyncio.sleep(1.5)
        for sound in self._sayings:
            self.spoken = sound
            await self.says()
            await asyncio.sleep(6.0)
        self.far.hang_up()


@pytest.mark.timeout(120)
async def test_our_own_speech_stands_behind_the_vendors() -> None:
    """A vendor that refuses, or turns deaf, is followed by ours in the same call: words are
    understood, and the reply is heard.
    """
    outcomes = await asyncio.gather(
        _call({"listen": "connect_refused", "speech": "server_error"}, False),
        _call({"listen": "stalls"}, True),
        _call({"speech": "cut"}, False),
    )
    for heard, transcript in outcomes:
        assert "HUMAN: book a table" in transcript
        assert "".join(REPLY.split()) in "".join(heard.split())


async def _call(broken: dict[str, str], twice: bool) -> tuple[str, str]:
    """Return what was heard of the agent, by either voice, and the transcript."""
    house, caller = House(has_embedded=True), _Speaking(twice=twice)
    async with house.open(), AsyncExitStack() as stack:
        for vendor, fault in broken.items():
            await break_vendor(house, vendor, fault, stack)
        ending = await house.call(caller)
    assert house.reports == []
    assert ending.reason is EndReason.CALLER_HUNG_UP
    assert "provider_failed" not in house.store.kinds()
    heard = bytes(caller.far.heard)
    return (words(heard) if "speech" in broken else caller.words()), ending.transcript
