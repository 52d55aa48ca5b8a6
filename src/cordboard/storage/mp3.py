"""A recording as MP3, which is what the public API hands out."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_BLOCK_FRAMES: Final = 8_192


def convert(source: Path, target: Path) -> None:
    """Write ``source`` (a WAV file) as MP3 to ``target``, which appears only when it is whole.

    Runs on a worker thread: the encoder lets other threads run while it works.

    Raises:
        OSError: the disk refuses, or ``source`` cannot be read.

    """
    import soundfile  # costs memory that most processes need not spend

    unfinished = target.with_name(target.name + ".tmp")
    try:
        with (
            soundfile.SoundFile(str(source)) as wave,
            soundfile.SoundFile(
                str(unfinished), "w", wave.samplerate, wave.channels, format="MP3"
            ) as mp3,
        ):
            for block in wave.blocks(_BLOCK_FRAMES, dtype="int16"):
                mp3.write(block)
    except soundfile.LibsndfileError as error:
        unfinished.unlink(missing_ok=True)
        raise OSError(f"the recording cannot be converted: {error}") from None
    unfinished.rename(target)
