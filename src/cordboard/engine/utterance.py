"""One utterance of the agent: its text, its sound, and how much of it was heard."""

from __future__ import annotations

from cordboard.call.commands import Manner
from cordboard.media.codec import Codec
from cordboard.ports import WordTime

_GUESSED_MS_PER_CHARACTER = 65


class SpokenText:
    """A text and its sound, which arrives piece by piece and is kept until it has been heard."""

    __slots__ = (
        "codec",
        "complete",
        "failure",
        "heard_bytes",
        "next_byte",
        "sound",
        "text",
        "words",
    )

    def __init__(self, text: str, codec: Codec) -> None:
        self.text = text
        self.codec = codec
        self.sound = bytearray()
        self.words: list[WordTime] = []
        self.complete = False
        """No more sound will come."""
        self.failure: str | None = None
        """Why some of the sound is missing."""
        self.next_byte = 0
        """Where in ``sound`` playing goes on."""
        self.heard_bytes = 0
        """What is proven to have been played."""

    def heard_everything(self) -> None:
        """All sound there is has been played."""
        self.heard_bytes = len(self.sound)

    def heard(self, heard_bytes: int) -> None:
        """So much of the sound is proven to have been played; never goes back."""
        self.heard_bytes = max(self.heard_bytes, min(heard_bytes, len(self.sound)))

    @property
    def duration_ms(self) -> int:
        """How long the sound is that has arrived."""
        return self._ms(len(self.sound))

    def heard_characters(self) -> int:
        """Return how many characters of the text were played whole, ending at a word's end."""
        if self.complete and self.failure is None and self.heard_bytes >= len(self.sound):
            return len(self.text)
        return self.characters_within(self._ms(self.heard_bytes))

    def characters_within(self, sound_ms: int) -> int:
        """Return how many characters lie as whole words within the first ``sound_ms``."""
        if self.words:
            return max((word.text_end for word in self.words if word.end_ms <= sound_ms), default=0)
        character = int(sound_ms / self._ms_per_character())
        return len(self.text[: self._word_start(character)].rstrip())

    def drop_cut_word(self) -> None:
        """Sound broke off: drop what follows the last whole word, where it has not been handed
        on.
        """
        whole_ms = max(
            (word.end_ms for word in self.words if word.end_ms <= self.duration_ms), default=None
        )
        if whole_ms is None:
            return
        end = self.codec.size_bytes(whole_ms)
        if self.next_byte <= end:
            del self.sound[end:]
        self.words = [word for word in self.words if word.end_ms <= whole_ms]

    def rewind(self) -> None:
        """Go back to the start of the word that was cut, so that it will be heard whole."""
        self.next_byte = self._resume_byte()

    def reencode(self, sound: bytes, codec: Codec) -> None:
        """Take the same sound in another encoding; positions move with it."""
        old = self.codec.bytes_per_second
        new = codec.bytes_per_second
        sample = 2 if codec.bytes_per_second == 2 * codec.rate_hz else 1
        self.heard_bytes = min(self.heard_bytes * new // old // sample * sample, len(sound))
        self.next_byte = min(self.next_byte * new // old // sample * sample, len(sound))
        self.sound = bytearray(sound)
        self.codec = codec

    def _resume_byte(self) -> int:
        heard_ms = self._ms(self.heard_bytes)
        if self.words:
            for word in self.words:
                if word.start_ms < heard_ms < word.end_ms:
                    return self.codec.size_bytes(word.start_ms)
            return self.heard_bytes
        each_ms = self._ms_per_character()
        start = self._word_start(int(heard_ms / each_ms))
        frame_bytes = self.codec.frame_bytes
        resume = self.codec.size_bytes(int(start * each_ms)) // frame_bytes * frame_bytes
        return min(resume, self.heard_bytes)

    def _ms(self, size_bytes: int) -> int:
        return size_bytes * 1000 // self.codec.bytes_per_second

    def _ms_per_character(self) -> float:
        if not self.complete or not self.text or not self.sound:
            return _GUESSED_MS_PER_CHARACTER
        return max(self._ms(len(self.sound)) / len(self.text), 1)

    def _word_start(self, character: int) -> int:
        """Return where the word begins in which ``character`` lies (or that is about to begin)."""
        character = min(character, len(self.text))
        while 0 < character < len(self.text) and not self.text[character - 1].isspace():
            character -= 1
        return character


class Utterance(SpokenText):
    """One thing the agent says, as the machine knows it."""

    __slots__ = (
        "asked_ms",
        "language",
        "manner",
        "played_to_ms",
        "released",
        "started",
        "stored_text",
        "utterance_id",
    )

    def __init__(self, utterance_id: str, text: str, language: str, codec: Codec) -> None:
        super().__init__(text, codec)
        self.utterance_id = utterance_id
        self.language = language
        self.manner: Manner | None = None
        """How it is to be spoken, where that differs from the plan."""
        self.stored_text = ""
        """The words of a stored phrase."""
        self.released = True
        """It may be played when its turn comes."""
        self.asked_ms = 0
        self.started = False
        """The first sound has left for the far end."""
        self.played_to_ms = 0
        """Where on the timeline its last frame so far ends, by our own count."""
