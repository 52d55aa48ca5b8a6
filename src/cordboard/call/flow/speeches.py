"""The app's speeches and sounds that are not over yet, and what the app is told of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Tell = Callable[[str, Mapping[str, object]], str]


@dataclass(slots=True)
class Speech:
    """One ``speak`` or ``audio`` of the app."""

    utterance_id: str
    text: str = ""
    markup: str | None = None
    is_sound: bool = False
    started_at_ms: int | None = None
    duration_ms: int | None = None
    told: bool = False


class Speeches:
    """Knows each by its utterance, and tells the app when it begins and that it has ended.

    ``assistant_speak`` needs the length of the speech: it leaves as soon as both the first sound
    has been heard and all sound has been made.
    """

    def __init__(self, tell: Tell, *, at_end: bool) -> None:
        self.was_cut = False
        """Whether the caller has cut one off since the last one began."""
        self._tell = tell
        self._at_end = at_end
        self._open: dict[str, Speech] = {}
        self._told_by: dict[str, str] = {}

    def add(self, speech: Speech) -> None:
        """Take one that has been queued."""
        self._open[speech.utterance_id] = speech

    def barged_in(self) -> None:
        """The caller has the floor: what has been heard of them was cut off."""
        self.was_cut |= any(speech.started_at_ms is not None for speech in self._open.values())

    def knows(self, utterance_id: str) -> bool:
        """Whether it is one of the app's that is not over yet."""
        return utterance_id in self._open

    def of_event(self, event_id: str | None) -> str | None:
        """Return the utterance whose beginning an event told, while it is not over."""
        return self._told_by.get(event_id or "")

    def started(self, utterance_id: str, at_ms: int) -> None:
        """Its first sound left."""
        speech = self._open.get(utterance_id)
        if speech is not None:
            speech.started_at_ms = at_ms
            self.was_cut = False
            if not self._at_end:
                self._tell_start(speech)

    def made(self, utterance_id: str, duration_ms: int) -> None:
        """All its sound is there."""
        speech = self._open.get(utterance_id)
        if speech is not None:
            speech.duration_ms = duration_ms
            if not self._at_end:
                self._tell_start(speech)

    def call_over(self, at_ms: int) -> None:
        """Nothing more is heard: what has begun has ended."""
        for utterance_id in list(self._open):
            self.ended(utterance_id, at_ms, always=False)

    def ended(self, utterance_id: str, at_ms: int, *, always: bool) -> bool:
        """It is over, at ``at_ms`` on the timeline; False if it is not one of the app's. One that
        nobody has heard is told only if ``always``.
        """
        speech = self._open.pop(utterance_id, None)
        if speech is None:
            return False
        self._told_by = {key: each for key, each in self._told_by.items() if each != utterance_id}
        if speech.started_at_ms is not None:
            if speech.duration_ms is None:
                speech.duration_ms = max(0, at_ms - speech.started_at_ms)
            self._tell_start(speech)
        if always or speech.started_at_ms is not None:
            self._tell("assistant_speech_ended", {})
        return True

    def _tell_start(self, speech: Speech) -> None:
        if speech.is_sound or speech.told:
            return
        if speech.started_at_ms is None or speech.duration_ms is None:
            return
        speech.told = True
        content: dict[str, object] = {
            "text": speech.text,
            "duration_ms": speech.duration_ms,
            "speech_started_at": speech.started_at_ms,
        }
        if speech.markup is not None:
            content["ssml"] = speech.markup
        event_id = self._tell("assistant_speak", content)
        if speech.utterance_id in self._open:
            self._told_by[event_id] = speech.utterance_id
