"""Requests that are almost those of a running call: none ends it, none changes it (R26)."""

from __future__ import annotations

import asyncio
import random
import socket
from dataclasses import dataclass, replace

from cordboard.media.codec import PCMU
from cordboard.media.tones import sine
from tests.counts import count
from tests.e2e.impairment import BEHIND
from tests.e2e.server import NUMBER, Server
from tests.e2e.sounds import spoken
from tests.e2e.wire_caller import WireCaller, ringing

TRIES = count(400, 10_000)
FOREIGN_HOST = "127.0.0.5"
METHODS = ("BYE", "CANCEL", "INVITE", "UPDATE", "INFO", "REFER", "ACK")


@dataclass(frozen=True, slots=True)
class _Names:
    """What a request of the dialog bears; a near miss differs in one of them, or comes from
    another host.
    """

    call_id: str
    from_tag: str
    to_value: str
    cseq: int

    def request(self, method: str, host: str, port: int, branch: str) -> bytes:
        """Write a request."""
        body = (
            f"v=0\r\no=- 9 9 IN IP4 {FOREIGN_HOST}\r\ns=-\r\nc=IN IP4 {FOREIGN_HOST}\r\nt=0 0\r\n"
            "m=audio 9000 RTP/AVP 0\r\n"
            if method in ("INVITE", "UPDATE")
            else ""
        )
        lines = (
            f"{method} sip:{NUMBER}@{host} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{branch};rport",
            f"From: <sip:+12025550199@{BEHIND}>;tag={self.from_tag}",
            f"To: {self.to_value}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {self.cseq} {method}",
            f"Contact: <sip:thief@{FOREIGN_HOST}:{port}>",
            "Max-Forwards: 70",
            *(("Content-Type: application/sdp",) if body else ()),
            f"Content-Length: {len(body)}",
        )
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def _damaged(text: str, chance: random.Random) -> str:
    """Return the text with its last character, or one of its last eight, changed."""
    at = len(text) - 1 - chance.randrange(min(8, len(text)))
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]


def _near_miss(right: _Names, chance: random.Random) -> tuple[_Names, bool]:
    """Return names of which one is wrong, or right ones that are to come from another host."""
    cseq = 2 + chance.randrange(50)
    match chance.randrange(4):
        case 0:
            return replace(right, cseq=cseq, to_value=_damaged(right.to_value, chance)), False
        case 1:
            return replace(right, cseq=cseq, from_tag=_damaged(right.from_tag, chance)), False
        case 2:
            return replace(right, cseq=cseq, call_id=_damaged(right.call_id, chance)), False
        case _:
            return replace(right, cseq=cseq), True


async def _attack(server: Server, caller: WireCaller, chance: random.Random) -> None:
    call_id, to_value = caller.identity
    right = _Names(call_id, call_id, to_value, 1)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as foreign,
    ):
        near.bind((BEHIND, 0))
        foreign.bind((FOREIGN_HOST, 0))
        for number in range(TRIES):
            names, from_elsewhere = _near_miss(right, chance)
            sender, host = (foreign, FOREIGN_HOST) if from_elsewhere else (near, BEHIND)
            port = sender.getsockname()[1]
            method = chance.choice(METHODS)
            sender.sendto(names.request(method, host, port, f"miss{number}"), server.address)
            if number % 10 == 0:
                await asyncio.sleep(0.02)


async def test_near_misses(server: Server) -> None:
    """No near miss ends, redirects or silences the call, and none makes another."""
    handle = "near-miss-0123456789."
    async with ringing(server.address, handle, BEHIND) as caller:
        async with asyncio.TaskGroup() as group:
            attack = group.create_task(_attack(server, caller, random.Random(26)))
            while not attack.done():
                await caller.play(sine(600.0, 500, PCMU.rate_hz))
        heard_before = len(caller.heard)
        await caller.play(spoken("still here", PCMU.rate_hz, 1_000, 1_500))
        assert len(caller.heard) - heard_before >= 100
    (call,) = await server.ended_calls(handle)
    assert call["end_reason"] == "caller_hung_up"
    assert "still here" in call["transcript"]
    assert len(server.calls("near-miss-")) == 1
