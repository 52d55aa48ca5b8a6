"""Two user agents of other people's making are called: ``baresip``, and the package ``sipua``.

Both take no loopback address, so server and callee run in a network namespace, as
``tests.e2e.foreign_phone`` has it. What this module prints there, one JSON object, is how the
calls went.
"""

from __future__ import annotations

import asyncio
import fractions
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import sipmessage
import sipua
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, AudioResampler

from tests.e2e.foreign_phone import HOST, WORDS, Rung, alone, configure, level
from tests.e2e.outbound.house import CALLED, line
from tests.e2e.server import Json, Server
from tests.e2e.sounds import read_wav, spoken, understood, write_wav

BARESIP_PORT = 5066
SIPUA_PORT = 5068
RATE_HZ = 8_000
FRAME_SAMPLES = 160
WAIT_S = 20.0


def call_all(directory: Path) -> dict[str, Rung]:
    """Call both; fails, naming what is missing, where that is impossible."""
    return alone("tests.e2e.outbound.foreign_callees", directory, 3 * WAIT_S)


class _Words(MediaStreamTrack):
    """The callee's voice: silence, the words, silence."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._pcm = spoken(WORDS, RATE_HZ, 1_800)
        self._sent = 0
        self._began = 0.0

    async def recv(self) -> AudioFrame:
        """Return the next 20 ms, in time."""
        loop = asyncio.get_running_loop()
        self._began = self._began or loop.time()
        await asyncio.sleep(max(0.0, self._began + self._sent / RATE_HZ - loop.time()))
        piece = self._pcm[2 * self._sent :][: 2 * FRAME_SAMPLES].ljust(2 * FRAME_SAMPLES, b"\0")
        frame = AudioFrame(format="s16", layout="mono", samples=FRAME_SAMPLES)
        frame.planes[0].update(piece)
        frame.sample_rate, frame.pts = RATE_HZ, self._sent
        frame.time_base = fractions.Fraction(1, RATE_HZ)
        self._sent += FRAME_SAMPLES
        return frame


class _Phone(sipua.Application):
    """Rings, answers, speaks, listens, and hangs up after a while."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        super().__init__()
        self.heard = b""
        self._group = group

    async def handle_request(self, request: sipmessage.Request) -> None:
        """Take a call; refuse all else."""
        if request.method != "INVITE":
            await super().handle_request(request)
            return
        call = sipua.Call.create_uas(dialog_layer=self.dialog_layer, request=request)
        await call.send_response(call.create_response(request, 180))
        call.audioTransceiver.sender.replaceTrack(_Words())
        await call.accept(request)
        self._group.create_task(self._listen(call))
        self._group.create_task(self._hang_up(call))

    async def _listen(self, call: sipua.Call) -> None:
        resampler = AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
        try:
            while True:
                frame = await call.audioTransceiver.receiver.track.recv()
                assert isinstance(frame, AudioFrame)
                for plain in resampler.resample(frame):
                    self.heard += bytes(plain.planes[0])[: 2 * plain.samples]
        except MediaStreamError:
            return

    async def _hang_up(self, call: sipua.Call) -> None:
        await asyncio.sleep(6)
        await call.hangup()


@asynccontextmanager
async def _sipua() -> AsyncIterator[_Phone]:
    async with asyncio.TaskGroup() as group:
        phone = _Phone(group)
        await phone.listen(sipua.TransportAddress("udp", HOST, SIPUA_PORT))
        try:
            yield phone
        finally:
            await phone.close()


async def _by_sipua(server: Server) -> Rung:
    async with _sipua() as phone:
        record = await _called(server, SIPUA_PORT)
        return Rung(understood(phone.heard, RATE_HZ), level(phone.heard), [], record)


async def _by_baresip(server: Server, place: Path) -> Rung:
    configure(place, f"<sip:+{CALLED}@{HOST}>;regint=0;answermode=auto;audio_codecs=PCMU")
    write_wav(place / "words.wav", spoken(WORDS, RATE_HZ, 1_800, 2_500), RATE_HZ)
    with (place / "said.log").open("wb") as said:
        phone = await asyncio.create_subprocess_exec(
            *("baresip", "-f", str(place), "-t", str(int(WAIT_S))),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=said,
            stderr=asyncio.subprocess.STDOUT,
        )
    try:
        await asyncio.sleep(1)
        record = await _called(server, BARESIP_PORT)
    finally:
        if phone.returncode is None:
            phone.terminate()
        await phone.wait()
    sound = next(iter((place / "heard").glob("*-dec.wav")), None)
    pcm, rate_hz = (b"", RATE_HZ) if sound is None else read_wav(sound)
    text = (place / "said.log").read_text(encoding="utf-8", errors="replace")
    return Rung(understood(pcm, rate_hz), level(pcm), text.splitlines(), record)


async def _called(server: Server, port: int) -> Json:
    placing = line(server, port, target=f"sip:{HOST}:{port}")
    created = await placing.call()
    return await placing.over(created["id"], WAIT_S)


async def _all(directory: Path) -> dict[str, Rung]:
    options = {"sip_host": HOST, "rtp_host": HOST, "open_networks": HOST}
    server = Server(directory / "server", options)
    await asyncio.to_thread(server.start)
    try:
        return {
            "sipua": await _by_sipua(server),
            "baresip": await _by_baresip(server, directory / "baresip"),
        }
    finally:
        await asyncio.to_thread(server.stop)


if __name__ == "__main__":
    rung = asyncio.run(_all(Path(sys.argv[1])))
    sys.stdout.write(json.dumps({name: asdict(call) for name, call in rung.items()}))
