"""Recordings in a directory: stereo, the caller left and the agent right, on one timeline.

A recording is ``<root>/<organisation>/<call>.wav.part`` while it grows and loses the suffix when
it is sealed. Sound waits in memory for at most ``flush_ms``; then one thread writes the chunks of
all recordings. Nothing that happens to the disk reaches the call: a recording fails by itself.
"""

from __future__ import annotations

import asyncio
import errno
import re
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from cordboard.media.codec import Codec
from cordboard.ports import Clock
from cordboard.storage.mp3 import convert
from cordboard.storage.recording_writer import (
    TURNS_COUNT,
    DirectoryRecording,
    OnFailure,
    RecordingWriter,
    Sides,
)
from cordboard.storage.wave_file import PART_SUFFIX, GrowingWave, repair

FLUSH_MS: Final = 2_000
MAX_FLUSH_MS: Final = 5_000
RESERVE_BYTES: Final = 200 * 1024 * 1024

_CONVERT_TIMEOUT_S: Final = 300.0
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


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
        on_failure: OnFailure | None = None,
    ) -> None:
        if not 0 < flush_ms <= MAX_FLUSH_MS:
            raise ValueError(f"flush_ms: from 1 to {MAX_FLUSH_MS}")
        self._root = root
        self._flush_ms = flush_ms
        self._reserve_bytes = reserve_bytes
        self._writer = RecordingWriter(clock, on_failure)
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
        for recording in self._writer.running:
            await recording.close()
        if self._flushing is not None:
            self._flushing.cancel()
        try:
            await self._tasks.__aexit__(kind, error, trace)
        finally:
            self._writer.stop()

    async def open(self, call_id: str, organisation_id: str, codec: Codec) -> DirectoryRecording:
        """Begin a recording of frames in ``codec``; G.711 is kept, all else becomes PCM16.

        Raises:
            OSError: there is no room, or the call has a recording already.
            ValueError: an identifier is no plain word.

        """
        path = _path(self._root, organisation_id, call_id)
        if path is None:
            raise ValueError("call_id and organisation_id must be plain words")
        if path.exists():
            raise FileExistsError(errno.EEXIST, "the call has a recording already")
        part = path.with_name(path.name + PART_SUFFIX)
        creating = self._writer.create(part, Sides(codec).codec, self._reserve_bytes)
        try:
            wave = await asyncio.shield(creating)
        except asyncio.CancelledError:
            creating.add_done_callback(_discard)
            raise
        recording = DirectoryRecording(call_id, codec, wave, self._writer)
        self._writer.add(recording)
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
        """Write a part of the recordings at a time, so that no moment has all of the work."""
        while True:
            for turn in range(TURNS_COUNT):
                await asyncio.sleep(self._flush_ms / TURNS_COUNT / 1000)
                await self._writer.flush(turn)


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


def _discard(creating: asyncio.Future[GrowingWave]) -> None:
    """Undo the creation of a file that nobody waits for any more."""
    if not creating.cancelled() and creating.exception() is None:
        creating.result().discard()
