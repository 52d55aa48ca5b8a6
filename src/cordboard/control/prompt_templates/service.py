"""Rules of prompt templates.

A prompt keeps the public API's form of its template in its own fields; a change of the template
reaches all of its prompts. Calls that exist already keep the text they began with.
"""

from __future__ import annotations

from typing import Final

from cordboard.control.errors import Conflict
from cordboard.control.fields import Json
from cordboard.control.prompt_templates.queries import COLUMNS, prompts_count, prompts_of
from cordboard.control.prompt_templates.schemas import TemplateFields
from cordboard.control.resources import Resource
from cordboard.control.rows import find
from cordboard.control.unit import Unit
from cordboard.storage.tables import PromptTemplate

NOUN: Final = "prompt template"


class PromptTemplates(Resource[PromptTemplate]):
    """Templates; one that prompts are made from stays."""

    async def update(self, unit: Unit, row_id: str, body: Json) -> Json:
        """Change a template, and with it all prompts that are made from it."""
        shown = await super().update(unit, row_id, body)
        row = await find(unit, self.table, row_id, self.noun)
        for prompt in await prompts_of(unit, row.id):
            prompt.fields = {**prompt.fields, "prompt_template": in_prompts(row)}
        return shown

    async def delete(self, unit: Unit, row_id: str) -> Json:
        """Take a template away."""
        row = await find(unit, self.table, row_id, self.noun)
        if count := await prompts_count(unit, row.id):
            raise Conflict(f"{count} prompts are made from this template")
        await unit.session.delete(row)
        return show(unit, row)


def show(_unit: Unit, row: PromptTemplate) -> Json:
    """Return a template as our own routes show it."""
    return {**in_prompts(row), "content": row.fields["content"], "created_at": _at(row)}


def in_prompts(row: PromptTemplate) -> Json:
    """Return a template as the public API knows it, inside prompts (reference section 2.2)."""
    return {
        "id": row.id,
        "user_id": row.organisation_id,
        "label": row.fields["label"],
        "required_context_keys": row.fields["required_context_keys"],
    }


def _at(row: PromptTemplate) -> str:
    return row.created_at.isoformat()


PROMPT_TEMPLATES: Final = PromptTemplates(
    noun=NOUN,
    table=PromptTemplate,
    models={NOUN: TemplateFields},
    columns=COLUMNS,
    show=show,
)
