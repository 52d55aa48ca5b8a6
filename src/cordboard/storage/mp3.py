"""A recording as MP3, which is what the public API hands out."""

from __future__ import annotations

import io
from typing import Final

from cordboard.storage.stored_sound import SoundStream, StoredSound

_BLOCK_FRAMES: Final = 8_192


def convert(source: StoredSound) -> bytes:
    """Return ``source`` (a WAV file) as MP3, about 14 MB for an hour.

    Runs on a worker thread: the encoder lets other threads run while it works. The result is made
    in memory, as the encoder goes back to its beginning and nothing may be on the disk in clear.

    Raises:
        OSError: the disk refuses, or ``source`` cannot be read.

    """
    import soundfile  # costs memory that most processes need not spend

    made = io.BytesIO()
    try:
        with (
            soundfile.SoundFile(SoundStream(source)) as wave,
            soundfile.SoundFile(made, "w", wave.samplerate, wave.channels, format="MP3") as mp3,
        ):
            for block in wave.blocks(_BLOCK_FRAMES, dtype="int16"):
                mp3.write(block)
    except soundfile.LibsndfileError as error:
        raise OSError(f"the recording cannot be converted: {error}") from None
    return made.getvalue()
