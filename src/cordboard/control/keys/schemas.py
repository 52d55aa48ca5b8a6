"""What a request about keys holds."""

from __future__ import annotations

from pydantic import Field

from cordboard.control.fields import Fields


class KeyParams(Fields):
    """A new key."""

    name: str = Field("", max_length=200)
    role: str = "developer"
    scopes: list[str] | None = Field(None, max_length=40)
