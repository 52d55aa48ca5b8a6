"""Replies: a language model's stream to clauses, actions and expectations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cordboard.call.commands import StartReply
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
from cordboard.call.plan import CallPlan
from cordboard.engine.breaker import Breaker
from cordboard.engine.clauses import ClauseSplitter
from cordboard.engine.facts import FactLog
from cordboard.engine.guard import ProviderGuard, Report
from cordboard.engine.stream import Stream
from cordboard.engine.work import Job, Work
from cordboard.ports import (
    Clock,
    LanguageModel,
    ModelAction,
    ModelExpects,
    ModelText,
    ProviderError,
    ReplyRequest,
)

FIRST_TEXT_S = 4.0
STALL_S = 2.0
MOST_REPLIES = 4
LONGEST_REPLY_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyingParts:
    """What replying needs of its call; ``models`` are in the order of fallback."""

    call_id: str
    plan: CallPlan
    models: Sequence[LanguageModel]
    clock: Clock
    facts: FactLog
    work: Work
    report: Report
    breaker: Breaker
    post: Callable[[Event], None]


class Replying:
    """Makes replies, at most four at a time. A reply that has said nothing is tried again, then
    elsewhere.
    """

    def __init__(self, parts: ReplyingParts) -> None:
        self._parts = parts
        self._jobs: dict[str, Job] = {}
        self._down = False
        self._guard = ProviderGuard("language model", parts.report)

    def start(self, command: StartReply) -> None:
        """Begin a reply."""
        if len(self._jobs) >= MOST_REPLIES:
            self._parts.post(ReplyFailed(command.reply_id, "too_many"))
            return
        job = self._parts.work.start("replying", self._reply(command))
        self._jobs[command.reply_id] = job

    def cancel(self, reply_id: str) -> None:
        """Stop a reply at once; nothing of it is posted any more."""
        job = self._jobs.pop(reply_id, None)
        if job is not None:
            job.cancel()

    async def _reply(self, command: StartReply) -> None:
        failure = await self._try_all(command)
        self._jobs.pop(command.reply_id, None)
        if failure is None:
            if self._down:
                self._down = False
                self._parts.post(ProviderRecovered(ProviderKind.LANGUAGE_MODEL))
            self._parts.post(ReplyFinished(command.reply_id))
            return
        self._down = True
        self._parts.post(ProviderFailed(ProviderKind.LANGUAGE_MODEL, failure))
        self._parts.post(ReplyFailed(command.reply_id, failure))

    async def _try_all(self, command: StartReply) -> str | None:
        """Return None when the reply is complete, else a class of failure."""
        failure = "unavailable"
        models, breaker = self._parts.models, self._parts.breaker
        rejected: LanguageModel | None = None
        for model in [*models[:1], *models]:
            if model is rejected or not breaker.allows(model):
                continue
            attempt = _Attempt(command.reply_id, self._parts)
            try:
                with self._guard:
                    await attempt.run(model, self._request(command))
            except ProviderError as error:
                failure = error.failure
                breaker.failed(model, error)
                rejected = None if error.retryable else model
                if attempt.said_something:
                    return failure
            else:
                breaker.worked(model)
                return None
        return failure

    def _request(self, command: StartReply) -> ReplyRequest:
        plan = self._parts.plan
        return ReplyRequest(
            call_id=self._parts.call_id,
            reply_id=command.reply_id,
            plan=plan.language_model,
            prompt=plan.prompt,
            language=plan.language,
            actions=plan.actions,
            messages=command.messages,
            expectation=command.expectation,
            now=self._parts.clock.wall(),
        )


class _Attempt:
    """One run of one model for one reply."""

    __slots__ = ("_parts", "_reply_id", "_size", "_splitter", "_started_ms", "said_something")

    def __init__(self, reply_id: str, parts: ReplyingParts) -> None:
        self._reply_id = reply_id
        self._parts = parts
        self._splitter = ClauseSplitter()
        self._size = 0
        self._started_ms = parts.clock.now_ms()
        self.said_something = False

    async def run(self, model: LanguageModel, request: ReplyRequest) -> None:
        """Post what the model says as it comes. Raises ``ProviderError``."""
        async with Stream(model.reply(request)) as stream:
            piece = await stream.next(FIRST_TEXT_S)
            first_ms = self._parts.clock.now_ms() - self._started_ms
            self._parts.facts.keep("first_text", {"reply_id": self._reply_id, "after_ms": first_ms})
            while piece is not None:
                self._take(piece)
                piece = await stream.next(STALL_S)
        self._post_clauses(self._splitter.finish())

    def _take(self, piece: ModelText | ModelAction | ModelExpects) -> None:
        if isinstance(piece, ModelText):
            self._size += len(piece.text)
            if self._size > LONGEST_REPLY_CHARACTERS:
                raise ProviderError("bad_answer")
            self._post_clauses(self._splitter.push(piece.text))
        elif isinstance(piece, ModelAction):
            # What was said before the action belongs before it.
            self._post_clauses(self._splitter.finish())
            self.said_something = True
            self._parts.post(
                ReplyActionAsked(self._reply_id, piece.function_name, piece.arguments_json)
            )
        else:
            self._parts.post(ReplyExpected(self._reply_id, piece.expectation))

    def _post_clauses(self, clauses: Sequence[str]) -> None:
        for clause in clauses:
            self.said_something = True
            self._parts.post(ReplyClauseReady(self._reply_id, clause))
