"""A call's timeline as it is written down."""

from __future__ import annotations

from collections.abc import Mapping

from cordboard.engine.timeline import Timeline
from cordboard.ports import CallStore, Clock, Fact, NewCall


class FactLog:
    """Numbers the facts of one call without holes and hands them to the store."""

    __slots__ = ("_call_id", "_clock", "_content_free", "_sequence", "_store", "_timeline")

    def __init__(self, call: NewCall, store: CallStore, clock: Clock, timeline: Timeline) -> None:
        self._call_id = call.call_id
        self._content_free = call.plan.content_free
        self._store = store
        self._clock = clock
        self._timeline = timeline
        self._sequence = 0

    def keep(self, kind: str, content: Mapping[str, object]) -> None:
        """Append one fact, dated now; of a content-free call only that it happened."""
        self._sequence += 1
        at_ms = self._timeline.at_ms()
        kept = {} if self._content_free else content
        fact = Fact(self._sequence, kind, self._clock.wall(), at_ms, kept)
        self._store.keep(self._call_id, fact)
