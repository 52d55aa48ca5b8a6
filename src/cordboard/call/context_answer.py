"""What a context endpoint says when a call comes in: values for the variables of the prompt.

The body is whatever somebody's server sends: it is taken apart strictly, within bounds, and what
does not fit is left out by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn, cast

VALUES_MAX: Final = 200
VALUE_MAX_LENGTH: Final = 4_000
NAMES_SHOWN_MAX: Final = 20

_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
_UNFIT: Final = re.compile("[\x00\ud800-\udfff]")


class BadContext(ValueError):
    """An answer that holds no values; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextAnswer:
    """What came of asking: ``failure`` is empty where ``values`` came in time.

    ``left_out`` names what was in the answer and could not be used.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    failure: str = ""
    duration_ms: int = 0

    def to_json(self) -> dict[str, object]:
        """Return it as plain JSON values; ``from_json`` reads it back equal."""
        return {
            "values": dict(self.values),
            "left_out": list(self.left_out),
            "failure": self.failure,
            "duration_ms": self.duration_ms,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> ContextAnswer:
        """Read what ``to_json`` wrote."""
        return cls(
            values=cast("Mapping[str, str]", value["values"]),
            left_out=tuple(cast("list[str]", value["left_out"])),
            failure=cast(str, value["failure"]),
            duration_ms=cast(int, value["duration_ms"]),
        )

    def fact(self) -> dict[str, object]:
        """Return what the call's timeline holds of it: names, no values."""
        return {
            "failure": self.failure,
            "duration_ms": self.duration_ms,
            "names": sorted(self.values),
            "left_out": list(self.left_out),
        }


def parse_context(body: bytes) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the values of a flat JSON object by name, and the names of what was left out.

    Numbers and truth values become texts as JSON writes them; ``null``, lists, objects, texts over
    4,000 characters and names other than ``[A-Za-z0-9_]{1,64}`` are left out.

    Raises:
        BadContext: the body is no JSON object, or holds more than 200 values.

    """
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BadContext("the answer is not JSON") from None
    if not isinstance(value, dict):
        raise BadContext("the answer is not a JSON object")
    if len(value) > VALUES_MAX:
        raise BadContext(f"the answer holds more than {VALUES_MAX} values")
    texts = {name: text for name, item in value.items() if (text := _text(name, item)) is not None}
    left_out = (_shown(name) for name in value if name not in texts)
    return texts, tuple(left_out)[:NAMES_SHOWN_MAX]


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _text(name: str, item: object) -> str | None:
    if not _NAME.fullmatch(name) or not isinstance(item, str | int | float):
        return None
    text = item if isinstance(item, str) else json.dumps(item)
    return None if len(text) > VALUE_MAX_LENGTH or _UNFIT.search(text) else text


def _shown(name: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in name[:64])
