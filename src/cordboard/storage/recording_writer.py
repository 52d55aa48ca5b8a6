"""Recordings under way: frames in memory on one side, the thread that writes them on the other."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cordboard.media.codec import Codec, Decoder, Encoding, new_decoder
from cordboard.ports import Clock
from cordboard.storage.sealed_file import FileKeys, SealedWriter
from cordboard.storage.stored_sound import label_of
from cordboard.storage.wave_file import MAX_SOUND_BYTES, interleave, sample_bytes

OnFailure = Callable[[str, str], None]

TURNS_COUNT: Final = 5

_WAITING_MAX_MS: Final = 30_000
_SYNC_MS: Final = 5_000
_SYNC_BUDGET_MS: Final = 200
_SEAL_TIMEOUT_S: Final = 15.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one recording has to write: both channels, equally long."""

    recording: DirectoryRecording
    left: bytes
    right: bytes


@dataclass(frozen=True, slots=True)
class NewFile:
    """What is to be created: ``place`` is what its key is bound to."""

    path: Path
    keys: FileKeys
    place: str
    codec: Codec
    reserve_bytes: int


class DirectoryRecording:
    """One call's recording under way; ``ports.Recording``.

    ``caller`` and ``agent`` are called once a media tick each, in any order; a side that was not
    called in a tick has silence there. Both cost an append in memory.
    """

    def __init__(
        self, call_id: str, codec: Codec, file: SealedWriter, sink: RecordingWriter
    ) -> None:
        self.call_id = call_id
        self.file = file
        self.failure: str | None = None
        self.synced_at_ms = 0
        self.sides = Sides(codec)
        self._silence = codec.silence_frame
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
            other += self._quiet(missing)
        own += payload
        if len(own) > self._max_bytes:
            self.fail("the disk is too slow")

    def _quiet(self, size: int) -> bytes:
        frame = self._silence
        return (frame * (size // len(frame) + 1))[:size]

    def fail(self, failure: str) -> None:
        """Give up recording; the call goes on. ``failure`` says why, for the record."""
        if self.failure is None:
            self.failure = failure
            _log.warning("recording failed", extra={"call_id": self.call_id, "why": failure})
            if self._sink.on_failure is not None:
                self._sink.on_failure(self.call_id, failure)
        self._left.clear()
        self._right.clear()

    def take(self, *, everything: bool = False) -> Chunk:
        """Take the sound both sides have; with ``everything`` the shorter one is padded."""
        left, right = self._left, self._right
        if everything:
            longest = max(len(left), len(right))
            for side in (left, right):
                side += self._quiet(longest - len(side))
        size = min(len(left), len(right)) // 2 * 2
        chunk = Chunk(self, bytes(left[:size]), bytes(right[:size]))
        del left[:size], right[:size]
        return chunk

    async def close(self) -> bool:
        """Seal the file; True if it is readable. A failed recording is removed: False."""
        return await self._sink.close(self)


class Sides:
    """Turns both sides of a leg into what the file holds; used on the writer's thread only.

    G.711 and L16 are written as they are. G.722 has no form in a WAV file: it becomes L16.
    """

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._decoders: tuple[Decoder, Decoder] | None = None
        if codec.encoding is Encoding.G722:
            self.codec = Codec(Encoding.L16, codec.rate_hz)
            self._decoders = new_decoder(codec), new_decoder(codec)

    def woven(self, left: bytes, right: bytes) -> bytes:
        """Return the next piece of the file."""
        if self._decoders is not None:
            left, right = self._decoders[0].to_pcm(left), self._decoders[1].to_pcm(right)
        return interleave(left, right, sample_bytes(self.codec))


class RecordingWriter:
    """The one thread that writes all recordings of the process, and what it has to write."""

    def __init__(self, clock: Clock, on_failure: OnFailure | None = None) -> None:
        self.on_failure = on_failure
        self._running: dict[DirectoryRecording, int] = {}
        self._added_count = 0
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recordings")

    def create(self, new: NewFile) -> asyncio.Future[SealedWriter]:
        """Create a file on the thread."""
        return asyncio.get_running_loop().run_in_executor(self._thread, _create, new)

    @property
    def running(self) -> list[DirectoryRecording]:
        """The recordings under way."""
        return list(self._running)

    def add(self, recording: DirectoryRecording) -> None:
        """Take on a recording; they are spread evenly over the turns."""
        self._running[recording] = self._added_count % TURNS_COUNT
        self._added_count += 1

    async def flush(self, turn: int) -> None:
        """Write what waits in memory of the recordings whose turn it is."""
        chunks = [
            recording.take()
            for recording, own_turn in self._running.items()
            if own_turn == turn and recording.failure is None
        ]
        if not chunks:
            return
        loop = asyncio.get_running_loop()
        failures = await loop.run_in_executor(self._thread, self._write_all, chunks)
        for recording, failure in failures:
            recording.fail(failure)

    async def close(self, recording: DirectoryRecording) -> bool:
        """Write the rest of one recording and seal it."""
        if self._running.pop(recording, None) is None:
            return False
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

    def _write_all(self, chunks: list[Chunk]) -> list[tuple[DirectoryRecording, str]]:
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
                recording.file.sync()
            except OSError as error:
                failures.append((recording, _why(error)))
            recording.synced_at_ms = now_ms
        return failures

    def _seal(self, chunk: Chunk) -> bool:
        file = chunk.recording.file
        try:
            failure = chunk.recording.failure or _write(chunk)
            if failure is None and file.size_bytes and not file.broken:
                file.seal()
                return True
            file.discard()
        except OSError as error:
            failure = _why(error)
            file.close()
        chunk.recording.failure = failure or "no sound"
        return False


def _create(new: NewFile) -> SealedWriter:
    directory = new.path.parent
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shutil.disk_usage(directory).free < new.reserve_bytes:
        raise OSError(errno.ENOSPC, "too little room for a recording")
    return SealedWriter(new.path, new.keys, new.place, label_of(new.codec))


def _write(chunk: Chunk) -> str | None:
    """Append a chunk to its file; return why it could not be."""
    file = chunk.recording.file
    if not chunk.left or file.broken:
        return None
    woven = chunk.recording.sides.woven(chunk.left, chunk.right)
    if file.size_bytes + len(woven) > MAX_SOUND_BYTES:
        return None  # the format holds no more; what is there stays
    try:
        file.append(woven)
    except OSError as error:
        return _why(error)
    return None


def _why(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else "the disk refused"
