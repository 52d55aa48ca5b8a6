"""Asking an agent's context endpoint who it is that calls, while the telephone rings."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol
from urllib.parse import urlencode, urlsplit, urlunsplit

from cordboard.call.context_answer import BadContext, ContextAnswer, parse_context
from cordboard.egress import EgressAnswer, EgressError
from cordboard.storage.inbound_plans import ContextQuestion

BODY_BYTES_MAX: Final = 64 * 1024
AT_ONCE_MAX: Final = 50
"""Questions of one organisation that may be open: who hangs keeps no other's calls ringing."""


class Getter(Protocol):
    """What is needed of the egress gate."""

    async def get_json(self, url: str, total_ms: int, max_bytes: int = ...) -> EgressAnswer:
        """GET a document; raises ``EgressError``."""
        ...


class ContextEndpoints:
    """Asks; whatever comes of it, the call goes on."""

    def __init__(self, gate: Getter, now_ms: Callable[[], int], wait_ms: int) -> None:
        self._gate = gate
        self._now_ms = now_ms
        self._wait_ms = wait_ms
        self._open: Counter[str] = Counter()

    async def ask(self, question: ContextQuestion) -> ContextAnswer:
        """Return what the endpoint says, or the failure, within the deadline."""
        organisation_id = question.organisation_id
        if self._open[organisation_id] >= AT_ONCE_MAX:
            return ContextAnswer(failure=f"{AT_ONCE_MAX} questions were open already")
        begun_ms = self._now_ms()
        self._open[organisation_id] += 1
        try:
            values, left_out, failure = await self._answer(question)
        finally:
            self._open[organisation_id] -= 1
            if not self._open[organisation_id]:
                del self._open[organisation_id]
        return ContextAnswer(
            values=values,
            left_out=left_out,
            failure=failure,
            duration_ms=self._now_ms() - begun_ms,
        )

    async def _answer(
        self, question: ContextQuestion
    ) -> tuple[dict[str, str], tuple[str, ...], str]:
        """Return values, names left out, and the failure."""
        try:
            async with asyncio.timeout(self._wait_ms / 1_000):
                answer = await self._gate.get_json(
                    with_number(question.url, question.caller), self._wait_ms, BODY_BYTES_MAX
                )
        except TimeoutError:
            return {}, (), "timed_out"
        except EgressError as problem:
            return {}, (), problem.code
        if not 200 <= answer.status <= 299:
            return {}, (), f"status {answer.status}"
        try:
            return *parse_context(answer.body), ""
        except BadContext as problem:
            return {}, (), str(problem)


def with_number(url: str, caller: str) -> str:
    """Return an endpoint's URL with the caller's number, its own query kept."""
    parts = urlsplit(url)
    asked = urlencode({"phone_number": caller})
    query = f"{parts.query}&{asked}" if parts.query else asked
    return urlunsplit(parts._replace(query=query, fragment=""))
