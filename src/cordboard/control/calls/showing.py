"""Calls as they are answered with: whole, with the account that carries them."""

from __future__ import annotations

from cordboard.control.calls.left_out import left_out
from cordboard.control.calls.schemas import extended, shown_call
from cordboard.control.fields import Json
from cordboard.control.unit import Unit
from cordboard.storage.agent_rows import api_resource
from cordboard.storage.tables import AccountConnection, Call


async def show_call(unit: Unit, row: Call) -> Json:
    """Return a call whole."""
    found = await _connection(unit, row)
    return shown_call(row, unit.client_version, None if found is None else api_resource(found))


async def record_of(unit: Unit, row: Call) -> Json:
    """Return what the public API has no place for."""
    found = await _connection(unit, row)
    fields = {} if found is None else found.fields
    return extended(row) | {"left_out": left_out(row, fields)}


async def _connection(unit: Unit, row: Call) -> AccountConnection | None:
    row_id = row.telephony_account_connection_id
    return None if row_id is None else await unit.session.get(AccountConnection, row_id)
