"""Rules of numbers."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from sqlalchemy import select

from cordboard.control.account_connections.schemas import CARRIER_TYPE, carrier_of
from cordboard.control.agents import service as agents
from cordboard.control.errors import (
    BadRequest,
    Conflict,
    Invalid,
    NotFound,
    Place,
    Problem,
    collecting,
    raise_any,
)
from cordboard.control.fields import Json, as_uuid, dumped, given, validated
from cordboard.control.flows.service import flow_for
from cordboard.control.numbers.queries import COLUMNS, number_of, problem_of
from cordboard.control.numbers.schemas import (
    KEEP_EMPTY,
    SIP,
    BuyParams,
    LinkParams,
    NumberFields,
    shown_provider,
)
from cordboard.control.requests import PageQuery
from cordboard.control.rows import page_of
from cordboard.control.unit import Unit
from cordboard.storage.agent_rows import api_resource
from cordboard.storage.number_wishes import LEAD, LET_GO, RELEASE, wish
from cordboard.storage.phone_numbers import stored_user_part
from cordboard.storage.tables import AccountConnection, Agent, Number, SipTrunk

Version = tuple[int, ...] | None

_NO_NUMBER: Final = "No such phone number"
_NO_CONNECTION: Final = (
    "telephony_account_connection: No account connection or SIP trunk with this id"
)


async def get(unit: Unit, phone_number: str, version: Version) -> Json:
    """Return a number, whole."""
    return await show(unit, await find_number(unit, phone_number), version)


async def page_of_numbers(unit: Unit, page: PageQuery, version: Version) -> Json:
    """Return a page; agents are told by their ids there."""
    rows, total = await page_of(unit, Number, page, COLUMNS)
    return page.envelope([_normalized(row, version) for row in rows], total)


async def link(unit: Unit, body: Json, version: Version) -> Json:
    """Take over a number that is reached through a SIP trunk or a linked account."""
    params = validated(LinkParams, body, ("body",))
    text = stored(unit, params.phone_number, ("body", "phone_number"))
    reached = await reached_through(unit, params.telephony_account_connection)
    row = await number_of(unit, text)
    if row is not None and row.active:
        raise Conflict("This phone number is linked already")
    flow_id = await _flow_for(unit, body)
    agent = await _agent_for(unit, body, no_default=params.outbound_only or flow_id is not None)
    if row is None:
        row = new_number(unit, text)
        unit.session.add(row)
    row.active = True
    row.inbound_flow_id = flow_id
    by_trunk = isinstance(reached, SipTrunk)
    row.trunk_id = reached.id if by_trunk else None
    row.telephony_account_connection_id = None if by_trunk else reached.id
    row.telephony_provider = SIP if isinstance(reached, SipTrunk) else carrier_of(reached.type)
    row.outbound_only = params.outbound_only
    row.inbound_agent_id = agent.id if agent else None
    row.carrier_sid = None
    await _tell_carrier(unit, row, LET_GO if row.outbound_only else LEAD)
    return await show(unit, row, version)


async def update(unit: Unit, phone_number: str, body: Json, version: Version) -> Json:
    """Change what the body gives; an object as ``inbound_agent`` changes the attached agent.

    An agent takes the place of a flow, a flow that of an agent.
    """
    row = await find_number(unit, phone_number)
    new = given(body, KEEP_EMPTY)
    problems: list[Problem] = []
    with collecting(problems):
        current = {
            "label": row.label,
            "outbound_only": row.outbound_only,
            "example_context": row.example_context,
        }
        fields = validated(NumberFields, {**current, **new}, ("body",))
        if row.active and fields.outbound_only != row.outbound_only:
            await _tell_carrier(unit, row, LET_GO if fields.outbound_only else LEAD)
        for name, value in dumped(fields).items():
            setattr(row, name, value)
    if "inbound_agent" in new:
        with collecting(problems):
            row.inbound_agent_id = await _updated_agent(unit, row, new["inbound_agent"])
            if row.inbound_agent_id is not None:
                row.inbound_flow_id = None
    if "inbound_flow" in new:
        with collecting(problems):
            row.inbound_flow_id = await _flow_for(unit, new)
            if row.inbound_flow_id is not None:
                row.inbound_agent_id = None
    raise_any(problems)
    if not new:
        unit.notices.append("nothing was changed")
    return await show(unit, row, version)


async def cancel(unit: Unit, phone_number: str, version: Version) -> Json:
    """Give a number up: it stays on record, inactive, and answers no more.

    One that was bought at a carrier is given back there.
    """
    row = await find_number(unit, phone_number)
    if row.active:
        await _tell_carrier(unit, row, RELEASE if row.carrier_sid else LET_GO)
    row.active = False
    return await show(unit, row, version)


async def buy(unit: Unit, body: Json, params: BuyParams, version: Version) -> Json:
    """Give out the first free number of the pools of the organisation's trunks.

    Raises:
        BadRequest: there is none, or none of the area.

    """
    # What is wrong with the request is told before whether there is a number.
    flow_id, agent_id = await answered_by(unit, body)
    trunk, text = await _free_number(unit, params)
    row = await taken(unit, text, flow_id, agent_id)
    row.trunk_id, row.telephony_account_connection_id = trunk.id, None
    row.telephony_provider = SIP
    return await show(unit, row, version)


async def answered_by(unit: Unit, body: Json) -> tuple[str | None, str | None]:
    """Return the flow or the agent that is to answer a number which is bought."""
    flow_id = await _flow_for(unit, body)
    agent = await _agent_for(unit, body, no_default=flow_id is not None)
    return flow_id, agent.id if agent else None


async def taken(unit: Unit, text: str, flow_id: str | None, agent_id: str | None) -> Number:
    """Return the row of a number that the organisation has from now on."""
    row = await number_of(unit, text)
    if row is None:
        row = new_number(unit, text)
        unit.session.add(row)
    row.active, row.outbound_only, row.carrier_sid = True, False, None
    row.inbound_flow_id, row.inbound_agent_id = flow_id, agent_id
    return row


async def _free_number(unit: Unit, params: BuyParams) -> tuple[SipTrunk, str]:
    wanted = select(SipTrunk).where(SipTrunk.organisation_id == unit.organisation_id)
    trunks = (await unit.session.scalars(wanted.order_by(SipTrunk.created_at, SipTrunk.id))).all()
    if params.telephony_account_connection is not None:
        reached = await reached_through(unit, params.telephony_account_connection)
        trunks = [trunk for trunk in trunks if trunk is reached]
    area = re.sub(r"\D", "", params.area_code or "")
    for trunk in trunks:
        for text in trunk.fields.get("pool") or ():
            if area and not _in_area(text, area):
                continue
            row = await number_of(unit, text)
            if row is None or not row.active:
                return trunk, text
    raise BadRequest(
        "There is no free number"
        + (f" of the area {area}" if area else "")
        + ". Numbers are given out of the pools of your SIP trunks (their field pool), bought with "
        "the id of an account at a carrier as telephony_account_connection, or linked: "
        "POST /v1/numbers/link with the id of a trunk or of an account at a carrier as "
        "telephony_account_connection, or `cordboard numbers add`"
    )


def _in_area(number: str, area: str) -> bool:
    """Tell whether a number is of an area, named with its country or, in North America, without."""
    return number.startswith((area, f"1{area}"))


async def _tell_carrier(unit: Unit, row: Number, kind: str) -> None:
    """Have the account of a number asked something of it, however often that takes."""
    if row.telephony_account_connection_id is None:
        return
    wish_id, now = unit.services.randomness.uuid(), unit.services.clock.wall()
    await wish(unit.session, row, kind, wish_id, now)
    unit.afterwards.append(partial(_nudge, unit))


async def _nudge(unit: Unit) -> None:
    unit.services.numbers_changed()


def new_number(unit: Unit, text: str) -> Number:
    """Return a fresh SIP number; it is not in the database yet."""
    return Number(
        id=unit.services.randomness.uuid(),
        organisation_id=unit.organisation_id,
        created_at=unit.services.clock.wall(),
        number=text,
        label="",
        telephony_provider=SIP,
    )


def stored(unit: Unit, text: str, place: Place) -> str:
    """Return the stored form of a number.

    Raises:
        Invalid: it is none.

    """
    try:
        return stored_user_part(text, unit.services.home_country)
    except ValueError as error:
        raise Invalid.at(place, str(error)) from None


async def find_number(unit: Unit, phone_number: str) -> Number:
    """Return the organisation's row of a number, however it is written."""
    try:
        text = stored_user_part(phone_number, unit.services.home_country)
    except ValueError:
        raise NotFound(_NO_NUMBER) from None
    row = await number_of(unit, text)
    if row is None:
        raise NotFound(_NO_NUMBER)
    return row


