"""What a prompt template holds."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from cordboard.control.fields import Fields

KEYS_MAX: Final = 100
_KEY: Final = re.compile(r"[A-Za-z0-9_]{1,64}")


def _key(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise ValueError("must be 1 to 64 of A-Z a-z 0-9 _, as between `${` and `}`")
    return text


def _each_once(keys: list[str]) -> list[str]:
    return list(dict.fromkeys(keys))


class TemplateFields(Fields):
    """A text with ``${name}`` in it, and the names that every call must give a value."""

    label: str = Field("", max_length=200)
    content: str = ""
    required_context_keys: Annotated[
        list[Annotated[str, AfterValidator(_key)]], AfterValidator(_each_once)
    ] = Field(default_factory=list, max_length=KEYS_MAX)
