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
from cordboard.storage.recordings import DirectoryRecordings, read_wave, recover
from cordboard.storage.sealed_file import FileKeys
from cordboard.storage.vault import MasterKey
from cordboard.storage.wave_file import header, interleave
from tests.counts import count

ORGANISATION = "11111111-1111-4111-8111-111111111111"
CALL = "22222222-2222-4222-8222-222222222222"
KEYS = FileKeys.of(MasterKey(bytes(range(32))), os.urandom)

WRITER = """
import asyncio, os, sys
from pathlib import Path
from cordboard.clock import SystemClock
from cordboard.media.codec import PCMU, L16_16K
from cordboard.storage.recordings import DirectoryRecordings
from cordboard.storage.sealed_file import FileKeys
from cordboard.storage.vault import MasterKey

async def main(root, call_id, wide):
    codec = L16_16K if wide else PCMU
    frame = bytes([1]) * codec.frame_bytes
    loop = asyncio.get_running_loop()
    keys = FileKeys.of(MasterKey(bytes(range(32))), os.urandom)
    async with DirectoryRecordings(root, keys, SystemClock(), reserve_bytes=0) as recordings:
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
    return DirectoryRecordings(root, KEYS, SystemClock(), **{"reserve_bytes": 0, **options})  # type: ignore[arg-type]


def wave_of(root: Path, call_id: str = CALL, organisation_id: str = ORGANISATION) -> bytes | None:
    """Return a finished recording as a WAV file."""
    sound = read_wave(root, KEYS, organisation_id, call_id)
    return None if sound is None else sound.read(0, sound.size_bytes)


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
    content = wave_of(tmp_path)
    assert content is not None
    with soundfile.SoundFile(io.BytesIO(content)) as sound:
        assert (sound.samplerate, sound.channels, sound.frames) == (
            codec.rate_hz,
            2,
            codec.rate_hz,
        )
        assert sound.subtype == {PCMU: "ULAW", PCMA: "ALAW"}.get(codec, "PCM_16")
    assert content.endswith(interleave(left, right, 2 if codec is L16_16K else 1))
    if codec is L16_16K:
        with wave.open(io.BytesIO(content)) as plain:
            assert (plain.getnchannels(), plain.getnframes()) == (2, codec.rate_hz)


async def test_a_side_without_a_frame_is_silent_and_both_stay_aligned(tmp_path: Path) -> None:
    """Missing ticks of either side become silence in their place."""
    frame, silence = b"\x10" * 160, b"\xff" * 160
    async with sink(tmp_path) as recordings:
        recording = await recordings.open(CALL, ORGANISATION, PCMU)
        for side in "c", "c", "a", "c", "a", "a", "a":
            (recording.caller if side == "c" else recording.agent)(frame)
        assert await recording.close()
    sound = (wave_of(tmp_path) or b"")[58:]
    assert sound[0::2] == frame * 3 + silence * 2
    assert sound[1::2] == silence + frame * 4


async def test_a_part_file_is_kept_while_it_grows(tmp_path: Path) -> None:
    """After a flush the unfinished file holds the sound for a recovery, and is not handed out."""
    copy = tmp_path / "copy" / ORGANISATION / f"{CALL}.wav.sealed.part"
    copy.parent.mkdir(parents=True)
    async with sink(tmp_path / "own", flush_ms=10) as recordings:
        recording = await recordings.open(CALL, ORGANISATION, PCMU)
        for _ in range(10):
            recording.caller(b"\x10" * 160)
            recording.agent(b"\x20" * 160)
        part = tmp_path / "own" / ORGANISATION / copy.name
        async with asyncio.timeout(5):
            while recording.file.size_bytes != 3200:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert not recordings.exists(ORGANISATION, CALL)
        assert recover(tmp_path / "own", KEYS) == []
        copy.write_bytes(part.read_bytes())
        assert recover(tmp_path / "copy", KEYS) == [CALL]
        assert soundfile.info(io.BytesIO(wave_of(tmp_path / "copy") or b"")).frames == 1600
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
    samples, rate_hz = soundfile.read(io.BytesIO(wave_of(tmp_path) or b""), dtype="int16")
    assert (rate_hz, samples.shape) == (16000, (16000, 2))
    assert abs(samples[:, 0]).max() > 7000
    assert abs(samples[:, 1]).max() < 50


async def test_a_hostile_name_opens_nothing(tmp_path: Path) -> None:
    """Names that are no plain word raise ValueError; look-ups of them find nothing."""
    async with sink(tmp_path) as recordings:
        for hostile in ("../x", "a/b", "", ".", "a\0b", "x" * 101):
            with pytest.raises(ValueError, match="plain words"):
                await recordings.open(hostile, ORGANISATION, PCMU)
            assert not recordings.exists(hostile, CALL)
            assert await recordings.mp3(ORGANISATION, hostile) is None
    assert files(tmp_path) == []


async def test_another_organisation_finds_nothing(tmp_path: Path) -> None:
    """A recording is found under its own organisation only."""
    async with sink(tmp_path) as recordings:
        recording = await recordings.open(CALL, ORGANISATION, PCMU)
        recording.caller(b"\x10" * 160)
        assert await recording.close()
        assert not await recording.close()
        assert not recordings.exists("other", CALL)
        assert recordings.exists(ORGANISATION, CALL)
        assert await recordings.mp3(ORGANISATION, CALL) is not None
        await recordings.remove(ORGANISATION, CALL)
        assert not recordings.exists(ORGANISATION, CALL)
        assert await recordings.mp3(ORGANISATION, CALL) is None
    assert files(tmp_path) == []


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
        KEYS,
        SystemClock(),
        flush_ms=10,
        reserve_bytes=0,
        on_failure=lambda call_id, why: failures.append((call_id, why)),
    )
    async with recordings:
        recording = await recordings.open(CALL, ORGANISATION, PCMU)
        full = os.open("/dev/full", os.O_RDWR)
        os.dup2(full, recording.file._fd)
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
        made = await asyncio.gather(*(recordings.mp3(ORGANISATION, CALL) for _ in range(3)))
        assert len({sound.tag for sound in made if sound is not None}) == 1
        sound = await recordings.mp3(ORGANISATION, CALL)
        assert sound is not None
        assert sound.tag == made[0].tag if made[0] is not None else False
    info = soundfile.info(io.BytesIO(sound.read(0, sound.size_bytes)))
    assert (info.format, info.channels) == ("MP3", 2)
    assert abs(info.duration - 2) < 0.3
    assert files(tmp_path) == [f"{CALL}.mp3.sealed", f"{CALL}.wav.sealed"]


async def test_what_is_open_when_the_scope_ends_is_sealed(tmp_path: Path) -> None:
    """Leaving the scope seals recordings that nobody closed."""
    async with sink(tmp_path) as recordings:
        recording = await recordings.open(CALL, ORGANISATION, PCMU)
        recording.caller(b"\x10" * 160)
    assert files(tmp_path) == [f"{CALL}.wav.sealed"]


@given(st.binary(max_size=200), st.integers(0, 2000))
@settings(max_examples=count(50, 2000), deadline=None)
def test_recovery_reads_any_leftover(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, cut: int
) -> None:
    """Whatever a .part file in clear holds, recovery finishes something readable or removes it."""
    root = tmp_path_factory.mktemp("recordings")
    (root / "org").mkdir()
    whole = header(PCMU, 1600) + b"\x10" * 1600
    for number, content in enumerate((junk, whole[:cut], whole + junk)):
        (root / "org" / f"call{number}.wav.part").write_bytes(content)
    recovered = recover(root, KEYS)
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
    recovered = recover(root, KEYS)
    assert not list(root.rglob("*.part"))
    for _, call_id, _, fed in running:
        fed_ms = fed.stat().st_size * 20
        content = wave_of(root, call_id, "org")
        kept_ms = soundfile.info(io.BytesIO(content)).duration * 1000 if content else 0
        assert (call_id in recovered) == (content is not None)
        assert fed_ms - 5000 <= kept_ms <= fed_ms + 20


async def test_the_disk_shows_no_sound(tmp_path: Path) -> None:
    """What is on the disk is as even as chance, and holds nothing of a tone that was recorded."""
    tone = bytes(127 + round(100 * math.sin(number / 7)) for number in range(160))
    async with sink(tmp_path) as recordings:
        recording = await recordings.open(CALL, ORGANISATION, PCMU)
        for _ in range(1_500):
            recording.caller(tone)
        assert await recording.close()
        assert await recordings.mp3(ORGANISATION, CALL) is not None
    clear = wave_of(tmp_path) or b""
    assert clear.count(interleave(tone, b"\xff" * 160, 1)) == 1_500
    for taken in _taken(tmp_path):
        assert len(taken) > 50_000
        assert _entropy_bits(taken) > 7.99 > _entropy_bits(clear)
        assert not any(tone[at : at + 8] in taken for at in range(0, 152, 8))
        assert b"RIFF" not in taken
        assert b"LAME" not in taken


def _taken(root: Path) -> list[bytes]:
    taken = [path.read_bytes() for path in root.rglob("*.sealed")]
    assert len(taken) == 2
    return taken


def _entropy_bits(content: bytes) -> float:
    shares = [content.count(value) / len(content) for value in set(content)]
    return -sum(share * math.log2(share) for share in shares)


async def test_recordings_in_clear_are_still_read(tmp_path: Path) -> None:
    """A recording, and an MP3, from before they were encrypted are read, and removed."""
    directory = tmp_path / ORGANISATION
    directory.mkdir()
    old = header(PCMU, 16_000) + b"\x10" * 16_000
    (directory / f"{CALL}.wav").write_bytes(old)
    async with sink(tmp_path) as recordings:
        assert recordings.exists(ORGANISATION, CALL)
        assert wave_of(tmp_path) == old
        made = await recordings.mp3(ORGANISATION, CALL)
        assert made is not None
        content = made.read(0, made.size_bytes)
        assert files(tmp_path) == [f"{CALL}.mp3.sealed", f"{CALL}.wav"]
        (directory / f"{CALL}.mp3.sealed").unlink()
        (directory / f"{CALL}.mp3").write_bytes(content)
        kept = await recordings.mp3(ORGANISATION, CALL)
        assert kept is not None
        assert kept.read(0, kept.size_bytes) == content
        with pytest.raises(FileExistsError):
            await recordings.open(CALL, ORGANISATION, PCMU)
        await recordings.remove(ORGANISATION, CALL)
    assert files(tmp_path) == []
