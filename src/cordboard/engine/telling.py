"""A call's way to its app, and what it asks for outside the call."""

from __future__ import annotations

from collections.abc import Callable

from cordboard.call.commands import SendText, TellApp
from cordboard.call.events import AppGone, Event, TextSent
from cordboard.engine.parts import CallParts
from cordboard.engine.timeline import Timeline
from cordboard.engine.work import Work
from cordboard.ports import AppLine

MOST_TEXTS = 8
"""So many text messages may be under way at a time; one more fails."""


class Telling:
    """Tells the app of a flow what happens; calls without a flow have nobody to tell."""

    def __init__(
        self, parts: CallParts, timeline: Timeline, work: Work, post: Callable[[Event], None]
    ) -> None:
        self._parts = parts
        self._timeline = timeline
        self._work = work
        self._post = post
        self._app: AppLine | None = None
        self._texts = 0

    def open(self) -> None:
        """Begin while the phone rings, so that the app is there when it is answered."""
        apps = self._parts.engine.apps
        if self._parts.call.plan.flow is None:
            return
        if apps is None:
            self._post(AppGone("not_configured"))
        else:
            self._app = apps.open(self._parts.call, self._post)

    def close(self) -> None:
        """The call is over; what has been told is still delivered."""
        if self._app is not None:
            self._app.close()

    def tell(self, command: TellApp) -> None:
        """Send an event; positions on the timeline become the time of day, in Unix milliseconds."""
        if self._app is None:
            return
        content = dict(command.content)
        at_ms = content.get("speech_started_at")
        if isinstance(at_ms, int):
            now = self._parts.engine.clock.wall().timestamp()
            ago_ms = self._timeline.position_ms - at_ms
            content["speech_started_at"] = round(now * 1_000) - max(0, ago_ms)
        self._app.tell(command.event_id, command.kind, content, answerable=command.answerable)

    def send_text(self, command: SendText) -> None:
        """Send a text message, where there is a way to."""
        texts = self._parts.engine.texts
        if texts is None:
            self._post(TextSent(command.request_id, "no_gateway"))
        elif self._texts >= MOST_TEXTS:
            self._post(TextSent(command.request_id, "too_many"))
        else:
            self._texts += 1
            self._work.start("sending a text", self._send(command))

    async def _send(self, command: SendText) -> None:
        texts = self._parts.engine.texts
        assert texts is not None
        try:
            failure = await texts.send(self._parts.call, command.number, command.text)
        finally:
            self._texts -= 1
        self._post(TextSent(command.request_id, failure))
