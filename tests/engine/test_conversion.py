"""Sound between encodings."""

from __future__ import annotations

import pytest

from cordboard.engine.conversion import Converter, best_codec, kept_codec
from cordboard.media.codec import G722_WIDE, L16_8K, L16_16K, PCMA, PCMU, Codec, Encoding
from tests.engine.rig import tone, words_in

L16_24K = Codec(Encoding.L16, 24000)
CODECS = [PCMU, PCMA, G722_WIDE, L16_8K, L16_16K, L16_24K]


@pytest.mark.parametrize("source", CODECS, ids=str)
@pytest.mark.parametrize("target", CODECS, ids=str)
def test_words_survive(source: Codec, target: Codec) -> None:
    """Every word is heard after any conversion, frame by frame."""
    converter = Converter(source, target)
    sound = tone("three little words", source) + source.silence_frame
    size = source.frame_bytes
    pieces = [converter.convert(sound[at : at + size]) for at in range(0, len(sound), size)]
    assert words_in(b"".join(pieces) + converter.finish(), target) == ["three", "little", "words"]


@pytest.mark.parametrize(
    ("wanted", "own", "best"),
    [
        ([PCMA, PCMU], PCMU, PCMU),
        ([L16_16K, L16_8K], PCMU, L16_8K),
        ([L16_24K, L16_16K], PCMU, L16_24K),
        ([], G722_WIDE, G722_WIDE),
        ([PCMU, L16_16K], G722_WIDE, L16_16K),
    ],
)
def test_best_codec(wanted: list[Codec], own: Codec, best: Codec) -> None:
    """Our own first, then the same rate, then what the provider likes best."""
    assert best_codec(wanted, own) == best


def test_kept_codec() -> None:
    """Only a codec with a state is kept as samples."""
    assert [kept_codec(codec) for codec in (PCMU, L16_8K, G722_WIDE)] == [PCMU, L16_8K, L16_16K]