async def reached_through(unit: Unit, wanted: str) -> SipTrunk | AccountConnection:
    """Return the trunk or the account at a carrier of that id, as the request names it."""
    row_id = as_uuid(wanted)
    if row_id is None:
        place = ("body", "telephony_account_connection")
        raise Invalid.at(place, "Input should be an id (UUID)", "uuid_parsing")
    mine = SipTrunk.organisation_id == unit.organisation_id
    trunk = (
        await unit.session.scalars(select(SipTrunk).where(mine, SipTrunk.id == row_id))
    ).first()
    if trunk is not None:
        return trunk
    mine = AccountConnection.organisation_id == unit.organisation_id
    other = select(AccountConnection).where(mine, AccountConnection.id == row_id)
    connection = (await unit.session.scalars(other)).first()
    if connection is None:
        raise NotFound(_NO_CONNECTION)
    if connection.type != CARRIER_TYPE:
        raise BadRequest("telephony_account_connection: this is no account at a carrier")
    return connection


async def _flow_for(unit: Unit, body: Json) -> str | None:
    """Return the id of the flow that is asked for; a number has an agent or a flow."""
    value = body.get("inbound_flow")
    if value in (None, {}):
        return None
    place = ("body", "inbound_flow")
    if body.get("inbound_agent") is not None:
        raise Invalid.at(place, "A number has an agent or a flow, not both")
    return (await flow_for(unit, value, place)).id


