"""Plays a conversation with the form model as the call's machine would, in exact text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cordboard.call.actions import ActionKind, ActionPlan, SpeakBefore
from cordboard.call.commands import Message
from cordboard.call.expectation import ANYTHING, Expectation
from cordboard.call.plan import LanguageModelPlan
from cordboard.ports import ModelAction, ModelExpects, ModelText, ReplyRequest
from cordboard.providers.language_models.form.model import FormModel

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""A Friday."""

END = ActionPlan(
    action_id="end",
    kind=ActionKind.END_CONVERSATION,
    function_name="action_end_conversation",
    speak_before=SpeakBefore.SOMETIMES,
)


def external(
    name: str,
    description: str,
    schema: Mapping[str, object],
    speak_before: SpeakBefore = SpeakBefore.NEVER,
) -> ActionPlan:
    """Return an external action."""
    return ActionPlan(
        action_id=name,
        kind=ActionKind.EXTERNAL,
        function_name=name,
        description=description,
        parameters=schema,
        speak_before=speak_before,
    )


@dataclass(slots=True)
class Dialogue:
    """A conversation under way; ``agent_message`` is what the action's owner wants said."""

    actions: Sequence[ActionPlan]
    agent_message: str | None = "Thank you."
    success: bool = True
    messages: list[Message] = field(default_factory=list)
    sent: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    expected: Expectation = ANYTHING

    async def say(self, *lines: str) -> str:
        """Let the caller say these lines one after the other; return the last thing answered."""
        for line in lines:
            self.messages.append(Message("caller", line))
            await self._reply()
        return self.messages[-1].text

    async def _reply(self) -> None:
        request = ReplyRequest(
            call_id="call",
            reply_id="reply",
            plan=LanguageModelPlan(),
            prompt="",
            language="en",
            actions=tuple(self.actions),
            messages=tuple(self.messages),
            expectation=self.expected,
            now=NOW,
        )
        pieces = [piece async for piece in FormModel().reply(request)]
        for piece in pieces:
            if isinstance(piece, ModelText):
                self.messages.append(Message("agent", piece.text))
            elif isinstance(piece, ModelExpects):
                self.expected = piece.expectation
            else:
                await self._run(piece)

    async def _run(self, action: ModelAction) -> None:
        arguments = json.loads(action.arguments_json)
        self.sent.append((action.function_name, arguments))
        name = action.function_name
        self.messages.append(Message("action_call", "", "1", name, {"arguments": arguments}))
        outcome = {"success": self.success, "result": {"reference": "R7"}}
        if name == END.function_name:
            return
        self.messages.append(Message("action", "", "1", name, outcome))
        if self.success and self.agent_message:
            self.messages.append(Message("agent", self.agent_message))
        else:
            await self._reply()
