"""What the softphone hears: stretches of speech, and their words by a transcriber."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cordboard.media.codec import FRAME_MS, Codec, new_decoder
from cordboard.media.loudness import EnergyGate
from cordboard.media.segmenter import Segmenter
from cordboard.ports import TranscriberFailed, TranscriberStream, TranscriberWords

SENTENCE_PAUSE_MS = 450
"""Shorter pauses lie within a sentence: the transcriber is not told of them."""


@dataclass(slots=True)
class Heard:
    """All the far end has said so far: final words one stretch an item, and when sound began and
    ended last.
    """

    words: list[str] = field(default_factory=list)
    partial: str = ""
    speaking: bool = False
    started_ms: int = -1
    stopped_ms: int = -1
    loud_ms: int = 0


class Ear:
    """Takes each frame of the far end; positions count from the first frame."""

    def __init__(self, codec: Codec, tapped: Callable[[bytes], None]) -> None:
        self.heard = Heard()
        self.position_ms = 0
        self._decode = new_decoder(codec).to_pcm
        self._gate = EnergyGate()
        self._segmenter = Segmenter()
        self._stream: TranscriberStream | None = None
        self._tapped = tapped
        self._unheard_ms: int | None = None

    def connect(self, stream: TranscriberStream) -> None:
        """Let a transcriber, opened for the same codec with ``report``, listen."""
        self._stream = stream

    def report(self, words: TranscriberWords | TranscriberFailed) -> None:
        """Take what the transcriber reports."""
        if isinstance(words, TranscriberFailed):
            return
        if not words.final:
            self.heard.partial = words.text
            return
        self.heard.partial = ""
        if words.text:
            self.heard.words.append(words.text)

    def frame(self, payload: bytes) -> None:
        """Take 20 ms."""
        self._tapped(payload)
        if self._stream is not None:
            self._stream.feed(payload)
        self._gate.heard(self._decode(payload))
        if self._gate.loud:
            self.heard.loud_ms += FRAME_MS
        if self._segmenter.push(self._gate.loud, self.position_ms):
            self._changed()
        self.position_ms += FRAME_MS
        if self._unheard_ms is not None and self.position_ms >= self._unheard_ms:
            self._unheard_ms = None
            if self._stream is not None:
                self._stream.speech_stopped()

    def finish(self) -> None:
        """Let the transcriber finish what it has: no more sound comes."""
        if self._stream is not None and (self.heard.speaking or self._unheard_ms is not None):
            self._unheard_ms = None
            self.heard.speaking = False
            self._stream.speech_stopped()

    def _changed(self) -> None:
        heard, segmenter = self.heard, self._segmenter
        heard.speaking = segmenter.speaking
        if segmenter.speaking:
            heard.started_ms = segmenter.changed_at_ms
            if self._unheard_ms is None and self._stream is not None:
                self._stream.speech_started()
            self._unheard_ms = None
        else:
            heard.stopped_ms = segmenter.changed_at_ms
            self._unheard_ms = segmenter.changed_at_ms + SENTENCE_PAUSE_MS
