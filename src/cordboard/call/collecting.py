"""What an agent is to find out from the other side (``collect_fields``): e-mail addresses.

Each becomes an instruction of the prompt and a function that takes the value once it is confirmed.
What was found stands in the transcript and in the events of the action.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from cordboard.call.actions import ActionOutcome

RAW, FORMATTED = "raw_value", "formatted_value"
EMAIL_CHARS_MAX: Final = 254
"""RFC 5321, 4.5.3.1.3, without the brackets."""

_EMAIL: Final = re.compile(
    r"(?!\.)(?!.*\.\.)[^\s@\"(),:;<>\[\\\]]{1,64}(?<!\.)"
    r"@(?:(?!-)[\w-]{1,63}(?<!-)\.)+(?!-)[^\W\d_][\w-]{0,61}[^\W_]"
)

PARAMETERS: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": {
        RAW: {"type": "string", "description": "What the other side said, word for word."},
        FORMATTED: {
            "type": "string",
            "description": "The address it stands for, such as ann.lee@example.com.",
        },
    },
    "required": [RAW, FORMATTED],
}
DESCRIPTION: Final = (
    "Record an e-mail address that the other side has given and confirmed. What it is for: "
)


def instructions(wanted: Sequence[tuple[str, str]]) -> str:
    """Return what is added to a prompt: ``wanted`` are what each address is for, and the name of
    its function; empty for none.
    """
    if not wanted:
        return ""
    lines = [f"- {purpose}: record it with {function_name}." for purpose, function_name in wanted]
    return (
        "\n\nBefore the call ends, find out the following e-mail addresses from the other side. "
        "Spell each back, and record it once it is confirmed.\n" + "\n".join(lines)
    )


def recorded(name: str, arguments: Mapping[str, object]) -> ActionOutcome:
    """Return what came of recording the field ``name``: refused where it is no address."""
    raw, value = arguments.get(RAW), arguments.get(FORMATTED)
    text = value.strip() if isinstance(value, str) else ""
    if len(text) > EMAIL_CHARS_MAX or not _EMAIL.fullmatch(text):
        info = "This is no e-mail address. Ask for it again, letter by letter."
        return ActionOutcome(False, {"info": info}, None, "invalid_arguments", None)
    found = {"descriptor": name, RAW: raw if isinstance(raw, str) else text, FORMATTED: text}
    return ActionOutcome(True, found, None, "success", None)
