"""A user's app from a seed, behind the port: quick, slow, silent, wrong, failing, gone and back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cordboard.call.events import AppAnswered, AppBack, AppFailed, AppGone, AppLost, Event
from cordboard.call.flow.plan import FlowPlan
from cordboard.ports import AppLine, NewCall
from tests.simulation.flow_answers import FlowAnswers
from tests.simulation.vendors import Faults

FAILURES = ("timeout", "refused", "broken")
AWAY_S = 30.0


@dataclass(frozen=True, slots=True)
class Told:
    """An event as the app got it."""

    event_id: str
    kind: str
    content: Mapping[str, object]
    answerable: bool


class SeededApps:
    """``ports.FlowApps`` with one app; ``line`` is there once a call has been offered."""

    def __init__(self, plan: FlowPlan, faults: Faults, answers: FlowAnswers) -> None:
        self.line: SeededWebhook | SeededSocket | None = None
        self._plan = plan
        self._faults = faults
        self._answers = answers

    def open(self, call: NewCall, post: Callable[[Event], None]) -> AppLine:
        kind = SeededWebhook if self._plan.answers_each else SeededSocket
        self.line = kind(self._plan, self._faults, self._answers, post)
        return self.line


class SeededWebhook:
    """Answers each event by itself, or fails; from some time on perhaps always."""

    def __init__(
        self,
        plan: FlowPlan,
        faults: Faults,
        answers: FlowAnswers,
        post: Callable[[Event], None],
    ) -> None:
        self.told: list[Told] = []
        self._plan = plan
        self._faults = faults
        self._answers = answers
        self._post = post
        self._left = int(faults.draw.uniform(1, 12)) if faults.strike() else None

    def tell(
        self, event_id: str, kind: str, content: Mapping[str, object], *, answerable: bool
    ) -> None:
        self.told.append(Told(event_id, kind, content, answerable))
        if not answerable:
            return
        if self._left is not None:
            self._left -= 1
        after_s, event = self._outcome(event_id, kind)
        if event is not None:
            asyncio.get_running_loop().call_later(after_s, self._post, event)

    def close(self) -> None:
        """What is under way still comes, as it does from a network."""

    def _outcome(self, event_id: str, kind: str) -> tuple[float, Event | None]:
        faults, draw = self._faults, self._faults.draw
        within_s = self._plan.answer_within_ms / 1_000
        if self._left is not None and self._left < 0:
            return draw.uniform(0, 0.3), AppFailed(event_id, "refused")
        if faults.strike():
            way = faults.one_of(5)
            if way == 0:
                return within_s, AppFailed(event_id, "timeout")
            if way == 1:
                return draw.uniform(0, 1), AppFailed(event_id, FAILURES[faults.one_of(3)])
            if way == 2:
                return draw.uniform(0, 1), AppAnswered(event_id)
            if way == 3 and faults.one_of(4) == 0:
                return 0, None
            actions = self._answers.to(kind)
            return draw.uniform(1, within_s), AppAnswered(event_id, actions, not actions)
        actions = self._answers.to(kind)
        return draw.uniform(0, 0.4), AppAnswered(event_id, actions, nothing_to_do=not actions)


class SeededSocket:
    """Acts when it likes; its connection breaks, and comes back or does not."""

    def __init__(
        self,
        plan: FlowPlan,
        faults: Faults,
        answers: FlowAnswers,
        post: Callable[[Event], None],
    ) -> None:
        self.told: list[Told] = []
        self._faults = faults
        self._answers = answers
        self._post = post
        self._away = False
        self._kept: list[str] = []
        self._closed = False
        # Some act as soon as they are connected, while the phone still rings.
        if faults.draw.uniform(0, 1) < 0.1:
            self._later(0, self._push)
        else:
            self._push_later()
        if faults.strike():
            self._later(faults.draw.uniform(0, 30), self._lose)

    def tell(
        self, event_id: str, kind: str, content: Mapping[str, object], *, answerable: bool
    ) -> None:
        self.told.append(Told(event_id, kind, content, answerable))
        if self._away:
            self._kept.append(kind)
        elif not self._closed:
            self._answer(kind)

    def close(self) -> None:
        """Nothing of its own accord any more; what is under way still comes."""
        self._closed = True

    def _later(self, after_s: float, work: Callable[..., None], *given: object) -> None:
        asyncio.get_running_loop().call_later(after_s, work, *given)

    def _answer(self, kind: str) -> None:
        faults, draw = self._faults, self._faults.draw
        struck = faults.strike()
        if struck and faults.one_of(2):
            return
        actions = self._answers.to(kind)
        if actions or draw.uniform(0, 1) < 0.1:
            self._later(draw.uniform(1, 12) if struck else draw.uniform(0, 0.4), self._act, actions)

    def _act(self, actions: tuple[object, ...]) -> None:
        if not self._away:
            self._post(AppAnswered(None, actions))  # type: ignore[arg-type]

    def _push_later(self) -> None:
        self._later(self._faults.draw.uniform(2, 20), self._push)

    def _push(self) -> None:
        if not self._closed:
            self._act(self._answers.unasked())
            self._push_later()

    def _lose(self) -> None:
        if self._closed:
            return
        draw = self._faults.draw
        self._away = True
        self._post(AppLost())
        if draw.uniform(0, 1) < 0.7:
            self._later(draw.uniform(0, AWAY_S), self._return)
        else:
            self._later(AWAY_S, self._post, AppGone("unreachable"))

    def _return(self) -> None:
        self._away = False
        self._post(AppBack())
        kept, self._kept = self._kept, []
        for kind in kept:
            self._answer(kind)
        if self._faults.strike():
            self._later(self._faults.draw.uniform(0, 10), self._lose)
