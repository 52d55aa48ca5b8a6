"""However a call ends from our side, the far end is told, and hears what was said before."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future

from cordboard.media.codec import PCMU, new_decoder
from tests.e2e.impairment import BEHIND
from tests.e2e.server import GREETING, Json, Server, furnish
from tests.e2e.sounds import spoken, understood
from tests.e2e.wire_caller import WireCaller, ringing

POLITE_NUMBER = "+12025550104"
TAIL_MS = 100
"""What a far end's jitter buffer may still hold when BYE comes."""


def _heard_words(caller: WireCaller) -> str:
    to_pcm = new_decoder(PCMU).to_pcm
    return understood(b"".join(to_pcm(packet.payload) for _, packet in caller.heard), 8_000)


def _last_sound(caller: WireCaller) -> float:
    """Return when the last packet came that was not silence."""
    return max(at for at, packet in caller.heard if packet.payload.strip(b"\xff"))


async def test_agent_says_goodbye(server: Server) -> None:
    """The agent that ends a call is heard to the end before its BYE comes."""
    ending = {"actions": [{"type": "action_end_conversation", "config": {}}]}
    trunk = {"networks": ["127.0.0.8/32"]}
    await asyncio.to_thread(lambda: furnish(server, trunk, POLITE_NUMBER, agent=ending))
    async with ringing(server.address, "goodbye.", "127.0.0.8", POLITE_NUMBER, "127.0.0.8") as call:
        await call.pause(1.6)
        await call.play(spoken("goodbye", PCMU.rate_hz))
        ended = await call.hung_up()
    assert _heard_words(call) == f"{GREETING} Goodbye."
    assert ended - _last_sound(call) >= TAIL_MS / 1_000
    (row,) = await server.ended_calls("goodbye.")
    assert (row["end_reason"], row["stage_outcome"]) == ("agent_ended", "bot_disconnected")


async def test_api_cuts_a_sentence(server: Server) -> None:
    """A call that is ended in the middle of a sentence gets its BYE within 300 ms all the same."""
    async with ringing(server.address, "cut-short.", BEHIND) as call:
        await call.pause(0.5)
        (row,) = await asyncio.to_thread(server.calls, "cut-short.")
        asked = time.monotonic()
        await asyncio.to_thread(
            lambda: server.api.post("/v1/calls/end", params={"id": row["id"]}).raise_for_status()
        )
        ended = await call.hung_up()
    assert ended - asked <= 0.3
    heard = _heard_words(call)
    assert GREETING.startswith(heard)
    assert len(heard) < len(GREETING)
    (row,) = await server.ended_calls("cut-short.")
    assert row["end_reason"] == "api_ended"
    said = row["transcript"].removeprefix("BOT: ").rstrip("-")
    assert GREETING.startswith(said)
    assert said.startswith(heard)


async def test_far_end_vanishes(vanished: Future[Json]) -> None:
    """A far end that is gone without a word is noticed: the call is not left running."""
    row = await asyncio.wrap_future(vanished)
    assert (row["status"], row["end_reason"]) == ("ended", "idle")
