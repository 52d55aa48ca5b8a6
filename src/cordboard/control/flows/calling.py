"""Calls out that a flow's app has: asked for as the protocol has it (reference section 7)."""

from __future__ import annotations

from functools import partial
from typing import Final

from pydantic import Field

from cordboard.control.calls.create import ask, destination, keep, trunk_of
from cordboard.control.errors import BadRequest, Invalid
from cordboard.control.fields import Fields, Json, NumberText, validated
from cordboard.control.flows.queries import number_of_flow
from cordboard.control.flows.service import NOUN
from cordboard.control.rows import find
from cordboard.control.unit import Caller, Unit
from cordboard.ports import Direction
from cordboard.storage.flow_rows import flow_of_call, flow_plan
from cordboard.storage.tables import Call, Flow, Number, SipTrunk

# As the body has it; ``billingDevice`` is taken and means nothing here.
TO: Final = "toPhoneNumber"
_EXTENSION_DIGITS_MAX: Final = 6


class FlowCallParams(Fields):
    """A call that a flow is to make."""

    to_number: NumberText = Field(validation_alias=TO)


async def call_out(caller: Caller, flow_id: str, body: Json, key: str | None) -> Json:
    """Put a flow's call on record for an engine to place; return the session that it will be.

    Raises:
        NotFound: there is no such flow.
        BadRequest: it has no number that can call out.
        Invalid: the body is wrong, or the number may not be dialled.

    """
    # The same key may not serve two flows: the flow belongs to what is asked for.
    told = {**body, "flow": flow_id}
    call = await ask(caller, told, key, partial(_add, flow_id=flow_id))
    return {"session_id": call["id"]}


async def _add(unit: Unit, body: Json, flow_id: str) -> Call:
    flow = await find(unit, Flow, flow_id, NOUN)
    wanted = validated(FlowCallParams, body, ("body",)).to_number
    return await add(unit, flow, _international(wanted))


async def add(unit: Unit, flow: Flow, to_number: str) -> Call:
    """Put a flow's call on record within a transaction; errors as ``call_out`` has them."""
    ours, trunk = await _origin(unit, flow)
    theirs = destination(unit, to_number, trunk, ("body", TO))
    call = await _row(unit, flow, ours.number, theirs)
    await keep(unit, call, ours, trunk)
    return call


async def _origin(unit: Unit, flow: Flow) -> tuple[Number, SipTrunk | None]:
    """Return the number that leads to the flow, the first where several do, and its trunk."""
    row = await number_of_flow(unit, flow.id)
    if row is None:
        raise BadRequest("No phone_number is configured for this flow: link one to it")
    try:
        return row, await trunk_of(unit, row, ("body",))
    except Invalid as error:
        raise BadRequest(f"The flow's number {row.number} cannot call out: {error}") from None


async def _row(unit: Unit, flow: Flow, ours: str, theirs: str) -> Call:
    services = unit.services
    plan = await flow_plan(unit.session, flow, services.plan_options(False))
    return Call(
        id=services.randomness.uuid(),
        organisation_id=unit.organisation_id,
        created_at=services.clock.wall(),
        direction=Direction.OUTBOUND.value,
        status="not_started",
        stage="created",
        operator=NOUN,
        flow_id=flow.id,
        from_number=ours,
        to_number=theirs,
        agent_phone_number=ours,
        agent=await flow_of_call(unit.session, unit.organisation_id, flow.id),
        plan=plan.to_json(),
        hipaa_compliant=False,
        recording_available=False,
    )


def _international(number: str) -> str:
    """Return a number with its plus, which the protocol leaves out: it is never a national one."""
    text = number.strip()
    if text.isascii() and text.isdigit() and len(text) > _EXTENSION_DIGITS_MAX and text[0] != "0":
        return f"+{text}"
    return text
