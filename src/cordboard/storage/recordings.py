"""Recordings in a directory: stereo, the caller left and the agent right, on one timeline.

A recording is ``<root>/<organisation>/<call>.wav.part`` while it grows and loses the suffix when
it is sealed. Sound waits in memory for at most ``flush_ms``; then one thread writes the chunks of
all recordings. Nothing that happens to the disk reaches the call: a recording fails by itself.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from cordboard.media.codec import Codec
from cordboard.ports import Clock
from cordboard.storage.mp3 import convert
from cordboard.storage.wave_file import (
    MAX_SOUND_BYTES,
    PART_SUFFIX,
    GrowingWave,
    interleave,
    repair,
    sample_bytes,
)

FLUSH_MS: Final = 2_000
MAX_FLUSH_MS: Final = 5_000
RESERVE_BYTES: Final = 200 * 1024 * 1024

_WAITING_MAX_MS: Final = 30_000
_SYNC_MS: Final = 5_000
_SYNC_BUDGET_MS: Final = 1_000
_SEAL_TIMEOUT_S: Final = 15.0
_CONVERT_TIMEOUT_S: Final = 300.0
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """What one recording has to write: both channels, equally long."""

    recording: DirectoryRecording
    left: bytes
    right: bytes


class DirectoryRecording:
    """One call's recording under way; ``ports.Recording``.

    ``caller`` and ``agent`` are called once a media tick each, in any order; a side that was not
    called in a tick has silence there. Both cost an append in memory.
    """

    def __init__(self, call_id: str, codec: Codec, wave: GrowingWave, sink: _Writer) -> None:
        self.call_id = call_id
        self.wave = wave
        self.width = sample_bytes(codec)
        self.failure: str | None = None
        self.synced_at_ms = 0
        self._silence = codec.silence_frame[: self.width]
        self._max_bytes = codec.size_bytes(_WAITING_MAX_MS)
        self._left, self._right = bytearray(), bytearray()
        self._sink = sink

    def caller(self, payload: bytes) -> None:
        """Append the caller's sound of this tick."""
        self._append(self._left, self._right, payload)

    def agent(self, payload: bytes) -> None:
        """Append what was sent to the caller in this tick."""
        self._append(self._right, self._left, payload)

    def _append(self, own: bytearray, other: bytearray, payload: bytes) -> None:
        if self.failure is not None:
            return
        missing = len(own) - len(other)
        if missing > 0:  # the other side had nothing in the tick before
            other += self._silence * (missing // self.width)
        own += payload
        if len(own) > self._max_bytes:
            self.fail("the disk is too slow")

    def fail(self, failure: str) -> None:
        """Give up recording; the call goes on. ``failure`` says why, for the record."""
        if self.failure is None:
            self.failure = failure
            _log.warning("recording failed", extra={"call_id": self.call_id, "why": failure})
        self._left.clear()
        self._right.clear()

    def take(self, *, everything: bool = False) -> _Chunk:
        """Take the sound both sides have; with ``everything`` the shorter one is padded."""
        left, right = self._left, self._right
        if everything:
            longest = max(len(left), len(right))
            for side in (left, right):
                side += self._silence * ((longest - len(side)) // self.width)
        size = min(len(left), len(right)) // self.width * self.width
        chunk = _Chunk(self, bytes(left[:size]), bytes(right[:size]))
        del left[:size], right[:size]
        return chunk

    async def close(self) -> bool:
        """Seal the file; True if it is readable. A failed recording is removed: False."""
        return await self._sink.close(self)


class _Writer:
    """The one thread that writes all recordings of the process, and what it has to write."""

    def __init__(self, clock: Clock) -> None:
        self.running: set[DirectoryRecording] = set()
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recordings")

    def create(self, path: Path, codec: Codec, reserve_bytes: int) -> asyncio.Future[GrowingWave]:
        """Create a file on the thread."""
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._thread, _create, path, codec, reserve_bytes)

    async def flush(self) -> None:
        """Write what waits in memory."""
        chunks = [recording.take() for recording in self.running if recording.failure is None]
        loop = asyncio.get_running_loop()
        failures = await loop.run_in_executor(self._thread, self._write_all, chunks)
        for recording, failure in failures:
            recording.fail(failure)

    async def close(self, recording: DirectoryRecording) -> bool:
        """Write the rest of one recording and seal it."""
        if recording not in self.running:
            return False
        self.running.discard(recording)
        chunk = recording.take(everything=True)
        loop = asyncio.get_running_loop()
        sealing = loop.run_in_executor(self._thread, self._seal, chunk)
        try:
            return await asyncio.wait_for(asyncio.shield(sealing), _SEAL_TIMEOUT_S)
        except TimeoutError:
            recording.fail("the disk is too slow")
            return False

    def stop(self) -> None:
        """Let the thread end once it has done what it was given."""
        self._thread.shutdown(wait=False)

    def _write_all(self, chunks: list[_Chunk]) -> list[tuple[DirectoryRecording, str]]:
        failures = []
        for chunk in chunks:
            failure = _write(chunk)
            if failure is not None:
                failures.append((chunk.recording, failure))
        failed = {recording for recording, _ in failures}
        failures += self._sync([c.recording for c in chunks if c.recording not in failed])
        return failures

    def _sync(self, recordings: list[DirectoryRecording]) -> list[tuple[DirectoryRecording, str]]:
        """Bring the files to the disk, the longest unsynced first, as many as time allows."""
        failures = []
        start_ms = self._clock.now_ms()
        for recording in sorted(recordings, key=lambda each: each.synced_at_ms):
            now_ms = self._clock.now_ms()
            if now_ms - start_ms > _SYNC_BUDGET_MS or now_ms - recording.synced_at_ms < _SYNC_MS:
                break
            try:
                recording.wave.sync()
            except OSError as error:
                failures.append((recording, _why(error)))
            recording.synced_at_ms = now_ms
        return failures

    def _seal(self, chunk: _Chunk) -> bool:
        wave = chunk.recording.wave
        try:
            failure = chunk.recording.failure or _write(chunk)
            if failure is None and wave.sound_bytes and not wave.broken:
                wave.seal()
                return True
            wave.discard()
        except OSError as error:
            failure = _why(error)
            wave.close()
        chunk.recording.failure = failure or "no sound"
        return False


class DirectoryRecordings:
    """``ports.RecordingSink`` on a directory. Use it as ``async with``: the scope owns its writer.

    ``flush_ms`` is how long sound may wait in memory, at most 5 s. A recording is refused with
    ``OSError`` (ENOSPC) when less than ``reserve_bytes`` are free. ``on_failure`` is called on the
    event loop with (call id, why) when a recording fails under way.
    """

    def __init__(
        self,
        root: Path,
        clock: Clock,
        *,
        flush_ms: int = FLUSH_MS,
        reserve_bytes: int = RESERVE_BYTES,
        on_failure: Callable[[str, str], None] | None = None,
    ) -> None:
        if not 0 < flush_ms <= MAX_FLUSH_MS:
            raise ValueError(f"flush_ms: from 1 to {MAX_FLUSH_MS}")
        self._root = root
        self._flush_ms = flush_ms
        self._reserve_bytes = reserve_bytes
        self._on_failure = on_failure
        self._writer = _Writer(clock)
        self._tasks = asyncio.TaskGroup()
        self._flushing: asyncio.Task[None] | None = None
        self._converting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._flushing = self._tasks.create_task(self._flush_always(), name="recordings")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Seal what is still open and stop the writer."""
        for recording in list(self._writer.running):
            await recording.close()
        if self._flushing is not None:
            self._flushing.cancel()
        try:
            await self._tasks.__aexit__(kind, error, trace)
        finally:
            self._writer.stop()

    async def open(self, call_id: str, organisation_id: str, codec: Codec) -> DirectoryRecording:
        """Begin a recording in ``codec``: G.711 or L16; others are decoded before.

        Raises:
            OSError: there is no room, or the call has a recording already.
            ValueError: the codec, or an identifier that is no plain word.

        """
        sample_bytes(codec)
        path = _path(self._root, organisation_id, call_id)
        if path is None:
            raise ValueError("call_id and organisation_id must be plain words")
        if path.exists():
            raise FileExistsError(errno.EEXIST, "the call has a recording already")
        part = path.with_name(path.name + PART_SUFFIX)
        creating = self._writer.create(part, codec, self._reserve_bytes)
        try:
            wave = await asyncio.shield(creating)
        except asyncio.CancelledError:
            creating.add_done_callback(_discard)
            raise
        recording = DirectoryRecording(call_id, codec, wave, self._writer)
        self._writer.running.add(recording)
        return recording

    def path(self, organisation_id: str, call_id: str) -> Path | None:
        """Return the sealed recording as it was written (WAV), None when there is none."""
        return recording_path(self._root, organisation_id, call_id)

    async def mp3_path(self, organisation_id: str, call_id: str) -> Path | None:
        """Return the sealed recording as stereo MP3 (``audio/mpeg``), None when there is none.

        It is made once, on a thread, one at a time, and kept beside the recording. Raises
        ``OSError`` when there is no room for it.
        """
        source = self.path(organisation_id, call_id)
        if source is None:
            return None
        target = source.with_suffix(".mp3")
        async with asyncio.timeout(_CONVERT_TIMEOUT_S), self._converting:
            if not target.exists():
                await asyncio.to_thread(convert, source, target)
        return target

    async def remove(self, organisation_id: str, call_id: str) -> None:
        """Remove a sealed recording in all its forms; nothing happens when there is none."""
        source = self.path(organisation_id, call_id)
        if source is not None:
            source.with_suffix(".mp3").unlink(missing_ok=True)
            source.unlink(missing_ok=True)

    async def _flush_always(self) -> None:
        while True:
            await asyncio.sleep(self._flush_ms / 1000)
            before = {each for each in self._writer.running if each.failure is None}
            await self._writer.flush()
            if self._on_failure is not None:
                for recording in before:
                    if recording.failure is not None:
                        self._on_failure(recording.call_id, recording.failure)


def recording_path(root: Path, organisation_id: str, call_id: str) -> Path | None:
    """Return the sealed WAV of a call below ``root``, None when there is none."""
    path = _path(root, organisation_id, call_id)
    return path if path is not None and path.is_file() else None


def recover(root: Path) -> list[str]:
    """Seal what a killed process left; return the calls that have a readable recording now.

    Files that hold no sound are removed; files of writers that live are left alone. To be called
    at start, before anything is recorded.

    Raises:
        OSError: the disk refuses.

    """
    suffix = f".wav{PART_SUFFIX}"
    parts = sorted(root.glob(f"*/*{suffix}"))
    recovered = [part.name.removesuffix(suffix) for part in parts if repair(part)]
    for leftover in root.glob("*/*.mp3.tmp"):
        leftover.unlink(missing_ok=True)
    return recovered


def _path(root: Path, organisation_id: str, call_id: str) -> Path | None:
    if not (_NAME.fullmatch(organisation_id) and _NAME.fullmatch(call_id)):
        return None
    return root / organisation_id / f"{call_id}.wav"


def _create(part: Path, codec: Codec, reserve_bytes: int) -> GrowingWave:
    part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shutil.disk_usage(part.parent).free < reserve_bytes:
        raise OSError(errno.ENOSPC, "too little room for a recording")
    return GrowingWave(part, codec)


def _discard(creating: asyncio.Future[GrowingWave]) -> None:
    """Undo the creation of a file that nobody waits for any more."""
    if not creating.cancelled() and creating.exception() is None:
        creating.result().discard()


def _write(chunk: _Chunk) -> str | None:
    """Append a chunk to its file; return why it could not be."""
    if not chunk.left or chunk.recording.wave.broken:
        return None
    woven = interleave(chunk.left, chunk.right, chunk.recording.width)
    wave = chunk.recording.wave
    if wave.sound_bytes + len(woven) > MAX_SOUND_BYTES:
        return None  # the format holds no more; what is there stays
    try:
        wave.append(woven)
    except OSError as error:
        return _why(error)
    return None


def _why(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else "the disk refused"
