"""A reply begun before the caller's turn is over, of which nobody hears until it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from cordboard.call.commands import Message
from cordboard.call.events import (
    ReplyActionAsked,
    ReplyClauseReady,
    ReplyExpected,
    ReplyFailed,
    ReplyFinished,
)
from cordboard.call.expectation import Expectation

ReplyEvent = ReplyClauseReady | ReplyActionAsked | ReplyExpected | ReplyFinished | ReplyFailed

TRIES_MAX = 3
"""How often in one turn: a caller who stops again and again is not answered each time."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a reply is an answer to. Only a reply to exactly this may be used."""

    messages: tuple[Message, ...]
    expectation: Expectation


@dataclass(slots=True)
class _Begun:
    reply_id: str
    question: Question
    events: list[ReplyEvent] = field(default_factory=list)


class Ahead:
    """Holds back everything of a reply that was begun early: its words and its actions.

    The reply becomes an ordinary one when the turn ends with the very question that it answers;
    otherwise it is dropped as if it had never been.
    """

    def __init__(self) -> None:
        self._begun: _Begun | None = None
        self._confirmed: list[ReplyEvent] = []
        self._tries = 0

    @property
    def may_begin(self) -> bool:
        """Whether another reply may be begun in this turn."""
        return self._tries < TRIES_MAX

    def answers(self, question: Question) -> bool:
        """Tell whether a reply to exactly this is under way."""
        return self._begun is not None and self._begun.question == question

    def begin(self, reply_id: str, question: Question) -> None:
        """Hold back the events of this reply from now on."""
        self._tries += 1
        self._begun = _Begun(reply_id, question)

    def take(self, event: ReplyEvent) -> bool:
        """Keep an event that nobody may learn of yet; False for one of another reply."""
        begun = self._begun
        if begun is None or begun.reply_id != event.reply_id:
            return False
        begun.events.append(event)
        return True

    def confirm(self, question: Question) -> str | None:
        """The turn is over with this question: return the reply that answers it, if there is one
        and it has not failed. What was held back comes with ``release``.
        """
        self._tries = 0
        begun = self._begun
        if begun is None or begun.question != question:
            return None
        if any(isinstance(event, ReplyFailed) for event in begun.events):
            return None
        self._begun = None
        self._confirmed = begun.events
        return begun.reply_id

    def drop(self) -> str | None:
        """Forget the reply; return its id if there was one."""
        begun, self._begun = self._begun, None
        return None if begun is None else begun.reply_id

    def release(self) -> list[ReplyEvent]:
        """Return what a confirmed reply has brought so far, once, in order."""
        confirmed, self._confirmed = self._confirmed, []
        return confirmed
