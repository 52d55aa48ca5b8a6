"""Recordings are readable whenever their writer dies, and never harm the call."""

from __future__ import annotations

import asyncio
import io
import math
import os
import random
import signal
import subprocess
import sys
import time
import wave
from array import array
from pathlib import Path

import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard.clock import SystemClock
from cordboard.media.codec import G722_WIDE, L16_16K, PCMA, PCMU, Codec, new_encoder
from cordboard.storage.recordings import DirectoryRecordings, recover
from cordboard.storage.wave_file import header, interleave
from tests.counts import count

ORGANISATION = "11111111-1111-4111-8111-111111111111"
CALL = "22222222-2222-4222-8222-222222222222"

WRITER = """
import asyncio, os, sys
from pathlib import Path
from cordboard.clock import SystemClock
from cordboard.media.codec import PCMU, L16_16K
from cordboard.storage.recordings import DirectoryRecordings

async def main(root, call_id, wide):
    codec = L16_16K if wide else PCMU
    frame = bytes([1]) * codec.frame_bytes
    loop = asyncio.get_running_loop()
    async with DirectoryRecordings(root, SystemClock(), reserve_bytes=0) as recordings:
        recording = await recordings.open(call_id, "org", codec)
        start = loop.time()
        for tick in range(100_000):
            recording.caller(frame)
            recording.agent(frame)
            os.write(1, b".")
            await asyncio.sleep(max(0, start + tick * 0.02 - loop.time()))

asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "wide"))
"""


def sink(root: Path, **options: int) -> DirectoryRecordings:
    """Return recordings below ``root`` that do not ask for free room."""
    return DirectoryRecordings(root, SystemClock(), **{"reserve_bytes": 0, **options})  # type: ignore[arg-type]


def files(root: Path) -> list[str]:
    """Return the names of all files below ``root``."""
    return sorted(path.name for path in root.rglob("*.*"))


