"""The conversation as a chat model reads it: the system prompt, then roles in turn."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from cordboard.call.commands import Message
from cordboard.ports import ReplyRequest
from cordboard.providers.language_models.openai_compatible.tools import wanting_everything

BYTES_PER_TOKEN = 3
"""A cautious estimate without a tokenizer: western text has four and more, others about three."""

_MESSAGE_TOKENS = 8
_NO_ANSWER = {"info": "There is no answer yet."}

ChatMessage = dict[str, Any]


def system_prompt(request: ReplyRequest) -> str:
    """Return the agent's prompt, and what it must know about talking on a telephone.

    What changes from turn to turn comes last, so that a server can reuse what it has read.
    """
    parts = [request.prompt.strip()] if request.prompt.strip() else []
    parts.append(
        "You are talking on the telephone. Everything you write is spoken aloud: write plain "
        "sentences, without lists, markup or emoji, and keep them short. What you said and the "
        "caller did not hear because they began to speak is cut off with a dash."
    )
    parts.append(f"Speak the language {request.language}, unless the caller asks for another.")
    everything = wanting_everything(request.actions)
    if everything:
        parts.append(
            "Before you call one of these functions, ask the caller for all of its values: "
            f"{', '.join(everything)}."
        )
    parts.append(f"It is {_told(request.now)}.")
    return "\n\n".join(parts)


def chat_messages(request: ReplyRequest, room_tokens: int) -> list[ChatMessage]:
    """Return the messages to send, the oldest left out so that all fit into ``room_tokens``.

    The system prompt and the newest message always go. A call and its result stay together.
    """
    system: ChatMessage = {"role": "system", "content": system_prompt(request)}
    groups = _groups(request.messages)
    left = room_tokens - _tokens([system])
    kept: list[list[ChatMessage]] = []
    for group in reversed(groups):
        left -= _tokens(group)
        if left < 0 and kept:
            break
        kept.append(group)
    return [system, *_merged(message for group in reversed(kept) for message in group)]


def _groups(messages: Sequence[Message]) -> list[list[ChatMessage]]:
    """Turn each entry into what must be sent together.

    A call stands where its result came, because a result must follow its call directly; a call
    without a result yet gets one that says so, and a result without its call is left out.
    """
    calls = {
        message.action_call_id: message for message in messages if message.role == "action_call"
    }
    done = {message.action_call_id for message in messages if message.role == "action"}
    groups: list[list[ChatMessage]] = []
    for message in messages:
        if message.role in ("caller", "agent"):
            role = "user" if message.role == "caller" else "assistant"
            if message.text.strip(" -"):
                groups.append([{"role": role, "content": message.text}])
        elif message.role == "action_call" and message.action_call_id not in done:
            groups.append(_pair(message, _NO_ANSWER))
        elif message.role == "action" and message.action_call_id in calls:
            groups.append(_pair(calls[message.action_call_id], message.content or {}))
    return groups


def _pair(call: Message, result: Mapping[str, object]) -> list[ChatMessage]:
    arguments = (call.content or {}).get("arguments", {})
    asked = {
        "id": call.action_call_id,
        "type": "function",
        "function": {"name": call.function_name, "arguments": _json(arguments)},
    }
    return [
        {"role": "assistant", "content": None, "tool_calls": [asked]},
        {"role": "tool", "tool_call_id": call.action_call_id, "content": _json(result)},
    ]


def _merged(messages: Iterator[ChatMessage]) -> Iterator[ChatMessage]:
    """Join neighbours of one role: some servers' templates want the roles to alternate."""
    last: ChatMessage | None = None
    for message in messages:
        if (
            last is not None
            and last["role"] == message["role"] != "tool"
            and "tool_calls" not in last
        ):
            content = " ".join(filter(None, (last["content"], message["content"])))
            last = {**last, **message, "content": content}
            continue
        if last is not None:
            yield last
        last = message
    if last is not None:
        yield last


def _tokens(messages: Sequence[ChatMessage]) -> int:
    return sum(_MESSAGE_TOKENS + estimated_tokens(message) for message in messages)


def estimated_tokens(value: object) -> int:
    """Return about how many tokens a value takes as JSON; rather too many than too few."""
    return len(_json(value).encode()) // BYTES_PER_TOKEN


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


def _told(now: datetime) -> str:
    return f"{now:%A, %d %B %Y, %H:%M} {now.tzname() or 'UTC'}"
