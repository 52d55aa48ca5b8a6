"""Times of characters, as they come with the sound, to times of words in the text."""

from __future__ import annotations

from cordboard.ports import WordTime
from cordboard.providers.synthesizers.elevenlabs.wire import Alignment

_FURTHEST_CHARACTERS = 60


class WordTimes:
    """Collects characters until a word is whole, and finds it in the text that is spoken.

    Words that are not in the text (spelled out by the vendor, or sent twice) have no time.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._found_to = 0
        self._word = ""
        self._start_ms = 0
        self._end_ms = 0
        self._last_end_ms = 0

    def push(self, alignment: Alignment | None, offset_ms: int) -> tuple[WordTime, ...]:
        """Take the characters of one message, whose sound begins at ``offset_ms``; return the words
        that are whole now.
        """
        if alignment is None:
            return ()
        found: list[WordTime] = []
        rows = zip(
            alignment.chars,
            alignment.char_start_times_ms,
            alignment.char_durations_ms,
            strict=False,
        )
        for characters, start_ms, duration_ms in rows:
            if characters.isspace():
                found += self.finish()
                continue
            if not self._word:
                self._start_ms = offset_ms + round(start_ms)
            self._word += characters
            self._end_ms = offset_ms + round(start_ms + duration_ms)
        return tuple(found)

    def finish(self) -> tuple[WordTime, ...]:
        """Return the word that was under way, if it is one of the text's."""
        word, self._word = self._word, ""
        if not word:
            return ()
        furthest = self._found_to + _FURTHEST_CHARACTERS + len(word)
        at = self._text.find(word, self._found_to, furthest)
        if at < 0:
            return ()
        self._found_to = at + len(word)
        start_ms = max(self._start_ms, self._last_end_ms)
        self._last_end_ms = max(start_ms, self._end_ms)
        return (WordTime(at, self._found_to, start_ms, self._last_end_ms),)
