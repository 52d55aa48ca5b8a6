"""The whole incoming path: words in tone code over RTP, network, buffer, concealment, decoder."""

from __future__ import annotations

from random import Random

import pytest

from cordboard.media import rtp
from cordboard.media.codec import G722_WIDE, PCMA, PCMU, Codec, new_decoder, new_encoder
from cordboard.media.conceal import Concealer
from cordboard.media.jitter import FrameKind, JitterBuffer
from cordboard.media.tone_code import ToneDecoder, encode
from tests.counts import count

WORDS = [f"word-{number:03d}" for number in range(150)]


def heard_over(codec: Codec, loss: float, jitter_ms: float, seed: int) -> list[str]:
    """Send the words as RTP over a network with loss and jitter; return what is heard."""
    random = Random(seed)
    pause = bytes(codec.pcm_frame_bytes * 20)
    sentences = [" ".join(WORDS[at : at + 10]) for at in range(0, len(WORDS), 10)]
    pcm = b"".join(pause + encode(sentence, codec.rate_hz)[0] for sentence in sentences)
    encoder, builder = new_encoder(codec), rtp.PacketBuilder(random.randrange(1 << 32), 0, 65_000)
    size = codec.pcm_frame_bytes
    arrivals = []
    for index, at in enumerate(range(0, len(pcm) - size + 1, size)):
        datagram = builder.build(encoder.from_pcm(pcm[at : at + size]))
        if random.random() >= loss:
            arrivals.append((index * 20 + random.uniform(0, jitter_ms), datagram))
    arrivals.sort()
    buffer, concealer = JitterBuffer({0: codec}), Concealer(codec)
    decoder, hearing = new_decoder(codec), ToneDecoder(codec.rate_hz)
    heard: list[str] = []
    phase_ms = random.uniform(0, 20)
    position = 0
    for tick in range(len(pcm) // size + 20):
        now_ms = tick * 20 + phase_ms
        while position < len(arrivals) and arrivals[position][0] <= now_ms:
            buffer.put(rtp.parse(arrivals[position][1]), int(arrivals[position][0]))
            position += 1
        frame = buffer.pull(int(now_ms))
        if frame.kind is FrameKind.VOICE:
            payload = concealer.good(frame.payload)
        elif frame.kind is FrameKind.LOST:
            payload = concealer.conceal()
        else:
            payload = codec.silence_frame
        heard += [part.word for part in hearing.push(decoder.to_pcm(payload))]
    return heard


@pytest.mark.parametrize("codec", [PCMU, PCMA, G722_WIDE])
@pytest.mark.parametrize("seed", range(count(4, 50)))
def test_jitter_costs_no_word(codec: Codec, seed: int) -> None:
    """With jitter of 20 ms and no loss every word is heard, in order."""
    assert heard_over(codec, 0, 20, seed) == WORDS


@pytest.mark.parametrize("codec", [PCMU, G722_WIDE])
@pytest.mark.parametrize("seed", range(count(4, 50)))
def test_loss_costs_the_words_it_hits(codec: Codec, seed: int) -> None:
    """At 1 % loss about as many words are missing as frames were lost; none is misheard."""
    heard = heard_over(codec, 0.01, 30, seed)
    assert heard == [word for word in WORDS if word in heard]
    lost_frames = 0.01 * 14 * len(WORDS)
    assert len(heard) >= len(WORDS) - 2.5 * lost_frames
