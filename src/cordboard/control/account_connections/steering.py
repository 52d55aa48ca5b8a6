"""The numbers that an account reserves for warm transfers (reference section 7.6)."""

from __future__ import annotations

from typing import Final

from cordboard.control.account_connections.schemas import CARRIER_TYPE
from cordboard.control.errors import BadRequest, Invalid, NotFound
from cordboard.control.fields import Fields, Json, NumberText, validated
from cordboard.control.rows import find
from cordboard.control.unit import Unit
from cordboard.storage.agent_rows import api_resource
from cordboard.storage.phone_numbers import stored_user_part
from cordboard.storage.tables import AccountConnection

POOL_MAX: Final = 1_000


class AddParams(Fields):
    """A number to reserve; without one, one would have to be bought for it."""

    phone_number: NumberText | None = None


class RemoveParams(Fields):
    """A number to reserve no longer."""

    phone_number: NumberText


async def add(unit: Unit, row_id: str, body: Json) -> Json:
    """Put a number into the pool, once; returns the connection.

    Raises:
        BadRequest: no number is given, or the account is none at a carrier.

    """
    params = validated(AddParams, body, ("body",))
    row = await _account(unit, row_id)
    if params.phone_number is None:
        raise BadRequest(
            "phone_number: a steering pool is of no use here yet, so no number is bought for it; "
            "name one that the account has"
        )
    pool = _pool(row)
    number = _stored(unit, params.phone_number)
    if number not in pool:
        if len(pool) >= POOL_MAX:
            raise BadRequest(f"a steering pool holds at most {POOL_MAX} numbers")
        pool.append(number)
    return await _kept(unit, row, pool)


async def remove(unit: Unit, row_id: str, body: Json) -> Json:
    """Take a number out of the pool; returns the connection.

    Raises:
        NotFound: the number is not in it.

    """
    params = validated(RemoveParams, body, ("body",))
    row = await _account(unit, row_id)
    pool = _pool(row)
    number = _stored(unit, params.phone_number)
    if number not in pool:
        raise NotFound("phone_number: this number is not in the steering pool")
    return await _kept(unit, row, [each for each in pool if each != number])


async def _account(unit: Unit, row_id: str) -> AccountConnection:
    row = await find(unit, AccountConnection, row_id, "account connection")
    if row.type != CARRIER_TYPE:
        raise BadRequest("id: this is no account at a carrier")
    return row


def _pool(row: AccountConnection) -> list[str]:
    return [str(number) for number in row.fields.get("steering_pool") or ()]


def _stored(unit: Unit, number: str) -> str:
    try:
        return stored_user_part(number, unit.services.home_country)
    except ValueError as error:
        raise Invalid.at(("body", "phone_number"), str(error)) from None


async def _kept(unit: Unit, row: AccountConnection, pool: list[str]) -> Json:
    row.fields = {**row.fields, "steering_pool": pool}
    await unit.session.flush()
    return api_resource(row)
