"""What an app sends, as far as anything can be made of it (section 12 of the flow protocol)."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json

from cordboard.call.flow.actions import FlowAction
from cordboard.flow_apps.actions import MODELS, NotDone, VoiceChoice, translate
from cordboard.flow_apps.lenient import read_model
from cordboard.flow_apps.problems import Problem

BODY_BYTES_MAX: Final = 16 * 1024 * 1024
ACTIONS_MAX: Final = 100
"""So many actions of one answer are read."""

PROBLEMS_MAX: Final = 100
INLINE_BYTES_MAX: Final = 64 * 1024
"""Larger answers hold sound, and are better read beside the loop."""

_ALIASES: Final = {"transfer": {"transfer_to": "target_phone_number"}}
_NOTHING: Final[tuple[object, ...]] = (None, "", [])

# An escape of half a character whose other half is missing (RFC 8259, section 8.2).
_HALF: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """Actions in their order, and what was wrong with what was sent."""

    actions: tuple[FlowAction, ...] = ()
    problems: tuple[Problem, ...] = ()


class AnswerReader:
    """Reads what one call's app sends. ``is_live`` tells of another call's id whether it runs."""

    def __init__(
        self, session_id: str, is_live: Callable[[str], bool], voices: VoiceChoice
    ) -> None:
        self._session_id = session_id
        self._is_live = is_live
        self._voices = voices

    def read(self, document: bytes | str) -> Answer:
        """Return what is wanted; of anything that is no action nothing but a problem remains."""
        if isinstance(document, str):
            document = document.encode(errors="replace")
        document = document.removeprefix(BOM_UTF8)
        if not document.strip():
            return Answer()
        problems: list[Problem] = []
        try:
            value = _parsed(document, problems)
        except ValueError:
            return Answer((), (Problem("", "is not JSON"),))
        if value in _NOTHING:
            return Answer()
        actions: list[FlowAction] = []
        for place, item in _items(value):
            if place and int(place) >= ACTIONS_MAX:
                problems.append(Problem("", f"holds more than {ACTIONS_MAX} actions; cut"))
                break
            found: list[Problem] = []
            action = self._action(item, found)
            if action is not None:
                actions.append(action)
            problems += [each.under(place) for each in found[: PROBLEMS_MAX - len(problems)]]
        return Answer(tuple(actions), tuple(problems))

    def _action(self, item: Any, problems: list[Problem]) -> FlowAction | None:
        if not isinstance(item, dict):
            problems.append(Problem("", "is no action: it should be an object"))
            return None
        kind = item.get("type")
        model = MODELS.get(kind) if isinstance(kind, str) else None
        if model is None:
            text = "is missing" if kind is None else f"{str(kind)[:40]!r} is no action"
            problems.append(Problem("type", f"{text}; ignored"))
            return None
        if not self._is_ours(item, problems):
            return None
        read, found = read_model(model, _prepared(item))
        problems += found
        if read is None:
            return None
        try:
            action, found = translate(read, self._voices)
        except NotDone as problem:
            problems.append(problem.problem)
            return None
        problems += found
        return action

    def _is_ours(self, item: Json, problems: list[Problem]) -> bool:
        """The way it came tells which call is meant, unless it names another one that runs."""
        named = item.get("session_id")
        if named == self._session_id:
            return True
        if isinstance(named, str) and self._is_live(named):
            problems.append(Problem("session_id", "is that of another call; the action is refused"))
            return False
        what = "is missing" if named is None else "is not that of this call"
        problems.append(Problem("session_id", f"{what}; taken for this call"))
        return True


def _parsed(document: bytes, problems: list[Problem]) -> Any:
    """Return the value of a document, also where its text is cut in the middle of a character or
    is in another encoding. Raises ``ValueError``.
    """
    try:
        return from_json(document, allow_inf_nan=False)
    except ValueError:
        mended = _HALF.sub(b"\\\\ufffd", document.decode(errors="replace").encode())
        value = from_json(mended, allow_inf_nan=False)
        problems.append(Problem("", "holds characters that are none; each stands as \ufffd"))
        return value


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((str(index), item) for index, item in enumerate(value))
    else:
        yield "", value


def _prepared(item: Json) -> Json:
    """Return an action with the names that the protocol has now, and sound that is no text as
    none.
    """
    aliases = _ALIASES.get(item["type"], {})
    prepared = {key: value for key, value in item.items() if key not in aliases}
    for old, new in aliases.items():
        if old in item and prepared.get(new) is None:
            prepared[new] = item[old]
    if item["type"] == "audio" and not isinstance(prepared.get("audio"), str):
        # Whoever sent it waits for the end of a sound.
        prepared["audio"] = ""
    return prepared
