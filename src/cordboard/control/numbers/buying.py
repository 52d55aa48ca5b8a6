"""Numbers that are bought: from the pool of a trunk at once, at a carrier in three steps.

First the purchase is put on record, under a name that it bears at the carrier as well; then the
carrier is asked, outside of any transaction; then the number is stored. Who dies in between leaves
a record by which the number is found and taken over, so that nothing is paid for and forgotten.
"""

from __future__ import annotations

import re

from starlette.responses import Response

from cordboard.control.account_connections.schemas import carrier_of
from cordboard.control.answers import answer
from cordboard.control.errors import ControlError, PurchaseUnknown
from cordboard.control.fields import Json, validated
from cordboard.control.numbers import service
from cordboard.control.numbers.schemas import BuyParams
from cordboard.control.services import BoughtNumber
from cordboard.control.unit import Caller, Unit
from cordboard.storage import number_wishes
from cordboard.storage.tables import AccountConnection, Number

_CONNECTION = "telephony_account_connection"


async def buy(caller: Caller, body: Json) -> Response:
    """Buy a number, from an account where the body names one, and return it."""
    async with caller.writing() as unit:
        params = validated(BuyParams, body, ("body",))
        account = await _account(unit, params)
        if account is None:
            return answer(unit, await service.buy(unit, body, params, caller.client_version))
        await _tried(unit, body)
        purchase_id = unit.services.randomness.uuid()
        now = unit.services.clock.wall()
        unit.session.add(number_wishes.purchase(purchase_id, unit.organisation_id, account.id, now))
    area = re.sub(r"\D", "", params.area_code or "")
    bought = await _bought(caller, account.id, purchase_id, area)
    async with caller.writing() as unit:
        row = await _stored(unit, body, account, bought)
        await number_wishes.done(unit.session, purchase_id)
        return answer(unit, await service.show(unit, row, caller.client_version))


async def _account(unit: Unit, params: BuyParams) -> AccountConnection | None:
    wanted = params.telephony_account_connection
    reached = None if wanted is None else await service.reached_through(unit, wanted)
    return reached if isinstance(reached, AccountConnection) else None


async def _tried(unit: Unit, body: Json) -> None:
    """Refuse what is wrong with who is to answer, before anything is paid for; nothing is kept."""
    notices, later = len(unit.notices), len(unit.afterwards)
    trial = await unit.session.begin_nested()
    try:
        await service.answered_by(unit, body)
    finally:
        await trial.rollback()
        del unit.notices[notices:], unit.afterwards[later:]


async def _bought(caller: Caller, account_id: str, purchase_id: str, area: str) -> BoughtNumber:
    market = caller.services.number_market
    try:
        return await market.buy(caller.organisation_id, account_id, purchase_id, area)
    except PurchaseUnknown:
        raise
    except ControlError:
        async with caller.services.database.write() as session:
            await number_wishes.done(session, purchase_id)
        raise


async def _stored(
    unit: Unit, body: Json, account: AccountConnection, bought: BoughtNumber
) -> Number:
    flow_id, agent_id = await service.answered_by(unit, body)
    row = await service.taken(unit, bought.number.lstrip("+"), flow_id, agent_id)
    row.trunk_id, row.telephony_account_connection_id = None, account.id
    row.telephony_provider = carrier_of(account.type)
    row.carrier_sid = bought.carrier_sid
    return row
