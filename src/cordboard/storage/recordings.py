"""Recordings in a directory: stereo, the caller left and the agent right, on one timeline.

A recording is ``<root>/<organisation>/<call>.wav.sealed.part`` while it grows and loses the suffix
when it is finished; its MP3 is ``<call>.mp3.sealed``. Both are encrypted from their first byte on
(``sealed_file``); ``.wav`` and ``.mp3`` are from before that, and read as they are. Sound waits in
memory for at most ``flush_ms``; then one thread writes the chunks of all recordings. Nothing that
happens to the disk reaches the call: a recording fails by itself.
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
    NewFile,
    OnFailure,
    RecordingWriter,
    Sides,
)
from cordboard.storage.sealed_file import FileKeys, SealedFile, SealedWriter
from cordboard.storage.sealed_file import repair as repair_sealed
from cordboard.storage.stored_sound import PlainFile, SealedWave, StoredSound
from cordboard.storage.wave_file import PART_SUFFIX, sealed_name
from cordboard.storage.wave_file import repair as repair_plain

FLUSH_MS: Final = 2_000
MAX_FLUSH_MS: Final = 5_000
RESERVE_BYTES: Final = 200 * 1024 * 1024

_CONVERT_TIMEOUT_S: Final = 300.0
_PIECE_BYTES: Final = 65_536
_SEALED_SUFFIX: Final = ".sealed"
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
        keys: FileKeys,
        clock: Clock,
        *,
        flush_ms: int = FLUSH_MS,
        reserve_bytes: int = RESERVE_BYTES,
        on_failure: OnFailure | None = None,
    ) -> None:
        if not 0 < flush_ms <= MAX_FLUSH_MS:
            raise ValueError(f"flush_ms: from 1 to {MAX_FLUSH_MS}")
        self._root = root
        self._keys = keys
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
        paths = _waves(self._root, organisation_id, call_id)
        if not paths:
            raise ValueError("call_id and organisation_id must be plain words")
        if self.exists(organisation_id, call_id):
            raise FileExistsError(errno.EEXIST, "the call has a recording already")
        part = paths[0].with_name(paths[0].name + PART_SUFFIX)
        kept_as = Sides(codec).codec
        new = NewFile(part, self._keys, _place(paths[0]), kept_as, self._reserve_bytes)
        creating = self._writer.create(new)
        try:
            file = await asyncio.shield(creating)
        except asyncio.CancelledError:
            creating.add_done_callback(_discard)
            raise
        recording = DirectoryRecording(call_id, codec, file, self._writer)
        self._writer.add(recording)
        return recording

    def exists(self, organisation_id: str, call_id: str) -> bool:
        """Tell whether there is a finished recording."""
        return is_recorded(self._root, organisation_id, call_id)

    async def mp3(self, organisation_id: str, call_id: str) -> StoredSound | None:
        """Return the finished recording as stereo MP3 (``audio/mpeg``), None when there is none.

        It is made once, on a thread, one at a time, and kept beside the recording. Raises
        ``OSError`` when there is no room for it, ``SealedFileDamaged`` when it does not open.
        """
        place = organisation_id, call_id
        async with asyncio.timeout(_CONVERT_TIMEOUT_S), self._converting:
            return await asyncio.to_thread(_mp3, self._root, self._keys, *place)

    async def remove(self, organisation_id: str, call_id: str) -> None:
        """Remove a finished recording in all its forms; nothing happens when there is none."""
        for wave in _waves(self._root, organisation_id, call_id):
            _mp3_of(wave).unlink(missing_ok=True)
            wave.unlink(missing_ok=True)

    async def _flush_always(self) -> None:
        """Write a part of the recordings at a time, so that no moment has all of the work."""
        while True:
            for turn in range(TURNS_COUNT):
                await asyncio.sleep(self._flush_ms / TURNS_COUNT / 1000)
                await self._writer.flush(turn)


def is_recorded(root: Path, organisation_id: str, call_id: str) -> bool:
    """Tell whether a call has a finished recording below ``root``."""
    return any(path.is_file() for path in _waves(root, organisation_id, call_id))


def read_wave(root: Path, keys: FileKeys, organisation_id: str, call_id: str) -> StoredSound | None:
    """Return the finished recording of a call below ``root`` as WAV, None when there is none.

    Raises:
        OSError: the disk refuses; ``SealedFileDamaged`` where the recording does not open.

    """
    for path in _waves(root, organisation_id, call_id):
        if path.is_file():
            if path.suffix != _SEALED_SUFFIX:
                return PlainFile(path)
            return SealedWave(SealedFile(path, keys, _place(path)))
    return None


def recover(root: Path, keys: FileKeys) -> list[str]:
    """Finish what a killed process left; return the calls that have a readable recording now.

    Files that hold no sound are removed; files of writers that live are left alone. To be called
    at start, before anything is recorded.

    Raises:
        OSError: the disk refuses.

    """
    recovered = []
    for part in sorted(root.glob(f"*/*.wav*{PART_SUFFIX}")):
        wave = sealed_name(part)
        is_sealed = wave.suffix == _SEALED_SUFFIX
        if repair_sealed(part, keys, _place(wave)) if is_sealed else repair_plain(part):
            recovered.append(wave.name.partition(".")[0])
    for pattern in ("*/*.mp3.tmp", f"*/*.mp3{_SEALED_SUFFIX}{PART_SUFFIX}"):
        for leftover in root.glob(pattern):
            leftover.unlink(missing_ok=True)
    return recovered


def _mp3(root: Path, keys: FileKeys, organisation_id: str, call_id: str) -> StoredSound | None:
    sound = read_wave(root, keys, organisation_id, call_id)
    if sound is None:
        return None
    target, old = (_mp3_of(wave) for wave in _waves(root, organisation_id, call_id))
    if old.is_file():
        return PlainFile(old)
    if not target.is_file():
        _keep(convert(sound), target, keys)
    return SealedFile(target, keys, _place(target))


def _keep(content: bytes, target: Path, keys: FileKeys) -> None:
    part = target.with_name(target.name + PART_SUFFIX)
    part.unlink(missing_ok=True)
    file = SealedWriter(part, keys, _place(target), b"audio/mpeg")
    try:
        for start in range(0, len(content), _PIECE_BYTES):
            file.append(content[start : start + _PIECE_BYTES])
        file.seal()
    except OSError:
        file.discard()
        raise


def _waves(root: Path, organisation_id: str, call_id: str) -> list[Path]:
    """Return where a recording may be: as it is written now, then as it once was."""
    if not (_NAME.fullmatch(organisation_id) and _NAME.fullmatch(call_id)):
        return []
    path = root / organisation_id / f"{call_id}.wav"
    return [path.with_name(path.name + _SEALED_SUFFIX), path]


def _mp3_of(wave: Path) -> Path:
    """Return where the MP3 of a recording is kept, in the form of the recording."""
    return wave.with_name(wave.name.replace(".wav", ".mp3"))


def _place(path: Path) -> str:
    """Return what the key of a file is bound to: organisation, call and kind."""
    return f"{path.parent.name}/{path.name.removesuffix(_SEALED_SUFFIX)}"


def _discard(creating: asyncio.Future[SealedWriter]) -> None:
    """Undo the creation of a file that nobody waits for any more."""
    if not creating.cancelled() and creating.exception() is None:
        creating.result().discard()
