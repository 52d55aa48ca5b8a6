"""A worker process: decoders, one for each utterance under way. Run with ``python -m``.

When all decoders are busy, an utterance waits with its sound, at most ``_MOST_WAITING`` of them;
one more is answered at once by an empty final.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from cordboard.providers.inbox import Inbox
from cordboard.providers.transcribers.pocketsphinx.recogniser import Recogniser
from cordboard.providers.transcribers.pocketsphinx.wire import (
    Begin,
    End,
    Heard,
    Learn,
    More,
    read_request,
    write,
)

_MOST_DECODERS = 4
_MOST_WAITING = 16
_MOST_UTTERANCE_BYTES = 2 * 16_000 * 40
_PARTIAL_BYTES = 2 * 16_000 * 120 // 1000
_MOST_GRAMMARS = 256


@dataclass(slots=True)
class Utterance:
    """One utterance under way: its beginning, the sound not yet decoded, what was reported."""

    begin: Begin
    sound: bytearray = field(default_factory=bytearray)
    taken_bytes: int = 0
    ended: bool = False
    text: str = ""
    recogniser: Recogniser | None = None


class Worker:
    """Works through what the parent asks."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._grammars: OrderedDict[str, Learn] = OrderedDict()
        self._free: list[Recogniser] = [Recogniser()]
        self._made_count = 1
        self._utterances: dict[int, Utterance] = {}

    def run(self) -> None:
        """Recognise until the parent is gone."""
        while not self._inbox.ended:
            busy = any(each.recogniser and each.sound for each in self._utterances.values())
            self._inbox.poll(wait=not busy)
            while (payload := self._inbox.take()) is not None:
                self._receive(payload)
            for utterance in list(self._utterances.values()):
                self._work(utterance)

    def _receive(self, payload: bytes) -> None:
        request = read_request(payload)
        if isinstance(request, Learn):
            self._grammars[request.name] = request
            self._grammars.move_to_end(request.name)
            while len(self._grammars) > _MOST_GRAMMARS:
                self._grammars.popitem(last=False)
        elif isinstance(request, Begin):
            self._begin(request)
        elif (utterance := self._utterances.get(request.utterance)) is not None:
            if isinstance(request, More):
                self._more(utterance, request.pcm)
            else:
                self._end(utterance, request)

    def _begin(self, begin: Begin) -> None:
        waiting = sum(each.recogniser is None for each in self._utterances.values())
        if waiting >= _MOST_WAITING or begin.grammar not in self._grammars:
            self._answer(Heard(begin.utterance, "", final=True))
            return
        self._utterances[begin.utterance] = Utterance(begin)

    def _more(self, utterance: Utterance, pcm: bytes) -> None:
        if utterance.taken_bytes < _MOST_UTTERANCE_BYTES:  # what is longer is no answer
            utterance.sound += pcm
            utterance.taken_bytes += len(pcm)

    def _end(self, utterance: Utterance, end: End) -> None:
        utterance.ended = True
        if end.drop:
            if utterance.recogniser is not None:
                utterance.recogniser.finish()
            self._leave(utterance)

    def _work(self, utterance: Utterance) -> None:
        if utterance.recogniser is None and not self._seat(utterance):
            return
        recogniser = utterance.recogniser
        assert recogniser is not None
        piece = bytes(utterance.sound[:_PARTIAL_BYTES])
        del utterance.sound[:_PARTIAL_BYTES]
        if piece:
            text = recogniser.push(piece)
            if text != utterance.text:
                utterance.text = text
                self._answer(Heard(utterance.begin.utterance, text, final=False))
        if utterance.ended and not utterance.sound:
            text, confidence = recogniser.finish()
            self._answer(Heard(utterance.begin.utterance, text, True, confidence))
            self._leave(utterance)

    def _seat(self, utterance: Utterance) -> bool:
        if not self._free:
            if self._made_count >= _MOST_DECODERS:
                return False
            self._free.append(Recogniser())
            self._made_count += 1
        recogniser = self._free.pop()
        begin = utterance.begin
        recogniser.start(begin.stream, self._grammars[begin.grammar], begin.rate_hz)
        utterance.recogniser = recogniser
        return True

    def _leave(self, utterance: Utterance) -> None:
        del self._utterances[utterance.begin.utterance]
        if utterance.recogniser is not None:
            self._free.append(utterance.recogniser)

    def _answer(self, heard: Heard) -> None:
        self._inbox.put(write(heard))


def main() -> None:
    """Run the worker."""
    Worker(Inbox()).run()


if __name__ == "__main__":
    main()
