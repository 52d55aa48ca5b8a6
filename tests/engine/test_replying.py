"""Replies: clauses early, retries without repeating, cancelled at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from cordboard.call.actions import ActionPlan
from cordboard.call.commands import Message, StartReply
from cordboard.call.events import (
    Event,
    ProviderFailed,
    ProviderKind,
    ProviderRecovered,
    ReplyActionAsked,
    ReplyClauseReady,
    ReplyExpected,
    ReplyFailed,
    ReplyFinished,
)
from cordboard.call.expectation import ANYTHING, Expectation, ExpectationKind
from cordboard.clock import VirtualClock, run_virtual
from cordboard.engine.breaker import Breakers
from cordboard.engine.facts import FactLog
from cordboard.engine.replying import MOST_REPLIES, Replying, ReplyingParts
from cordboard.engine.timeline import Timeline
from cordboard.engine.work import Work
from cordboard.ports import (
    LanguageModel,
    ModelAction,
    ModelExpects,
    ModelText,
    ProviderError,
    ReplyRequest,
)
from tests.engine.rig import PLAN, MemoryStore, Rig

Piece = ModelText | ModelAction | ModelExpects | float | ProviderError
START = StartReply("r1", (Message("caller", "hello"),), ANYTHING)


class Scripted:
    """A model that plays scripts: pieces to yield, seconds to wait, errors to raise."""

    def __init__(self, *scripts: Sequence[Piece]) -> None:
        self._scripts = list(scripts)
        self.requests: list[ReplyRequest] = []
        self.open_count = 0

    async def reply(
        self, request: ReplyRequest
    ) -> AsyncIterator[ModelText | ModelAction | ModelExpects]:
        self.requests.append(request)
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        self.open_count += 1
        try:
            for piece in script:
                if isinstance(piece, float):
                    await asyncio.sleep(piece)
                elif isinstance(piece, ProviderError):
                    raise piece
                else:
                    yield piece
        finally:
            self.open_count -= 1

    def expectation(self, actions: Sequence[ActionPlan]) -> Expectation | None:
        return None


Script = Callable[[Replying, list[tuple[int, Event]]], None]


def events_of(
    *models: LanguageModel, act: Script | None = None, seconds: float = 30
) -> list[tuple[int, Event]]:
    """Run one reply (or ``act``) and return all events with their times in ms."""
    events: list[tuple[int, Event]] = []

    async def main() -> None:
        clock = VirtualClock()
        begun_ms = clock.now_ms()
        store = MemoryStore()

        def fail(where: str, error: BaseException) -> None:
            raise AssertionError(where) from error

        async with asyncio.TaskGroup() as group:
            work = Work(group, fail, lambda where: None)
            parts = ReplyingParts(
                call_id="c1",
                plan=PLAN,
                models=models,
                clock=clock,
                facts=FactLog(Rig().new_call(), store, clock, Timeline(clock)),
                work=work,
                report=fail,
                breaker=Breakers().of("org", clock.now_ms),
                post=lambda event: events.append((clock.now_ms() - begun_ms, event)),
            )
            replying = Replying(parts)
            if act is None:
                replying.start(START)
            else:
                act(replying, events)
            await asyncio.sleep(seconds)
            work.cancel_all()

    run_virtual(main())
    return events


def test_clauses_leave_with_their_punctuation() -> None:
    """The first clause is asked for at its comma, the last at the end of the stream."""
    pieces: list[Piece] = [
        ModelText("Of course,"),
        1.0,
        ModelText(" I can"),
        ModelText(" help you"),
        1.0,
    ]
    assert events_of(Scripted(pieces)) == [
        (0, ReplyClauseReady("r1", "Of course,")),
        (2000, ReplyClauseReady("r1", "I can help you")),
        (2000, ReplyFinished("r1")),
    ]


def test_action_comes_behind_its_words() -> None:
    """Text before an action is flushed before it; expectations pass through."""
    expectation = Expectation(ExpectationKind.YES_NO)
    pieces: list[Piece] = [
        ModelText("I will book"),
        ModelAction("book", "{}"),
        ModelExpects(expectation),
    ]
    assert [event for _, event in events_of(Scripted(pieces))] == [
        ReplyClauseReady("r1", "I will book"),
        ReplyActionAsked("r1", "book", "{}"),
        ReplyExpected("r1", expectation),
        ReplyFinished("r1"),
    ]


@pytest.mark.parametrize(
    ("first", "at_ms"),
    [
        ([ProviderError("unavailable", retryable=True)], 0),
        ([60.0, ModelText("late")], 4000),
        ([ModelText("Hm"), 60.0], 2000),
    ],
    ids=["error", "first text late", "stall before a clause"],
)
def test_retry_when_nothing_was_said(first: Sequence[Piece], at_ms: int) -> None:
    """An attempt that has said nothing is tried once more, within its deadline."""
    model = Scripted(first, [ModelText("Here I am.")])
    assert events_of(model) == [
        (at_ms, ReplyClauseReady("r1", "Here I am.")),
        (at_ms, ReplyFinished("r1")),
    ]
    assert model.open_count == 0


def test_no_retry_after_words() -> None:
    """A reply that breaks off after a clause fails: nothing is said twice."""
    model = Scripted([ModelText("First clause. And"), 60.0])
    assert events_of(model) == [
        (0, ReplyClauseReady("r1", "First clause.")),
        (2000, ProviderFailed(ProviderKind.LANGUAGE_MODEL, "timeout")),
        (2000, ReplyFailed("r1", "timeout")),
    ]
    assert len(model.requests) == 1


def test_fallback() -> None:
    """After the retry the next model is asked; one that rejects is not asked twice."""
    dead = Scripted([ProviderError("bad_credentials")])
    assert events_of(dead, Scripted([ModelText("Me!")]))[0] == (0, ReplyClauseReady("r1", "Me!"))
    assert len(dead.requests) == 1


def test_recovery_is_told() -> None:
    """The first reply that works after an outage says so."""
    model = Scripted(
        [ProviderError("unavailable", retryable=True)],
        [ProviderError("unavailable", retryable=True)],
        [ModelText("Back.")],
    )

    def act(replying: Replying, events: list[tuple[int, Event]]) -> None:
        replying.start(START)
        asyncio.get_running_loop().call_later(5, replying.start, START)

    kinds = [type(event) for _, event in events_of(model, act=act)]
    assert kinds == [
        *(ProviderFailed, ReplyFailed),
        *(ReplyClauseReady, ProviderRecovered, ReplyFinished),
    ]


def test_cancel_is_silent_and_at_once() -> None:
    """A cancelled reply posts nothing more and its stream is closed."""
    model = Scripted([ModelText("One. "), 1.5, ModelText("Two. ")])

    def act(replying: Replying, events: list[tuple[int, Event]]) -> None:
        replying.start(START)
        asyncio.get_running_loop().call_later(1, replying.cancel, "r1")

    assert events_of(model, act=act) == [(0, ReplyClauseReady("r1", "One."))]
    assert model.open_count == 0


def test_bounds() -> None:
    """One reply too many fails, and so does one without end."""
    model = Scripted([ModelText("x" * 21_000)])
    assert events_of(model)[-1][1] == ReplyFailed("r1", "bad_answer")

    def act(replying: Replying, events: list[tuple[int, Event]]) -> None:
        for number in range(MOST_REPLIES + 1):
            replying.start(StartReply(f"r{number}", (), ANYTHING))

    events = events_of(Scripted([ModelText("Yes.")]), act=act)
    assert (0, ReplyFailed(f"r{MOST_REPLIES}", "too_many")) in events
    assert len([event for _, event in events if isinstance(event, ReplyFinished)]) == MOST_REPLIES