async def _agent_for(unit: Unit, body: Json, *, no_default: bool) -> Agent | None:
    place = ("body", "inbound_agent")
    value = body.get("inbound_agent", "default")
    if value is None or ("inbound_agent" not in body and no_default):
        return None
    if value == "default":
        return await agents.add_default(unit)
    return await agents.resolve(unit, value, place)


async def _updated_agent(unit: Unit, row: Number, value: object) -> str | None:
    place = ("body", "inbound_agent")
    if value is None:
        return None
    if isinstance(value, dict):
        if row.inbound_agent_id is None:
            agent = await agents.add_default(unit)
        else:
            agent = await unit.session.get_one(Agent, row.inbound_agent_id)
        await agents.change(unit, agent, value, place)
        return agent.id
    return (await agents.resolve(unit, value, place)).id


async def show(unit: Unit, row: Number, version: Version) -> Json:
    """Return a number whole, with its agent; ``agent_id`` is what the pages' examples read."""
    await unit.session.flush()
    agent = None
    if row.inbound_agent_id is not None:
        agent = await agents.show(unit, await unit.session.get_one(Agent, row.inbound_agent_id))
    connection = None
    if row.telephony_account_connection_id is not None:
        found = await unit.session.get_one(AccountConnection, row.telephony_account_connection_id)
        connection = api_resource(found)
    whole = {"inbound_agent": agent, "telephony_account_connection": connection}
    return _normalized(row, version) | whole | {"carrier_problem": await problem_of(unit, row)}


def _normalized(row: Number, version: Version) -> Json:
    return {
        "id": row.id,
        "user_id": row.organisation_id,
        "active": row.active,
        "label": row.label,
        "inbound_agent": row.inbound_agent_id,
        "agent_id": row.inbound_agent_id,
        "inbound_flow": row.inbound_flow_id,
        "outbound_only": row.outbound_only,
        "example_context": row.example_context,
        "number": row.number,
        "telephony_provider": shown_provider(row.telephony_provider, version),
        "telephony_account_connection": row.telephony_account_connection_id,
        "carrier": row.telephony_provider,
        "trunk_id": row.trunk_id,
    }
