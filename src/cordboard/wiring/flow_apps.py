"""Ways to flows' apps, with what this process has: the gate, stored tokens, voices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, Protocol

from sqlalchemy.exc import SQLAlchemyError

from cordboard.call.events import AppGone, Event
from cordboard.call.plan import VoicePlan
from cordboard.egress import Egress
from cordboard.engine.guard import Guard, Report
from cordboard.flow_apps.actions import VoiceChoice
from cordboard.flow_apps.address import AppAddress, NoToken
from cordboard.flow_apps.answers import AnswerReader
from cordboard.flow_apps.events import EventWriter
from cordboard.flow_apps.web_socket import SocketLine
from cordboard.flow_apps.webhook import WebhookLine
from cordboard.ports import AppLine, Clock, NewCall
from cordboard.storage.database import Database, DatabaseAway
from cordboard.storage.flow_rows import flow_token
from cordboard.storage.vault import SecretUnreadable, Vault

GOODBYE_S: Final = 5.0
"""So long the last events may take when the server ends."""

Post = Callable[[Event], None]
TokenOf = Callable[[NewCall], Awaitable[str | None]]
"""What a call's app is shown, or None; raises ``NoToken``."""


class OwnVoice:
    """The flow's own voice speaks, whatever the app names."""

    def choose(
        self, provider: str | None, voice: str | None, language: str | None
    ) -> tuple[VoicePlan | None, str]:
        """Return the flow's own voice, with a warning where another was named."""
        return None, "no such voice is configured; the flow's own speaks" if voice else ""


class _Line(AppLine, Protocol):
    async def run(self) -> None: ...


class StoredTokens:
    """Flows' tokens, as they are stored now."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def __call__(self, call: NewCall) -> str | None:
        """Return what a call's app is shown. Raises ``NoToken``."""
        assert call.plan.flow is not None
        try:
            async with self._database.read() as session:
                return await flow_token(
                    session, self._vault, call.organisation_id, call.plan.flow.flow_id
                )
        except (SecretUnreadable, SQLAlchemyError, DatabaseAway, OSError) as problem:
            raise NoToken(str(problem)) from None


class _KeptToken:
    """A call's token, fetched once: a call goes on with what it began with, and without a database
    that is away.
    """

    def __init__(self, fetch: Callable[[], Awaitable[str | None]]) -> None:
        self._fetch = fetch
        self._kept: tuple[str | None] | None = None

    async def __call__(self) -> str | None:
        """Return the token, or None where there is none. Raises ``NoToken``."""
        if self._kept is None:
            self._kept = (await self._fetch(),)
        return self._kept[0]


class FlowAppLines:
    """``ports.FlowApps``: each call's line in a task of its own, beside the call's."""

    def __init__(
        self,
        gate: Egress,
        token: TokenOf,
        clock: Clock,
        report: Report,
        voices: VoiceChoice | None = None,
    ) -> None:
        self._gate = gate
        self._token = token
        self._clock = clock
        self._report = report
        self._voices = voices or OwnVoice()
        self._live: set[str] = set()
        self._lines: set[asyncio.Task[None]] = set()
        self._group: asyncio.TaskGroup | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FlowAppLines]:
        """Take calls within the block; at its end the last events have a moment to leave."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                yield self
            finally:
                self._group = None
                if self._lines:
                    await asyncio.wait(self._lines, timeout=GOODBYE_S)
                for line in self._lines:
                    line.cancel()

    def open(self, call: NewCall, post: Post) -> AppLine:
        """Begin with a call, while it rings."""
        plan = call.plan.flow
        assert plan is not None
        assert self._group is not None
        address = AppAddress(
            plan=plan,
            gate=self._gate,
            token=_KeptToken(partial(self._token, call)),
            writer=EventWriter(call, plan),
            reader=AnswerReader(call.call_id, self._live.__contains__, self._voices),
            post=post,
        )
        line = WebhookLine(address) if plan.answers_each else SocketLine(address, self._clock)
        self._live.add(call.call_id)
        task = self._group.create_task(self._run(call.call_id, line, post), name="flow app")
        self._lines.add(task)
        task.add_done_callback(self._lines.discard)
        return line

    async def _run(self, call_id: str, line: _Line, post: Post) -> None:
        try:
            with (guard := Guard("the way to a flow's app", self._report)):
                await line.run()
            if guard.broken:
                post(AppGone("broke"))
        finally:
            self._live.discard(call_id)
