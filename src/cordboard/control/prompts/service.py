"""Rules of prompts."""

from __future__ import annotations

from typing import Final

from cordboard.control.errors import NotFound, Place
from cordboard.control.fields import Json, as_uuid, dumped, mapping, validated
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
    """Prompts; a template is given whole, or by the id of the one that is already there."""

    def add(self, unit: Unit, value: object, place: Place) -> Prompt:
        """Make a prompt."""
        return super().add(unit, _with_template(value, None, place), place)

    def change(self, unit: Unit, row: Prompt, value: object, place: Place) -> None:
        """Change a prompt."""
        template = row.fields.get("prompt_template")
        super().change(unit, row, _with_template(value, template, place), place)

    async def resolve(self, unit: Unit, value: object, place: Place) -> Prompt:
        """Take an id, an object, or, as the first clients had it, the instructions as a text."""
        if isinstance(value, str) and as_uuid(value) is None:
            value = {"content": value}
        return await super().resolve(unit, value, place)

    async def list(self, unit: Unit, page: PageQuery) -> Json:
        """Return a page; a template is told by its id there."""
        found = await super().list(unit, page)
        for item in found["items"]:
            template = item["prompt_template"]
            item["prompt_template"] = template["id"] if template else None
        return found


def _with_template(value: object, current: Json | None, place: Place) -> object:
    new = mapping(value, place)
    template = new.get("prompt_template")
    wanted = as_uuid(template)
    if wanted is None:
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
