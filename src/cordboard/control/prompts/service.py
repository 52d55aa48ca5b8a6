"""Rules of prompts."""

from __future__ import annotations

from typing import Final

from cordboard.control.errors import NotFound, Place
from cordboard.control.fields import Json, as_uuid, dumped, mapping, validated
from cordboard.control.prompt_templates.queries import template_by_id
from cordboard.control.prompt_templates.service import in_prompts
from cordboard.control.prompts.queries import COLUMNS
from cordboard.control.prompts.schemas import PromptFields, PromptTemplate
from cordboard.control.requests import PageQuery
from cordboard.control.resources import Resource
from cordboard.control.targets import check_target
from cordboard.control.unit import Unit
from cordboard.storage.tables import Prompt


def _rework(unit: Unit, fields: Json, place: Place) -> Json:
    if fields["context_endpoint"]:
        check_target(unit, fields["context_endpoint"], (*place, "context_endpoint"))
    template = fields["prompt_template"]
    if template is None:
        return fields
    checked = validated(PromptTemplate, template, (*place, "prompt_template"))
    return {**fields, "prompt_template": {**dumped(checked), "user_id": unit.organisation_id}}


class Prompts(Resource[Prompt]):
    """Prompts; a template is given by its id, or whole."""

    async def create(self, unit: Unit, body: Json) -> Json:
        """Make a prompt."""
        return await super().create(unit, await _with_template(unit, body, None, ("body",)))

    async def amend(self, unit: Unit, row: Prompt, value: object, place: Place) -> None:
        """Change a prompt."""
        template = row.fields.get("prompt_template")
        self.change(unit, row, await _with_template(unit, value, template, place), place)

    async def resolve(self, unit: Unit, value: object, place: Place) -> Prompt:
        """Take an id, an object, or, as the first clients had it, the instructions as a text."""
        if isinstance(value, str) and as_uuid(value) is None:
            value = {"content": value}
        if isinstance(value, dict):
            value = await _with_template(unit, value, None, place)
        return await super().resolve(unit, value, place)

    async def list(self, unit: Unit, page: PageQuery) -> Json:
        """Return a page; a template is told by its id there."""
        found = await super().list(unit, page)
        for item in found["items"]:
            template = item["prompt_template"]
            item["prompt_template"] = template["id"] if template else None
        return found


async def _with_template(unit: Unit, value: object, current: Json | None, place: Place) -> Json:
    """Return input whose template, named by its id or whole, is the one that is stored."""
    new = mapping(value, place)
    template = new.get("prompt_template")
    whole = isinstance(template, dict)
    wanted = as_uuid(template.get("id") if isinstance(template, dict) else template)
    if wanted is None:
        return new
    row = await template_by_id(unit, wanted)
    if row is not None:
        return {**new, "prompt_template": in_prompts(row)}
    if whole:
        return new
    if current is None or current["id"] != wanted:
        raise NotFound(
            f"{'.'.join(map(str, place))}.prompt_template: No prompt template with this id"
        )
    return {**new, "prompt_template": current}


PROMPTS: Final = Prompts(
    noun="prompt",
    table=Prompt,
    models={"prompt": PromptFields},
    columns=COLUMNS,
    rework=_rework,
)
