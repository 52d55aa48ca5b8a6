"""Requests for a language model, with what most tests do not care about filled in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from cordboard.call.actions import ActionPlan
from cordboard.call.commands import Message
from cordboard.call.expectation import ANYTHING
from cordboard.call.plan import LanguageModelPlan
from cordboard.ports import ReplyRequest

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def reply_request(
    *messages: Message,
    actions: tuple[ActionPlan, ...] = (),
    prompt: str = "You sell tea.",
    model: str = "",
    settings: Mapping[str, object] | None = None,
) -> ReplyRequest:
    """Return a request whose conversation is ``messages``, by default one question."""
    return ReplyRequest(
        call_id="c1",
        reply_id="r1",
        plan=LanguageModelPlan(model=model, settings=settings or {}),
        prompt=prompt,
        language="en",
        actions=actions,
        messages=messages or (Message("caller", "What do you sell?"),),
        expectation=ANYTHING,
        now=NOW,
    )
