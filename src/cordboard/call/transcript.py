"""What was said and done, in order: of the agent's words only what was heard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cordboard.call.actions import ActionCall, ActionKind, ActionOutcome, ActionPlan
from cordboard.call.commands import Message


class EntryKind(StrEnum):
    """The kinds of line a transcript has."""

    CALLER = "caller"
    AGENT = "agent"
    ACTION_START = "action_start"
    ACTION_FINISH = "action_finish"


@dataclass(slots=True)
class Entry:
    """One line. An agent's entry is ``open`` while it is being played."""

    kind: EntryKind
    text: str
    key: str = ""
    open: bool = False
    cut: bool = False
    function_name: str | None = None
    content: Mapping[str, object] | None = None


class Transcript:
    """The conversation of one call."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def caller_said(self, text: str) -> None:
        """Add the caller's words."""
        self._entries.append(Entry(EntryKind.CALLER, text))

    def agent_began(self, utterance_id: str, text: str) -> None:
        """Add an utterance of the agent at the moment its first sound is played."""
        self._entries.append(Entry(EntryKind.AGENT, text, key=utterance_id, open=True))

    def agent_ended(self, utterance_id: str, heard_characters: int | None) -> str:
        """Close an utterance: all of it was heard (None), or so many characters. Returns what was
        heard.
        """
        for at in range(len(self._entries) - 1, -1, -1):
            entry = self._entries[at]
            if entry.kind is EntryKind.AGENT and entry.key == utterance_id:
                break
        else:
            return ""
        entry.open = False
        if heard_characters is None or heard_characters >= len(entry.text):
            return entry.text
        entry.text = entry.text[:heard_characters].rstrip()
        entry.cut = True
        if not entry.text:
            del self._entries[at]
        return entry.text

    def action_began(self, call: ActionCall, plan: ActionPlan) -> None:
        """Add the start of an action."""
        content = {"arguments": dict(call.arguments)}
        line = _start_line(call, plan)
        self._entries.append(
            Entry(
                EntryKind.ACTION_START,
                line,
                call.action_call_id,
                function_name=call.function_name,
                content=content,
            )
        )

    def action_ended(self, call: ActionCall, plan: ActionPlan, outcome: ActionOutcome) -> None:
        """Add the outcome of an action."""
        content = {"success": outcome.success, "result": dict(outcome.result)}
        if outcome.agent_message is not None:
            content["agent_message"] = outcome.agent_message
        line = _finish_line(call, plan, outcome)
        self._entries.append(
            Entry(
                EntryKind.ACTION_FINISH,
                line,
                call.action_call_id,
                function_name=call.function_name,
                content=content,
            )
        )

    def text(self) -> str:
        """Return the transcript as the public API has it: one line for each closed entry."""
        lines: list[str] = []
        for entry in self._entries:
            if entry.open:
                continue
            if entry.kind is EntryKind.CALLER:
                lines.append(f"HUMAN: {_one_line(entry.text)}")
            elif entry.kind is EntryKind.AGENT:
                lines.append(f"BOT: {_one_line(entry.text)}{'-' if entry.cut else ''}")
            elif entry.kind is EntryKind.ACTION_START:
                lines.append(f"BOT_ACTION_START: {_one_line(entry.text)}")
            else:
                lines.append(f"BOT_ACTION_FINISH: {_one_line(entry.text)}")
        return "\n".join(lines)

    def messages(self) -> tuple[Message, ...]:
        """Return the conversation as a language model reads it."""
        said: list[Message] = []
        for entry in self._entries:
            if entry.kind is EntryKind.CALLER:
                said.append(Message("caller", entry.text))
            elif entry.kind is EntryKind.AGENT:
                said.append(Message("agent", entry.text + ("-" if entry.cut else "")))
            else:
                role = "action" if entry.kind is EntryKind.ACTION_FINISH else "action_call"
                said.append(Message(role, "", entry.key, entry.function_name, entry.content))
        return tuple(said)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _start_line(call: ActionCall, plan: ActionPlan) -> str:
    if plan.kind is ActionKind.END_CONVERSATION:
        return "Attempting to end conversation"
    if plan.kind is ActionKind.DTMF:
        return f"Attempting to press numbers: {list(str(call.arguments.get('buttons', '')))}"
    if plan.kind is ActionKind.TRANSFER_CALL:
        return f"Attempting to transfer call to {plan.config.get('phone_number', '')}"
    values = json.dumps(dict(call.arguments), ensure_ascii=False)
    return f"!STARTING ACTION {plan.kind.value} WITH PARAMETERS {values}!"


def _finish_line(call: ActionCall, plan: ActionPlan, outcome: ActionOutcome) -> str:
    if plan.kind is ActionKind.END_CONVERSATION:
        return (
            "Successfully ended conversation"
            if outcome.success
            else "Did not end call because user interrupted"
        )
    if plan.kind is ActionKind.DTMF:
        pressed = list(str(call.arguments.get("buttons", "")))
        if outcome.success:
            return f"Pressed numbers {pressed} successfully"
        return f"Failed to press numbers {pressed}: {outcome.outcome_class}"
    if plan.kind is ActionKind.TRANSFER_CALL:
        return (
            "Successfully transferred call"
            if outcome.success
            else f"Did not transfer call: {outcome.outcome_class}"
        )
    output = json.dumps(
        {"success": outcome.success, "result": dict(outcome.result)}, ensure_ascii=False
    )
    return f"!ACTION {plan.kind.value} FINISHED WITH OUTPUT {output}!"
