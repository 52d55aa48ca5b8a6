"""How much a language model may have done on one call, whatever it asks for, and be told of it."""

from __future__ import annotations

import json
from dataclasses import replace

from cordboard.call.actions import ActionKind, ActionOutcome

ASKED_PER_TURN_MAX = 5
ASKED_PER_ACTION = 5
"""How often a model may ask on a call, as a multiple of what it may have done: asking again after
values that did not fit is no action.
"""

TRANSFERS_TRIED_MAX = 3
RESULT_BYTES_MAX = 8_192
_CUT = "The answer was too long. Only its beginning is here."


class ActionLimits:
    """Counts one call's actions. To end the call, or to say nothing, is always allowed."""

    def __init__(self) -> None:
        self._asked_this_turn = 0
        self._asked = 0
        self._begun = 0
        self._transfers_tried = 0
        self._transferred = False

    def new_turn(self) -> None:
        """Begin a new turn of the caller."""
        self._asked_this_turn = 0

    def may_ask(self, actions_max_count: int) -> bool:
        """Count that the model asks for something; False if it does so too often."""
        self._asked_this_turn += 1
        self._asked += 1
        often = self._asked > ASKED_PER_ACTION * actions_max_count
        return self._asked_this_turn <= ASKED_PER_TURN_MAX and not often

    def may_begin(self, kind: ActionKind, actions_max_count: int) -> bool:
        """Count an action that is about to begin; False if it must not.

        A transfer that came to nothing may be tried again, one that was made is the last.
        """
        if kind in (ActionKind.END_CONVERSATION, ActionKind.WAIT):
            return True
        if self._begun >= actions_max_count:
            return False
        if kind is ActionKind.TRANSFER_CALL:
            if self._transferred or self._transfers_tried >= TRANSFERS_TRIED_MAX:
                return False
            self._transfers_tried += 1
        self._begun += 1
        return True

    def transferred(self) -> None:
        """Note that a transfer has been made."""
        self._transferred = True


def bounded(outcome: ActionOutcome) -> ActionOutcome:
    """Return the outcome with at most 8 KiB of result, as JSON; of a longer one its beginning."""
    text = _json(dict(outcome.result))
    if len(text) <= RESULT_BYTES_MAX:
        return outcome
    kept = text[:RESULT_BYTES_MAX].decode(errors="ignore")
    result: dict[str, object] = {"info": _CUT, "beginning": kept}
    while len(_json(result)) > RESULT_BYTES_MAX:
        kept = kept[: len(kept) * 7 // 8]
        result["beginning"] = kept
    return replace(outcome, result=result)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=str).encode(errors="replace")
