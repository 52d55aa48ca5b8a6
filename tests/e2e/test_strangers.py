"""Sound that is not the caller's: sprayed from outside, or left over from an earlier call."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cordboard.media import rtp
from cordboard.media.codec import PCMU, new_encoder
from cordboard.media.tones import sine, tone_share
from tests.counts import count, torture
from tests.e2e.impairment import BEHIND
from tests.e2e.server import Server, furnish
from tests.e2e.sipp_program import run_sipp
from tests.e2e.sounds import recorded
from tests.e2e.wire_caller import ringing

STRANGERS = ("127.0.0.5", "127.0.0.6", "127.0.0.7")
STRANGE_HZ, OWN_HZ = 2_000.0, 700.0
MEDIA_PORTS = range(20_000, 20_200, 2)
LEFTOVER_MS = 3_000
PORT_REST_S = 33
_RATE_HZ = PCMU.rate_hz


def _sprayed(sequence: int, payload: bytes) -> bytes:
    packet = rtp.Packet(0, False, sequence & 0xFFFF, sequence * 160, 0xBAD, payload)
    return rtp.build(packet)


class _Strangers:
    """Sockets on other hosts that send sound to every media port, and note what they get."""

    def __init__(self) -> None:
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in STRANGERS]
        for host, each in zip(STRANGERS, self.sockets, strict=True):
            each.bind((host, 0))
            each.setblocking(False)

    async def spray(self) -> None:
        """Send to all ports, again and again, in good order."""
        frame = new_encoder(PCMU).from_pcm(sine(STRANGE_HZ, 20, _RATE_HZ))
        sequence = 0
        while True:
            for port in MEDIA_PORTS:
                for each in self.sockets:
                    each.sendto(_sprayed(sequence, frame), (BEHIND, port))
            sequence += 1
            await asyncio.sleep(0.05)

    def close(self) -> int:
        """Close; return how many datagrams came back."""
        received = 0
        for each in self.sockets:
            try:
                while each.recv(2_000):
                    received += 1
            except OSError:  # nothing more, or a port that nobody holds
                pass
            each.close()
        return received


@asynccontextmanager
async def _spraying() -> AsyncIterator[_Strangers]:
    strangers = _Strangers()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(strangers.spray())
        await asyncio.sleep(0.1)
        yield strangers
        task.cancel()


def _share(pcm: bytes, hz: float) -> float:
    """Return in what part of the frames a frequency leads."""
    step = _RATE_HZ // 25
    frames = [pcm[at : at + step] for at in range(0, len(pcm) - step, step)]
    return sum(tone_share(frame, hz, _RATE_HZ) > 0.3 for frame in frames) / max(1, len(frames))


async def test_sprayed_sound(server: Server) -> None:
    """Sound from foreign hosts, sprayed before and during a call, is never heard or answered."""
    for number in range(count(2, 50)):
        handle = f"sprayed-{number}."
        async with _spraying() as strangers, ringing(server.address, handle, BEHIND) as caller:
            await asyncio.sleep(0.5)  # the strangers' sound arrives before the caller's first
            await caller.play(sine(OWN_HZ, 1_500, _RATE_HZ))
            await asyncio.sleep(0.3)
        assert strangers.close() == 0
        (call,) = await server.ended_calls(handle)
        pcm = recorded(server.directory, call["id"])
        assert _share(pcm, STRANGE_HZ) == 0
        assert _share(pcm, OWN_HZ) > 0.4


def _handle(hz: float) -> str:
    return f"pilot-{hz:g}."


async def _pilot(server: Server, hz: float, over: asyncio.Event) -> None:
    """Call with a tone of one's own, hang up, and go on sending to where the call was."""
    async with ringing(server.address, _handle(hz), BEHIND) as caller:
        await caller.play(sine(hz, 1_000, _RATE_HZ))
        await caller.hang_up()
        over.set()
        await caller.play(sine(hz, LEFTOVER_MS, _RATE_HZ))


async def _pilots(server: Server, frequencies: list[float]) -> None:
    """One call after another; what is left over of each lies over those that follow."""
    async with asyncio.TaskGroup() as group:
        for hz in frequencies:
            over = asyncio.Event()
            group.create_task(_pilot(server, hz, over))
            async with asyncio.timeout(60):
                await over.wait()
    for hz in frequencies:
        (call,) = await server.ended_calls(_handle(hz))
        pcm = recorded(server.directory, call["id"])
        assert _share(pcm, hz) > 0.3
        assert all(_share(pcm, other) == 0 for other in frequencies if other != hz)


async def test_leftover_sound(server: Server) -> None:
    """Whoever keeps sending after the end of a call is heard by no other call."""
    await _pilots(server, [500.0 + 150 * number for number in range(4)])


async def test_ports_rest(tmp_path: Path) -> None:
    """A port rests after a call: until then a call is refused with 503, not given a port that
    somebody still sends to.
    """
    server = Server(tmp_path, {"rtp_port_min": "29000", "rtp_port_max": "29003"})
    server.start()
    try:
        furnish(server)
        await _pilots(server, [600.0, 900.0])
        run = await run_sipp("full_house", server.address, tmp_path)
        assert run.exit_code == 0, run.explain()
        if torture():
            await asyncio.sleep(PORT_REST_S)
            await _pilots(server, [1_200.0, 1_500.0])
    finally:
        assert server.stop() == 0
    assert not server.mistakes()
