"""What is spoken, as time that passes: text has no sound here, only a length."""

from __future__ import annotations

from dataclasses import dataclass

from cordboard.call.commands import PlaySound, PlayStored, Speak
from cordboard.call.events import (
    Event,
    PlayoutFinished,
    PlayoutPaused,
    PlayoutStarted,
    PlayoutStopped,
    SpeechMade,
)

WORD_MS = 400
"""150 words a minute."""


@dataclass(slots=True)
class _Item:
    utterance_id: str
    text: str
    left_ms: int
    stored: bool = False
    begun: bool = False


def spoken_ms(text: str) -> int:
    """Return about how long it takes to say ``text``."""
    return WORD_MS * len(text.split())


class Playout:
    """Utterances one after another. ``at_ms`` of its events count from the answer."""

    def __init__(self) -> None:
        self.answered_ms = 0
        self.heard: list[str] = []
        """What has begun to sound, in order."""
        self._shown: dict[str, str] = {}
        self._items: list[_Item] = []
        self._paused = False
        self._seen_ms = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to be heard."""
        return not self._items

    def queue(self, command: Speak | PlaySound | PlayStored, now_ms: int) -> None:
        """Take an utterance; a stored phrase goes before what does not sound yet."""
        if not self._items:
            self._seen_ms = now_ms
        utterance_id = command.utterance_id
        match command:
            case Speak(text=text):
                self._shown[utterance_id] = text
                self._items.append(_Item(utterance_id, text, spoken_ms(text)))
            case PlaySound(sound=sound):
                self._shown[utterance_id] = f"[{sound.duration_ms} ms of sound]"
                self._items.append(_Item(utterance_id, "", sound.duration_ms))
            case PlayStored(phrase=phrase):
                words = phrase.value.replace("_", " ")
                self._shown[utterance_id] = f"[{words}]"
                item = _Item(utterance_id, words, spoken_ms(words), stored=True)
                self._items.insert(1 if self._items and self._items[0].begun else 0, item)

    def text_of(self, utterance_id: str) -> str:
        """Return what an utterance is, in words."""
        return self._shown.get(utterance_id, "")

    def next_ms(self) -> int | None:
        """Return when something happens by itself, or None."""
        if not self._items or self._paused:
            return None
        first = self._items[0]
        return self._seen_ms + (first.left_ms if first.begun else 0)

    def pass_until(self, now_ms: int) -> list[Event]:
        """Let time pass; return at most one step of what happened, none when there is no more."""
        at_ms = self.next_ms()
        if at_ms is None or at_ms > now_ms:
            return []
        first = self._items[0]
        self._seen_ms = at_ms
        place_ms = at_ms - self.answered_ms
        if first.begun:
            del self._items[0]
            return [PlayoutFinished(first.utterance_id, place_ms)]
        first.begun = True
        self.heard.append(self.text_of(first.utterance_id))
        began = PlayoutStarted(first.utterance_id, place_ms, first.text if first.stored else "")
        return [began, SpeechMade(first.utterance_id, first.left_ms)]

    def pause(self, now_ms: int) -> list[Event]:
        """Fall silent and keep everything."""
        if self._paused:
            return []
        self._paused = True
        if not self._items or not self._items[0].begun:
            return []
        first = self._items[0]
        first.left_ms = max(0, first.left_ms - (now_ms - self._seen_ms))
        return [PlayoutPaused(first.utterance_id, _heard(first))]

    def resume(self, now_ms: int) -> None:
        """Go on."""
        if self._paused:
            self._paused = False
            self._seen_ms = now_ms

    def stop(self, now_ms: int) -> list[Event]:
        """Drop everything."""
        items, self._items = self._items, []
        if items and items[0].begun and not self._paused:
            items[0].left_ms = max(0, items[0].left_ms - (now_ms - self._seen_ms))
        self._paused = False
        return [PlayoutStopped(item.utterance_id, _heard(item)) for item in items]


def _heard(item: _Item) -> int:
    """Return how many characters have been said: whole words."""
    if not item.begun or item.stored:
        return 0
    words = item.text.split()
    count = max(0, len(words) - -(-item.left_ms // WORD_MS))
    return len(" ".join(words[:count]))
