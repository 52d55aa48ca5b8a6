"""One decoder of the library: worker process only. About 30 MB each."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import pocketsphinx

from cordboard.media.resample import Resampler
from cordboard.providers.transcribers.pocketsphinx.pronunciation import pronounce
from cordboard.providers.transcribers.pocketsphinx.rules import GARBAGE
from cordboard.providers.transcribers.pocketsphinx.wire import Learn

RATE_HZ = 16_000
SURE = 0.7
"""The confidence of any words that were likelier than "none of this"; there is no finer measure."""

_MOST_GRAMMARS = 24
_MOST_LEVELS = 64


class Recogniser:
    """Recognises one utterance at a time: ``start``, ``push`` ..., ``finish``."""

    def __init__(self) -> None:
        model = Path(pocketsphinx.get_model_path()) / "en-us"
        # Without the lattice search: it costs ten times as much here and was less often right.
        self._decoder = pocketsphinx.Decoder(
            hmm=str(model / "en-us"),
            dict=str(model / "cmudict-en-us.dict"),
            lm=None,
            bestpath=False,
            loglevel="FATAL",
        )
        for word, phone in GARBAGE.items():
            self._decoder.add_word(word, phone, update=True)
        self._first_level = self._decoder.get_cmn(False)
        self._grammars: OrderedDict[str, None] = OrderedDict()
        self._levels: OrderedDict[int, str] = OrderedDict()
        self._stream = 0
        self._kept: bytearray | None = None
        self._resampler: Resampler | None = None

    def start(self, stream: int, grammar: Learn, rate_hz: int) -> None:
        """Begin an utterance of a call's stream."""
        self._learn(grammar)
        self._decoder.activate_search(grammar.name)
        self._decoder.set_cmn(self._levels.get(stream, self._first_level))
        self._stream = stream
        self._kept = None if stream in self._levels else bytearray()
        self._resampler = None if rate_hz == RATE_HZ else Resampler(rate_hz, RATE_HZ)
        self._decoder.start_utt()

    def push(self, pcm: bytes) -> str:
        """Take sound and return the words so far."""
        if self._resampler is not None:
            pcm = self._resampler.push(pcm)
        if self._kept is not None:
            self._kept += pcm
        self._decoder.process_raw(pcm, False, False)
        return self._heard()

    def finish(self) -> tuple[str, float]:
        """End the utterance; return its words and how sure they are.

        A stream's first utterance was heard at a level that was guessed, so it is heard again, now
        that the level is known.
        """
        self._decoder.end_utt()
        if self._kept is not None:
            self._decoder.set_cmn(self._decoder.get_cmn(True))
            self._decoder.start_utt()
            self._decoder.process_raw(bytes(self._kept), False, False)
            self._decoder.end_utt()
            self._kept = None
        self._levels[self._stream] = self._decoder.get_cmn(True)
        self._levels.move_to_end(self._stream)
        while len(self._levels) > _MOST_LEVELS:
            self._levels.popitem(last=False)
        text = self._heard()
        return text, SURE if text else 0.0

    def _heard(self) -> str:
        """Return the words, or nothing when a row of single sounds was likelier than any."""
        hypothesis = self._decoder.hyp()
        text = hypothesis.hypstr if hypothesis else ""
        return "" if text.split(" ", 1)[0] in GARBAGE else text

    def _learn(self, grammar: Learn) -> None:
        if grammar.name in self._grammars:
            self._grammars.move_to_end(grammar.name)
            return
        for word in grammar.words:
            if self._decoder.lookup_word(word) is None:
                self._decoder.add_word(word, pronounce(word), update=True)
        self._decoder.add_jsgf_string(grammar.name, grammar.jsgf)
        self._grammars[grammar.name] = None
        if len(self._grammars) > _MOST_GRAMMARS:
            oldest, _ = self._grammars.popitem(last=False)
            self._decoder.remove_search(oldest)
