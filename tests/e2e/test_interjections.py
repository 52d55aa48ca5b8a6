"""What a caller puts in beside words, over real RTP: a cough, and keys pressed as sound."""

from __future__ import annotations

import asyncio

from cordboard.media.codec import PCMU, new_decoder
from cordboard.media.tones import digit_tone, noise
from tests.e2e.impairment import BEHIND
from tests.e2e.server import GREETING, Server
from tests.e2e.wire_caller import WireCaller, ringing
from tests.engine.rig import tone, words_in

RATE_HZ = PCMU.rate_hz
QUIET = bytes(2 * RATE_HZ)
REPLY = "I am sorry there is nothing I can do on this line"
"""What the agent of these tests answers: it has no form to fill."""


def _words(caller: WireCaller) -> list[str]:
    """Return the words in the sound that came, in the order of its packets."""
    sound = b"".join(packet.payload for _, packet in caller.heard)
    return [word.strip(".,?!") for word in words_in(sound, PCMU)]


async def _has_heard(caller: WireCaller, word: str) -> None:
    async with asyncio.timeout(20):
        while word not in _words(caller):
            await caller.play(QUIET[: 2 * RATE_HZ // 5])


async def test_a_cough_costs_no_word(server: Server) -> None:
    """A cough while the agent speaks stops the sound at most for a moment: every word is in the far
    end's sound once, in order, and on record as heard.
    """
    async with ringing(server.address, "cough.", BEHIND) as caller:
        await _has_heard(caller, GREETING.split()[-1])
        await caller.play(new_decoder(PCMU).to_pcm(tone("bicycle", PCMU)))
        await _has_heard(caller, "sorry")
        await caller.play(noise(200, RATE_HZ, -14.0))
        await _has_heard(caller, "line")
        await caller.play(QUIET)
        heard = _words(caller)
    assert heard == GREETING.replace(",", "").split() + REPLY.split()
    (call,) = await server.ended_calls("cough.")
    kinds = [fact["kind"] for fact in server.events(call["id"])]
    assert "overlap" in kinds
    assert "barge_in" not in kinds
    assert call["transcript"].endswith("on this line.")


async def test_keys_as_sound(server: Server) -> None:
    """Where no telephone events were agreed, keys are heard as tones: each press is one digit."""
    async with ringing(server.address, "in-band.", BEHIND) as caller:
        await _has_heard(caller, GREETING.split()[-1])
        for digit in "4711#":
            await caller.play(digit_tone(digit, 120, RATE_HZ) + QUIET[: 2 * RATE_HZ // 5])
        await caller.play(QUIET)
    (call,) = await server.ended_calls("in-band.")
    pressed = [fact for fact in server.events(call["id"]) if fact["kind"] == "digit"]
    assert [fact["content"]["digit"] for fact in pressed] == list("4711#")
