"""Sound that came ready-made, on its way into an utterance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cordboard.call.sound import Sound
from cordboard.engine.utterance import Utterance
from cordboard.media.codec import new_encoder
from cordboard.media.resample import Resampler


async def take_sound(
    utterance: Utterance, sound: Sound, arrived: Callable[[Utterance], None]
) -> None:
    """Bring ``sound`` into the utterance's encoding, a second at a time: minutes of it must not
    hold up other calls. ``arrived`` is called after every piece.
    """
    codec = utterance.codec
    resampler = Resampler(sound.rate_hz, codec.rate_hz)
    encode = new_encoder(codec).from_pcm
    size = 2 * sound.rate_hz
    for at in range(0, len(sound.pcm), size):
        utterance.sound += encode(resampler.push(sound.pcm[at : at + size]))
        arrived(utterance)
        await asyncio.sleep(0)
    utterance.sound += encode(resampler.flush())
