"""Rules of flows."""

from __future__ import annotations

from typing import Final, TypeVar

from cordboard.control.errors import Conflict, Invalid, Place, Problem, collecting, raise_any
from cordboard.control.fields import Json, as_uuid
from cordboard.control.flows.queries import COLUMNS, flow_by_name, numbers_count
from cordboard.control.flows.schemas import FlowFields
from cordboard.control.requests import PageQuery
from cordboard.control.resources import Resource
from cordboard.control.rows import find
from cordboard.control.targets import check_target
from cordboard.control.unit import Unit
from cordboard.control.voices.service import VOICES
from cordboard.control.webhooks.service import WEBHOOKS
from cordboard.storage.flow_rows import TOKEN_PATH, api_flow
from cordboard.storage.phone_numbers import stored_number
from cordboard.storage.tables import Flow, ResourceRow

R = TypeVar("R", bound=ResourceRow)

NOUN: Final = "flow"
PLACE: Final[Place] = ("body",)


def _rework(unit: Unit, fields: Json, place: Place) -> Json:
    check_target(unit, fields["url"], (*place, "url"))
    number = fields["fallback_number"]
    if number is None:
        return fields
    try:
        return {**fields, "fallback_number": stored_number(number, unit.services.home_country)}
    except ValueError as error:
        raise Invalid.at((*place, "fallback_number"), str(error)) from None


def _transport_follows(_old: Json, new: Json) -> Json:
    """Have another URL tell its own transport, where the update does not."""
    return {"transport": None, **new} if "url" in new else new


_FIELDS: Final = Resource(
    noun=NOUN,
    table=Flow,
    models={NOUN: FlowFields},
    columns=COLUMNS,
    secrets={NOUN: [TOKEN_PATH]},
    rework=_rework,
    carry_over=_transport_follows,
    show=lambda _unit, row: api_flow(row),
)


class Flows:
    """Flows; tokens are kept encrypted and shown masked."""

    async def get(self, unit: Unit, row_id: str) -> Json:
        """Return one."""
        return await _FIELDS.get(unit, row_id)

    async def list(self, unit: Unit, page: PageQuery) -> Json:
        """Return a page."""
        return await _FIELDS.list(unit, page)

    async def create(self, unit: Unit, body: Json) -> Json:
        """Make one."""
        await _check_name(unit, body, None)
        row = _FIELDS.add(unit, body, PLACE)
        await _set_references(unit, row, body)
        return api_flow(row)

    async def update(self, unit: Unit, row_id: str, body: Json) -> Json:
        """Change what the body gives; running calls go on as they began."""
        row = await find(unit, Flow, row_id, NOUN)
        await _check_name(unit, body, row)
        own = {key: item for key, item in body.items() if key not in ("voice", "webhook")}
        if own or not body:
            _FIELDS.change(unit, row, own, PLACE)
        await _set_references(unit, row, body)
        return api_flow(row)

    async def delete(self, unit: Unit, row_id: str) -> Json:
        """Take one away; a flow that numbers lead to stays."""
        row = await find(unit, Flow, row_id, NOUN)
        if count := await numbers_count(unit, row.id):
            raise Conflict(f"{count} numbers lead to this flow")
        await unit.session.delete(row)
        return api_flow(row)


FLOWS: Final = Flows()


async def flow_for(unit: Unit, value: object, place: Place) -> Flow:
    """Return the flow that an id names.

    Raises:
        Invalid: it is no id.
        NotFound: there is none.

    """
    if as_uuid(value) is None:
        raise Invalid.at(place, "Input should be the id of a flow (UUID)", "uuid_parsing")
    return await find(unit, Flow, value, NOUN, ".".join(map(str, place)))


async def _check_name(unit: Unit, body: Json, row: Flow | None) -> None:
    name = body.get("name")
    if not isinstance(name, str):
        return
    other = await flow_by_name(unit, name)
    if other is not None and other is not row:
        raise Invalid.at((*PLACE, "name"), "There is a flow of this name already")


async def _set_references(unit: Unit, row: Flow, body: Json) -> None:
    problems: list[Problem] = []
    with collecting(problems):
        row.voice_id = await _reference(unit, VOICES, body, "voice", row.voice_id)
    with collecting(problems):
        row.webhook_id = await _reference(unit, WEBHOOKS, body, "webhook", row.webhook_id)
    raise_any(problems)


async def _reference(
    unit: Unit, resource: Resource[R], body: Json, name: str, current: str | None
) -> str | None:
    """Return the id that the body gives, or the current one where it gives none."""
    value = body.get(name, {})
    if value == {}:
        return current
    if value is None:
        return None
    if not isinstance(value, str):
        raise Invalid.at((*PLACE, name), "Input should be an id (UUID)", "uuid_parsing")
    return (await resource.resolve(unit, value, (*PLACE, name))).id