@pytest.mark.parametrize("codec", [PCMU, PCMA, L16_16K])
async def test_both_sides_are_readable_in_the_legs_encoding(tmp_path: Path, codec: Codec) -> None:
    """A sealed file holds the caller left and the agent right, sample for sample."""
    async with sink(tmp_path) as recordings:
        recording = await recordings.open(CALL, ORGANISATION, codec)
        left, right = bytes([0x10, 0x22]), bytes([0x90, 0x11])
        for _ in range(50):
            recording.caller(left * (codec.frame_bytes // 2))
            recording.agent(right * (codec.frame_bytes // 2))
        assert await recording.close()
        path = recordings.path(ORGANISATION, CALL)
    assert path is not None
    with soundfile.SoundFile(str(path)) as sound:
        assert (sound.samplerate, sound.channels, sound.frames) == (
            codec.rate_hz,
            2,
            codec.rate_hz,
        )
        assert sound.subtype == {PCMU: "ULAW", PCMA: "ALAW"}.get(codec, "PCM_16")
    assert path.read_bytes().endswith(interleave(left, right, 2 if codec is L16_16K else 1))
    if codec is L16_16K:
        with wave.open(str(path)) as plain:
            assert (plain.getnchannels(), plain.getnframes()) == (2, codec.rate_hz)


async def test_a_side_without_a_frame_is_silent_and_both_stay_aligned(tmp_path: Path) -> None:
    """Missing ticks of either side become silence in their place."""
    frame, silence = b"\x10" * 160, b"\xff" * 160
    async with sink(tmp_path) as recordings:
        recording = await recordings.open(CALL, ORGANISATION, PCMU)
        for side in "c", "c", "a", "c", "a", "a", "a":
            (recording.caller if side == "c" else recording.agent)(frame)
        assert await recording.close()
        path = recordings.path(ORGANISATION, CALL)
    assert path is not None
    sound = path.read_bytes()[58:]
    assert sound[0::2] == frame * 3 + silence * 2
    assert sound[1::2] == silence + frame * 4


async def test_a_part_file_is_playable_while_it_grows(tmp_path: Path) -> None:
    """After a flush the unsealed file can be read, and it is not handed out."""
    async with sink(tmp_path, flush_ms=10) as recordings:
        recording = await recordings.open(CALL, ORGANISATION, PCMU)
        for _ in range(10):
            recording.caller(b"\x10" * 160)
            recording.agent(b"\x20" * 160)
        part = tmp_path / ORGANISATION / f"{CALL}.wav.part"
        async with asyncio.timeout(5):
            while soundfile.info(io.BytesIO(part.read_bytes())).frames != 1600:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert recordings.path(ORGANISATION, CALL) is None
        assert recover(tmp_path) == []
        assert await recording.close()


async def test_wide_band_becomes_pcm(tmp_path: Path) -> None:
    """G.722 frames are decoded on their way into the file; a missing tick is silence."""
    encoder = new_encoder(G722_WIDE)
    tone = array("h", [int(9000 * math.sin(number / 4)) for number in range(320)]).tobytes()
    async with sink(tmp_path) as recordings:
        recording = await recordings.open(CALL, ORGANISATION, G722_WIDE)
        for _ in range(50):
            recording.caller(encoder.from_pcm(tone))
        assert await recording.close()
        path = recordings.path(ORGANISATION, CALL)
    samples, rate_hz = soundfile.read(str(path), dtype="int16")
    assert (rate_hz, samples.shape) == (16000, (16000, 2))
    assert abs(samples[:, 0]).max() > 7000
    assert abs(samples[:, 1]).max() < 50


async def test_a_hostile_name_opens_nothing(tmp_path: Path) -> None:
    """Names that are no plain word raise ValueError; look-ups of them find nothing."""
    async with sink(tmp_path) as recordings:
        for hostile in ("../x", "a/b", "", ".", "a\0b", "x" * 101):
            with pytest.raises(ValueError, match="plain words"):
                await recordings.open(hostile, ORGANISATION, PCMU)
            assert recordings.path(hostile, CALL) is None
            assert await recordings.mp3_path(ORGANISATION, hostile) is None
    assert files(tmp_path) == []


async def test_another_organisation_finds_nothing(tmp_path: Path) -> None:
    """A recording is found under its own organisation only."""
    async with sink(tmp_path) as recordings:
        recording = await recordings.open(CALL, ORGANISATION, PCMU)
        recording.caller(b"\x10" * 160)
        assert await recording.close()
        assert not await recording.close()
        assert recordings.path("other", CALL) is None
        assert recordings.path(ORGANISATION, CALL) is not None
        await recordings.remove(ORGANISATION, CALL)
        assert recordings.path(ORGANISATION, CALL) is None


async def test_without_room_nothing_is_begun(tmp_path: Path) -> None:
    """Below the reserve, open raises OSError."""
    async with sink(tmp_path, reserve_bytes=1 << 62) as recordings:
        with pytest.raises(OSError, match="room"):
            await recordings.open(CALL, ORGANISATION, PCMU)


async def test_a_disk_that_fails_fails_the_recording_only(tmp_path: Path) -> None:
    """When the file cannot grow, close says False, why is reported, and no file stays."""
    failures: list[tuple[str, str]] = []
    recordings = DirectoryRecordings(
        tmp_path,
        SystemClock(),
        flush_ms=10,
        reserve_bytes=0,
        on_failure=lambda call_id, why: failures.append((call_id, why)),
    )
    async with recordings:
        recording = await recordings.open(CALL, ORGANISATION, PCMU)
        full = os.open("/dev/full", os.O_RDWR)
        os.dup2(full, recording.wave._fd)
        os.close(full)
        async with asyncio.timeout(5):
            while not failures:
                recording.caller(b"\x10" * 160)
                recording.agent(b"\x10" * 160)
                await asyncio.sleep(0.01)
        recording.caller(b"\x10" * 160)
        assert not await recording.close()
    assert failures == [(CALL, "No space left on device")]
    assert files(tmp_path) == []


async def test_memory_is_bounded_when_the_disk_stalls(tmp_path: Path) -> None:
    """Sound that waits for more than half a minute fails the recording and is dropped."""
    async with sink(tmp_path) as recordings:
        recording = await recordings.open(CALL, ORGANISATION, PCMU)
        for _ in range(2000):
            recording.caller(b"\x10" * 160)
            recording.agent(b"\x10" * 160)
        assert recording.failure == "the disk is too slow"
        assert recording.take().left == b""
        assert not await recording.close()


async def test_mp3_is_made_once_and_kept(tmp_path: Path) -> None:
    """The MP3 is stereo, as long as the recording, and made by the first request only."""
    async with sink(tmp_path) as recordings:
        recording = await recordings.open(CALL, ORGANISATION, PCMU)
        for _ in range(100):
            recording.caller(random.randbytes(160))
            recording.agent(b"\xff" * 160)
        assert await recording.close()
        paths = await asyncio.gather(*(recordings.mp3_path(ORGANISATION, CALL) for _ in range(3)))
        assert len(set(paths)) == 1
        path = paths[0]
        assert path is not None
        made = path.stat().st_mtime_ns
        assert await recordings.mp3_path(ORGANISATION, CALL) == path
        assert path.stat().st_mtime_ns == made
    info = soundfile.info(str(path))
    assert (info.format, info.channels) == ("MP3", 2)
    assert abs(info.duration - 2) < 0.3


async def test_what_is_open_when_the_scope_ends_is_sealed(tmp_path: Path) -> None:
    """Leaving the scope seals recordings that nobody closed."""
    async with sink(tmp_path) as recordings:
        recording = await recordings.open(CALL, ORGANISATION, PCMU)
        recording.caller(b"\x10" * 160)
    assert files(tmp_path) == [f"{CALL}.wav"]


@given(st.binary(max_size=200), st.integers(0, 2000))
@settings(max_examples=count(50, 2000), deadline=None)
def test_recovery_reads_any_leftover(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, cut: int
) -> None:
    """Whatever a .part file holds, recovery seals something readable or removes it."""
    root = tmp_path_factory.mktemp("recordings")
    (root / "org").mkdir()
    whole = header(PCMU, 1600) + b"\x10" * 1600
    for number, content in enumerate((junk, whole[:cut], whole + junk)):
        (root / "org" / f"call{number}.wav.part").write_bytes(content)
    recovered = recover(root)
    assert not list(root.rglob("*.part"))
    assert sorted(path.stem for path in root.rglob("*.wav")) == recovered
    assert "call2" in recovered
    for path in root.rglob("*.wav"):
        assert soundfile.info(str(path)).frames > 0


def test_kill_loses_at_most_five_seconds(tmp_path: Path) -> None:
    """After kill -9 at any moment, every recording is playable and lacks 5 s at the most."""
    for batch in range(count(1, 10)):
        _kill_some(tmp_path / str(batch), count(8, 10), random.Random(batch))


def _kill_some(root: Path, writers: int, chance: random.Random) -> None:
    root.mkdir()
    running: list[tuple[float, str, subprocess.Popen[bytes], Path]] = []
    for number in range(writers):
        call_id, fed = f"call{number}", root / f"fed{number}"
        wide = "wide" if number % 2 else "narrow"
        with fed.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-c", WRITER, str(root), call_id, wide], stdout=output
            )
        running.append((chance.uniform(0.3, 7), call_id, process, fed))
    start = time.monotonic()
    for moment, _, process, _ in sorted(running, key=lambda each: each[0]):
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(max(0, start + moment - time.monotonic()))
        process.send_signal(signal.SIGKILL)
        process.wait()
    recovered = recover(root)
    assert not list(root.rglob("*.part"))
    for _, call_id, _, fed in running:
        fed_ms = fed.stat().st_size * 20
        path = root / "org" / f"{call_id}.wav"
        kept_ms = soundfile.info(str(path)).duration * 1000 if path.exists() else 0
        assert (call_id in recovered) == path.exists()
        assert fed_ms - 5000 <= kept_ms <= fed_ms + 20
