"""What comes from a user's app, and of the way to it."""

from __future__ import annotations

from dataclasses import dataclass

from cordboard.call.flow.actions import FlowAction


@dataclass(frozen=True, slots=True)
class AppAnswered:
    """The user's app wants this done, in this order: an answer to an event, or of its own accord
    (``event_id`` None).

    ``nothing_to_do`` tells that the app said so (HTTP 204), and is not merely silent.
    """

    event_id: str | None
    actions: tuple[FlowAction, ...] = ()
    nothing_to_do: bool = False


@dataclass(frozen=True, slots=True)
class AppFailed:
    """No answer to an event can be had: a timeout, a connection refused or broken."""

    event_id: str
    failure: str


@dataclass(frozen=True, slots=True)
class AppWarned:
    """The user's app, or the way to it, did something that was put right or left out.

    ``event_id`` is the event that it answered, None where it acted of its own accord. Each problem
    is a line that names the field.
    """

    event_id: str | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AppLost:
    """The connection to the app is gone and is being made again."""


@dataclass(frozen=True, slots=True)
class AppBack:
    """The connection to the app works again."""


@dataclass(frozen=True, slots=True)
class AppGone:
    """The app cannot be reached any more; ``failure`` is a class of failure."""

    failure: str
