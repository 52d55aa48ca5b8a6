"""What the agent has been asked to say and how far each utterance has come."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class UtteranceState(StrEnum):
    """How far an utterance has come."""

    QUEUED = "queued"
    PLAYING = "playing"


@dataclass(slots=True)
class Utterance:
    """One thing the agent says. ``text`` is empty for a stored phrase, whose words are not the
    agent's.
    """

    utterance_id: str
    text: str
    interruptible: bool
    kind: str
    state: UtteranceState = UtteranceState.QUEUED


class Playback:
    """The utterances that are not over yet, in order, and whether they are held."""

    def __init__(self) -> None:
        self._utterances: dict[str, Utterance] = {}
        self.paused = False

    def queue(self, utterance: Utterance) -> None:
        """Append an utterance."""
        self._utterances[utterance.utterance_id] = utterance

    def started(self, utterance_id: str) -> Utterance | None:
        """Note the first sound of an utterance; None for one that is not ours any more."""
        utterance = self._utterances.get(utterance_id)
        if utterance is not None:
            utterance.state = UtteranceState.PLAYING
        return utterance

    def ended(self, utterance_id: str) -> Utterance | None:
        """Forget an utterance that is over; None for one that is not ours any more."""
        return self._utterances.pop(utterance_id, None)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to be played."""
        return not self._utterances

    @property
    def is_interruptible(self) -> bool:
        """Whether the caller may cut off what is played now, or is about to be.

        An action's message may be cut off until its first sound, because only then does the
        action leave.
        """
        first = next(iter(self._utterances.values()), None)
        if first is None:
            return True
        return first.interruptible or (
            first.state is UtteranceState.QUEUED and first.kind == "before_action"
        )

    @property
    def is_sounding(self) -> bool:
        """Whether an utterance has begun and is not held."""
        return not self.paused and any(
            utterance.state is UtteranceState.PLAYING for utterance in self._utterances.values()
        )

    def last_id(self) -> str | None:
        """Return the utterance that will be played last."""
        return next(reversed(self._utterances), None)
