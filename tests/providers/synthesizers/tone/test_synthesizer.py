"""The tone voice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.call.plan import VoicePlan
from cordboard.clock import VirtualClock, run_virtual
from cordboard.media.codec import G722_WIDE, L16_8K, L16_16K, PCMA, PCMU, Codec, new_decoder
from cordboard.media.tone_code import ToneDecoder
from cordboard.ports import SpeechChunk
from cordboard.providers.synthesizers.tone.synthesizer import ToneDelays, ToneSynthesizer


async def chunks_of(text: str, codec: Codec, delays: ToneDelays) -> list[SpeechChunk]:
    """Return all chunks of a text."""
    voice = ToneSynthesizer(delays)
    return [chunk async for chunk in voice.speak(text, VoicePlan(), "en", codec)]


@pytest.mark.parametrize("codec", [PCMU, PCMA, G722_WIDE, L16_8K, L16_16K])
def test_words_are_heard_exactly(codec: Codec) -> None:
    """A decoder gets every word, in whole frames, at the times that the chunks name."""
    text = "Grüße, it's 9:30 am."
    chunks = run_virtual(chunks_of(text, codec, ToneDelays()))
    assert all(len(chunk.payload) % codec.frame_bytes == 0 for chunk in chunks)
    pcm = new_decoder(codec).to_pcm(b"".join(chunk.payload for chunk in chunks))
    heard = ToneDecoder(codec.rate_hz).push(pcm)
    assert [word.word for word in heard] == text.split()
    for chunk, word in zip(chunks, heard, strict=True):
        assert abs(chunk.words[0].start_ms - word.start_ms) <= 20


def test_delays_are_kept() -> None:
    """The first sound and each further word take as long as they are told."""

    async def run() -> int:
        clock = VirtualClock()
        start_ms = clock.now_ms()
        await chunks_of("one two three", PCMU, ToneDelays(first_sound_ms=150, word_ms=40))
        return clock.now_ms() - start_ms

    assert run_virtual(run()) == 150 + 2 * 40


@given(st.text(max_size=40))
def test_word_positions_cover_the_text(text: str) -> None:
    """Each word's position is where it stands in the text."""
    chunks = run_virtual(chunks_of(text, PCMU, ToneDelays()))
    words = [word for chunk in chunks for word in chunk.words]
    assert [text[word.text_start : word.text_end] for word in words] == text.split()
