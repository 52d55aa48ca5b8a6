"""An app that takes events by HTTP: one POST for each, the answer in the response (section 5.1)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cordboard.call.events import AppAnswered, AppFailed
from cordboard.egress import EgressAnswer, EgressError, TooLarge, Unreachable
from cordboard.flow_apps.address import EVENTS_MAX, AppAddress, NoToken
from cordboard.flow_apps.answers import BODY_BYTES_MAX
from cordboard.flow_apps.events import SOCKET_ONLY
from cordboard.flow_apps.problems import Problem

RETRY_AFTER_S: Final = 0.25
"""How soon the first event is tried again where nobody could be reached."""

# They wait for no answer to an event before them; of the others one at a time is sent.
_URGENT: Final = frozenset({"session_start", "user_barge_in", "user_speak", "session_end"})
_LAST: Final = "session_end"
_NO_CONTENT: Final = 204


@dataclass(frozen=True, slots=True)
class _Told:
    event_id: str
    kind: str
    body: bytes
    answerable: bool


class WebhookLine:
    """``ports.AppLine`` over HTTP. ``run`` does the work and ends when the call has been told to
    its end.
    """

    def __init__(self, address: AppAddress) -> None:
        self._address = address
        self._waiting: deque[_Told] = deque()
        self._changed = asyncio.Event()
        self._lesser_open_count = 0
        self._closed = False

    def tell(
        self, event_id: str, kind: str, content: Mapping[str, object], *, answerable: bool
    ) -> None:
        """Send an event after those before it."""
        if kind in SOCKET_ONLY:
            return
        if len(self._waiting) >= EVENTS_MAX and kind != _LAST:
            self._address.post(AppFailed(event_id, "too_many_events"))
            return
        body = self._address.writer.write(kind, content)
        self._waiting.append(_Told(event_id, kind, body, answerable))
        self._changed.set()

    def close(self) -> None:
        """Nothing more will be told."""
        self._closed = True
        self._changed.set()

    async def run(self) -> None:
        """Send what is told, until the line is closed and all is answered or overdue."""
        async with asyncio.TaskGroup() as group:
            while self._waiting or not self._closed:
                if self._may_send():
                    told = self._waiting.popleft()
                    self._lesser_open_count += told.kind not in _URGENT
                    on_its_way = asyncio.Event()
                    group.create_task(self._send(told, on_its_way))
                    # The next one is sent after it, whichever connection is quicker.
                    await on_its_way.wait()
                else:
                    self._changed.clear()
                    await self._changed.wait()

    def _may_send(self) -> bool:
        """An urgent event takes those before it along, so that their order stays."""
        if not self._waiting:
            return False
        return not self._lesser_open_count or any(told.kind in _URGENT for told in self._waiting)

    async def _send(self, told: _Told, on_its_way: asyncio.Event) -> None:
        try:
            answer = await self._post(told, on_its_way)
        except TooLarge as problem:
            self._address.warn(told.event_id, Problem("", str(problem)))
            self._nothing(told)
        except (EgressError, NoToken) as problem:
            failure = problem.code if isinstance(problem, EgressError) else "no_token"
            if told.answerable:
                self._address.post(AppFailed(told.event_id, failure))
        else:
            if told.answerable:
                await self._take(told, answer)
        finally:
            on_its_way.set()
            self._lesser_open_count -= told.kind not in _URGENT
            self._changed.set()

    async def _post(self, told: _Told, on_its_way: asyncio.Event) -> EgressAnswer:
        address = self._address
        headers = await address.headers()
        within_ms = address.plan.answer_within_ms
        for retries in (1 if told.kind == "session_start" else 0, 0):
            try:
                return await address.gate.post_json(
                    address.plan.url, told.body, headers, within_ms, BODY_BYTES_MAX, on_its_way.set
                )
            except Unreachable:
                if not retries:
                    raise
            await asyncio.sleep(RETRY_AFTER_S)
        raise Unreachable("the app could not be reached")

    async def _take(self, told: _Told, answer: EgressAnswer) -> None:
        if answer.status == _NO_CONTENT:
            self._address.post(AppAnswered(told.event_id, nothing_to_do=True))
        elif 200 <= answer.status <= 299:
            await self._address.take(told.event_id, answer.body)
        else:
            self._address.warn(told.event_id, Problem("", f"status {answer.status}; no action"))
            self._nothing(told)

    def _nothing(self, told: _Told) -> None:
        if told.answerable:
            self._address.post(AppAnswered(told.event_id))
