"""What a model is told of the receiver's answer: its result, or one of a few neutral sentences.

What a failing receiver wrote is never repeated: it may be a stack trace, or words that are meant
to steer the model.
"""

from __future__ import annotations

import json
import math
import re
from typing import Final, NoReturn

from cordboard.call.actions import ActionOutcome
from cordboard.egress import (
    EgressAnswer,
    EgressError,
    TargetRefused,
    TimedOut,
    Unreachable,
)

AGENT_MESSAGE_CHARS_MAX: Final = 1_000
_DEPTH_MAX: Final = 64
_SENTENCE_END: Final = re.compile(r"[.!?…](?=\s)|[。！？]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

_INFO: Final = {
    "rejected": "There was a problem with the information that was supplied. "
    "Ask for clarification and try again.",
    "unauthorised": "The other system did not accept our sign-in. Say that this cannot be done "
    "right now and may be tried later.",
    "server_error": "The other system had an error. Say politely that this may be tried later.",
    "timeout": "The other system did not answer in time, so it is not known whether this was done. "
    "Say politely that this may be tried later.",
    "unreachable": "The other system could not be reached. Say politely that this may be tried "
    "later.",
    "bad_answer": "There was a problem with the information that came back, so it is not known "
    "whether this was done. Say politely that this may be tried later.",
    "refused": "This action is not set up correctly and was not carried out. Say politely that "
    "it cannot be done.",
    "invalid_arguments": "The information was not complete or not valid, so nothing was sent. "
    "Ask for clarification and try again.",
}


def failure(outcome_class: str, status_code: int | None = None) -> ActionOutcome:
    """Return the fixed outcome of one class of failure."""
    result: dict[str, object] = {"outcome": outcome_class, "info": _INFO[outcome_class]}
    if status_code is not None:
        result["status_code"] = status_code
    return ActionOutcome(False, result, None, outcome_class, status_code)


def outcome_of_error(error: EgressError) -> ActionOutcome:
    """Return the outcome when no answer came back whole."""
    if isinstance(error, TargetRefused):
        return failure("refused")
    if isinstance(error, TimedOut):
        return failure("timeout")
    if isinstance(error, Unreachable):
        return failure("unreachable")
    return failure("bad_answer")


def outcome_of_answer(answer: EgressAnswer) -> ActionOutcome:
    """Judge an answer: a success is a 2xx with an object that has an object as ``result``."""
    status = answer.status
    if status in (401, 403):
        return failure("unauthorised", status)
    if 400 <= status <= 499:
        return failure("rejected", status)
    if 500 <= status <= 599:
        return failure("server_error", status)
    if not 200 <= status <= 299:
        return failure("bad_answer", status)
    try:
        content = _read(answer.body)
    except (ValueError, RecursionError):
        return failure("bad_answer", status)
    result = content.get("result")
    message = content.get("agent_message")
    if not isinstance(result, dict) or not (message is None or isinstance(message, str)):
        return failure("bad_answer", status)
    return ActionOutcome(True, result, _spoken(message), "success", status)


def cut_at_sentence(text: str, limit: int = AGENT_MESSAGE_CHARS_MAX) -> str:
    """Return at most ``limit`` characters of ``text``, ending with a sentence if one ends."""
    if len(text) <= limit:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, limit + 1)]
    ends = [end for end in ends if end <= limit]
    if ends:
        return text[: ends[-1]]
    return text[:limit].rpartition(" ")[0].rstrip() or text[:limit]


def _spoken(message: str | None) -> str | None:
    if message is None:
        return None
    return cut_at_sentence(_CONTROL.sub(" ", message).strip()) or None


def _read(body: bytes) -> dict[str, object]:
    content = json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
    clean = _cleaned(content, 0)
    if not isinstance(clean, dict):
        raise ValueError("the answer is no object")
    return clean


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _cleaned(value: object, depth: int) -> object:
    """Copy a JSON value that can be stored and sent on: bounded, finite, whole characters."""
    if depth > _DEPTH_MAX:
        raise ValueError("the answer is nested too deeply")
    if isinstance(value, dict):
        return {_whole(key): _cleaned(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item, depth + 1) for item in value]
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number of the answer is too large")
    return value


def _whole(text: str) -> str:
    """Replace halves of characters, which could be neither stored nor sent."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
