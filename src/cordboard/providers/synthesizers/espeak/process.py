"""The child process: takes requests in order, speaks them, sends sound. Run with ``python -m``.

An utterance is at most ``MOST_CHARACTERS`` long and takes some 20 ms of work, so utterances of many
calls take turns by their pieces; a cancel is seen between blocks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from cordboard.media.resample import Resampler
from cordboard.providers.inbox import Inbox
from cordboard.providers.synthesizers.espeak.library import Library, WordBegun
from cordboard.providers.synthesizers.espeak.wire import (
    Answer,
    Cancel,
    Done,
    Say,
    Sound,
    Word,
    read_request,
    write,
)

_BLOCK_MS = 200
_FRAMES_PER_SECOND = 50


class Speaker:
    """Works through what the parent asks."""

    def __init__(self, inbox: Inbox, library: Library) -> None:
        self._inbox = inbox
        self._library = library
        self._waiting: deque[Say] = deque()
        self._cancelled: set[int] = set()

    def run(self) -> None:
        """Speak until the parent is gone."""
        while not self._inbox.ended:
            self._read(wait=not self._waiting)
            if self._waiting:
                say = self._waiting.popleft()
                for answer in self._speak(say):
                    self._inbox.put(write(answer))
                self._cancelled.discard(say.utterance)

    def _read(self, wait: bool) -> None:
        self._inbox.poll(wait)
        while (payload := self._inbox.take()) is not None:
            request = read_request(payload)
            if isinstance(request, Say):
                self._waiting.append(request)
            else:
                self._cancel(request)

    def _cancel(self, request: Cancel) -> None:
        waiting = [say for say in self._waiting if say.utterance != request.utterance]
        if len(waiting) == len(self._waiting):
            self._cancelled.add(request.utterance)
        self._waiting = deque(waiting)

    def _speak(self, say: Say) -> Iterator[Answer]:
        self._cancelled.discard(say.utterance)
        pieces: list[bytes] = []
        begun: list[WordBegun] = []

        def take(pcm: bytes, words: list[WordBegun]) -> bool:
            pieces.append(pcm)
            begun.extend(words)
            self._read(wait=False)
            return not self._inbox.ended and say.utterance not in self._cancelled

        if not self._library.set_voice(say.voices):
            yield Done(say.utterance, "rejected")
            return
        spoken = self._library.speak(say.text, say.rate_wpm, say.pitch, take)
        if say.utterance in self._cancelled:
            return
        if not spoken:
            yield Done(say.utterance, "unavailable")
            return
        resampler = Resampler(self._library.rate_hz, say.rate_hz)
        pcm = resampler.push(b"".join(pieces)) + resampler.flush()
        yield from _blocks(say, pcm, _words(say.text, begun, len(pcm) * 500 // say.rate_hz))
        yield Done(say.utterance)


def _words(text: str, begun: list[WordBegun], end_ms: int) -> list[Word]:
    """Give each word an end: where the next one begins, at most where its letters end."""
    words: list[Word] = []
    ends = [word.at_ms for word in begun[1:]] + [end_ms]
    for word, word_end_ms in zip(begun, ends, strict=True):
        start = min(max(word.text_start, 0), len(text))
        end = min(start + max(word.length, 0), len(text))
        if end > start:
            words.append(Word(start, end, word.at_ms, max(word.at_ms, word_end_ms)))
    return words


def _blocks(say: Say, pcm: bytes, words: list[Word]) -> Iterator[Sound]:
    """Cut into whole frames, the last one filled up; a word goes with the block it ends in."""
    frame_bytes = 2 * say.rate_hz // _FRAMES_PER_SECOND
    pcm += bytes(-len(pcm) % frame_bytes)
    step = 2 * say.rate_hz * _BLOCK_MS // 1000
    left = deque(words)
    for start in range(0, len(pcm), step):
        block = pcm[start : start + step]
        end_ms = (start + len(block)) * 500 // say.rate_hz
        last = start + step >= len(pcm)
        due: list[Word] = []
        while left and (last or left[0].end_ms <= end_ms):
            due.append(left.popleft())
        yield Sound(say.utterance, block, due)


def main() -> None:
    """Run the child."""
    Speaker(Inbox(), Library()).run()


if __name__ == "__main__":
    main()
