"""The stored phrases."""

from __future__ import annotations

from importlib.resources import files

import pytest

from cordboard.call.commands import StoredPhrase
from cordboard.media import g711
from cordboard.media.codec import G722_WIDE, L16_8K, L16_16K, PCMA, PCMU, Codec, new_decoder
from cordboard.providers.phrases.store import PackagedPhrases
from cordboard.providers.phrases.words import WORDS


@pytest.mark.parametrize("codec", [PCMU, PCMA, G722_WIDE, L16_8K, L16_16K])
@pytest.mark.parametrize("language", ["en", "de", "es", "fr"])
@pytest.mark.parametrize("phrase", list(StoredPhrase))
def test_every_phrase_is_there_in_every_codec(
    phrase: StoredPhrase, language: str, codec: Codec
) -> None:
    """Each phrase is whole frames of a second or more or less, loud enough to be heard."""
    words, sound = PackagedPhrases().sound(phrase, language, codec)
    assert words == WORDS[language][phrase]
    assert len(sound) % codec.frame_bytes == 0
    assert 600 <= codec.duration_ms(sound) <= 4000
    assert g711.rms(new_decoder(codec).to_pcm(sound)) > 800


def test_other_languages_fall_back_to_english() -> None:
    """A regional tag takes its language; a language that is not there takes English."""
    store = PackagedPhrases()
    assert store.sound("goodbye", "de-AT", PCMU) == store.sound("goodbye", "de", PCMU)
    assert store.sound("goodbye", "fi", PCMU) == store.sound("goodbye", "en", PCMU)


def test_unknown_phrase_is_an_error() -> None:
    """A phrase that does not exist raises KeyError."""
    with pytest.raises(KeyError):
        PackagedPhrases().sound("no_such_phrase", "en", PCMU)


def test_sounds_are_small() -> None:
    """All phrases together weigh less than 220 kB in the wheel."""
    folder = files("cordboard.providers.phrases") / "sound"
    assert sum(len(file.read_bytes()) for file in folder.iterdir()) < 220_000
