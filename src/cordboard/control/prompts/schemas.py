"""What a prompt holds (reference section 2.2)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from cordboard.control.fields import Fields


class CollectField(Fields):
    """Something the agent is to find out."""

    field_type: Literal["field_type_email"] = "field_type_email"
    label: str
    name: str
    description: str | None = None


class PromptTemplate(Fields):
    """A template that a prompt was made from."""

    id: str
    user_id: str
    label: str = ""
    required_context_keys: list[str]


class PromptFields(Fields):
    """A prompt's own fields; ``prompt_template`` is resolved before."""

    content: str = ""
    collect_fields: list[CollectField] | None = None
    context_endpoint: str | None = None
    prompt_template: dict[str, Any] | None = Field(None)
