"""All SQL about prompt templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select

from cordboard.control.fields import as_uuid
from cordboard.control.rows import Columns, text_fields
from cordboard.control.unit import Unit
from cordboard.storage.tables import Prompt, PromptTemplate

COLUMNS: Final[Columns] = text_fields(PromptTemplate, "label", "content")


async def template_by_id(unit: Unit, value: object) -> PromptTemplate | None:
    """Return the organisation's template of an id; None for anything else."""
    wanted = as_uuid(value)
    if wanted is None:
        return None
    found = select(PromptTemplate).where(
        PromptTemplate.organisation_id == unit.organisation_id, PromptTemplate.id == wanted
    )
    return (await unit.session.scalars(found)).first()


async def prompts_of(unit: Unit, template_id: str) -> Sequence[Prompt]:
    """Return the prompts that are made from a template."""
    return (await unit.session.scalars(select(Prompt).where(*_made_from(unit, template_id)))).all()


async def prompts_count(unit: Unit, template_id: str) -> int:
    """Return how many prompts are made from a template."""
    counted = select(func.count()).select_from(Prompt).where(*_made_from(unit, template_id))
    return await unit.session.scalar(counted) or 0


async def all_templates(unit: Unit) -> Sequence[PromptTemplate]:
    """Return all templates of the organisation, the oldest first."""
    mine = select(PromptTemplate).where(PromptTemplate.organisation_id == unit.organisation_id)
    return (
        await unit.session.scalars(mine.order_by(PromptTemplate.created_at, PromptTemplate.id))
    ).all()


def _made_from(unit: Unit, template_id: str) -> tuple[ColumnElement[Any], ...]:
    named = Prompt.fields[("prompt_template", "id")].as_string()
    return Prompt.organisation_id == unit.organisation_id, named == template_id
