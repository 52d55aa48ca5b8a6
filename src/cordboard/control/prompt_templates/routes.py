"""``/x/v1/prompt_templates``."""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from cordboard.control.answers import answer
from cordboard.control.prompt_templates.service import PROMPT_TEMPLATES
from cordboard.control.requests import Writer
from cordboard.control.resource_routes import resource_router

router = resource_router("/x/v1/prompt_templates", PROMPT_TEMPLATES)


@router.post("/delete")
async def delete_template(caller: Writer, id: UUID) -> Response:
    """Take a template away that no prompt is made from."""
    async with caller.writing() as unit:
        return answer(unit, await PROMPT_TEMPLATES.delete(unit, str(id)))
