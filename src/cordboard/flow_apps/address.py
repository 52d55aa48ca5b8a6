"""What every way to an app is made from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from cordboard.call.events import AppAnswered, AppWarned, Event
from cordboard.call.flow.plan import FlowPlan
from cordboard.egress import Egress
from cordboard.flow_apps.answers import INLINE_BYTES_MAX, AnswerReader
from cordboard.flow_apps.events import EventWriter
from cordboard.flow_apps.problems import Problem, shown

TOKEN_HEADER: Final = "X-API-TOKEN"  # noqa: S105  (its name, not its value)
PROBLEMS_SHOWN_MAX: Final = 20

EVENTS_MAX: Final = 100
"""So many events may wait for their turn; another one is not sent."""


class NoToken(Exception):
    """The flow's token cannot be had now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppAddress:
    """How one call reaches its app, and where it tells what came of it.

    ``token`` returns the secret the app is shown, or None; it raises ``NoToken``.
    """

    plan: FlowPlan
    gate: Egress
    token: Callable[[], Awaitable[str | None]]
    writer: EventWriter
    reader: AnswerReader
    post: Callable[[Event], None]

    async def headers(self) -> dict[str, str]:
        """Return what every request carries. Raises ``NoToken``."""
        token = await self.token()
        return {} if token is None else {TOKEN_HEADER: token}

    async def take(self, event_id: str | None, document: bytes | str) -> None:
        """Hand on what the app wants done, and what was wrong with it."""
        if len(document) > INLINE_BYTES_MAX:
            answer = await asyncio.to_thread(self.reader.read, document)
        else:
            answer = self.reader.read(document)
        self.warn(event_id, *answer.problems)
        if answer.actions or event_id is not None:
            self.post(AppAnswered(event_id, answer.actions))

    def warn(self, event_id: str | None, *problems: Problem) -> None:
        """Tell what was wrong, if anything was."""
        if problems:
            self.post(AppWarned(event_id, tuple(shown(problems, PROBLEMS_SHOWN_MAX))))
