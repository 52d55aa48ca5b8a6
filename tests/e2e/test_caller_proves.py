"""A trunk without networks: whoever proves to be its user gets through, from anywhere."""

from __future__ import annotations

import asyncio

from cordboard.clock import SystemClock
from cordboard.engine.clock import MediaClock
from cordboard.ids import Randomness
from cordboard.softphone.phone import Dialling, NotAnswered, Phone
from tests.e2e.conftest import DIGEST_NUMBER, DIGEST_PASSWORD, DIGEST_USER
from tests.e2e.server import Server


async def _dial(server: Server, password: str) -> tuple[int, str]:
    """Ring with a password, stay a second; return how many frames were heard, and the refusal."""
    refusal = ""
    heard: list[bytes] = []
    dialling = Dialling(
        number=DIGEST_NUMBER,
        destination=server.address,
        host="127.0.0.3",
        user=DIGEST_USER,
        password=password,
    )
    clock = SystemClock()
    ticker = MediaClock(clock, lambda where, error: None)
    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(ticker.run())
        phone = Phone(dialling, clock, ticker, Randomness.system(), heard.append)
        try:
            await phone.dial()
            await asyncio.sleep(1)
        except NotAnswered as reason:
            refusal = str(reason)
        await phone.hang_up()
        ticking.cancel()
    return len(heard), refusal


async def test_right_password(guarded: Server) -> None:
    """With the trunk's password a call from any source is answered."""
    before = len(guarded.calls())
    heard, refusal = await _dial(guarded, DIGEST_PASSWORD)
    assert (heard >= 40, refusal) == (True, "")
    calls = await guarded.ended_calls("", before + 1)
    assert calls[0]["stage_outcome"] == "human_disconnected"


async def test_wrong_password(guarded: Server) -> None:
    """With another password it is refused with 403, and no row is made."""
    before = len(guarded.calls())
    heard, refusal = await _dial(guarded, "not the password")
    assert (heard, "403" in refusal) == (0, True)
    assert len(guarded.calls()) == before
