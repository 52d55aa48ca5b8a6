"""What the agent has been asked to say and how far each utterance has come."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cordboard.call.barge_in import BargeInRule, BargeInStrategy


class UtteranceState(StrEnum):
    """How far an utterance has come."""

    QUEUED = "queued"
    PLAYING = "playing"


class Pause(StrEnum):
    """Why the sound is held."""

    OVERLAP = "overlap"
    HOLD = "hold"


@dataclass(slots=True)
class Utterance:
    """One thing the agent says. ``text`` is empty for a stored phrase, whose words are not the
    agent's.
    """

    utterance_id: str
    text: str
    interruptible: bool
    kind: str
    """One of ``initial_message``, ``reply``, ``before_action``, ``agent_message``, ``stored``."""
    state: UtteranceState = UtteranceState.QUEUED
    rule: BargeInRule | None = None
    shielded: bool = False
    """Whether its rule does not let the caller interrupt yet."""

    def __post_init__(self) -> None:
        if self.rule is not None:
            self.interruptible = self.rule.yields
            self.shielded = self.rule.allow_after_ms > 0

    @property
    def yields(self) -> bool:
        """Whether the caller may cut it off now."""
        return self.interruptible and not self.shielded

    @property
    def yields_at_once(self) -> bool:
        """Whether any voice of the caller takes the floor, before there are words for it."""
        return self.rule is not None and self.rule.strategy is BargeInStrategy.IMMEDIATE


class Playback:
    """The utterances that are not over yet, in order, and why they are held, if they are."""

    def __init__(self) -> None:
        self._utterances: dict[str, Utterance] = {}
        self._dropped: set[str] = set()
        self._pauses: set[Pause] = set()

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
        self._dropped.discard(utterance_id)
        return self._utterances.pop(utterance_id, None)

    def get(self, utterance_id: str) -> Utterance | None:
        """Return an utterance that is not over yet."""
        return self._utterances.get(utterance_id)

    def pause(self, why: Pause) -> bool:
        """Hold the sound; True if it was not held before."""
        first = not self._pauses
        self._pauses.add(why)
        return first

    def resume(self, why: Pause) -> bool:
        """Take back one reason for holding the sound; True if none is left and one was there."""
        was_paused = self.paused
        self._pauses.discard(why)
        return was_paused and not self.paused

    def drop(self) -> bool:
        """Note that all sound is being dropped; False if there was nothing to drop or to end."""
        dropped = set(self._utterances)
        if dropped <= self._dropped and Pause.OVERLAP not in self._pauses:
            return False
        self._dropped = dropped
        self._pauses.discard(Pause.OVERLAP)
        return True

    @property
    def paused(self) -> bool:
        """Whether the sound is held, for whatever reason."""
        return bool(self._pauses)

    @property
    def is_dropping(self) -> bool:
        """Whether it is not known yet how much was heard of what has been dropped."""
        return bool(self._dropped)

    @property
    def has_begun(self) -> bool:
        """Whether the first sound of something that is not over yet has left, held or not."""
        return any(
            utterance.state is UtteranceState.PLAYING for utterance in self._utterances.values()
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to be played."""
        return not self._utterances

    @property
    def first(self) -> Utterance | None:
        """What is played now, or is about to be."""
        return next(iter(self._utterances.values()), None)

    @property
    def is_interruptible(self) -> bool:
        """Whether the caller may cut off what is played now, or is about to be.

        An action's message may be cut off until its first sound, because only then does the
        action leave.
        """
        first = self.first
        if first is None:
            return True
        return first.yields or (
            first.state is UtteranceState.QUEUED and first.kind == "before_action"
        )

    @property
    def is_sounding(self) -> bool:
        """Whether an utterance has begun and is not held."""
        return not self.paused and self.has_begun

    def last_id(self) -> str | None:
        """Return the utterance that will be played last."""
        return next(reversed(self._utterances), None)
