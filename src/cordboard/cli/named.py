"""What people name by an id or by its name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cordboard.control.unit import Unit


class _Row(Protocol):
    @property
    def id(self) -> str: ...


async def trunk_id(unit: Unit, wanted: str) -> str:
    """Return the id of a trunk. Raises ``NotFound`` where none has the name."""
    from cordboard.control.sip_trunks.queries import trunk_by_name

    return await _id(unit, wanted, trunk_by_name, "trunk")


async def agent_id(unit: Unit, wanted: str) -> str:
    """Return the id of an agent. Raises ``NotFound`` where none has the name, or several have."""
    from cordboard.control.agents.queries import agent_by_name

    return await _id(unit, wanted, agent_by_name, "agent", ", or more than one")


async def flow_id(unit: Unit, wanted: str) -> str:
    """Return the id of a flow. Raises ``NotFound`` where none has the name."""
    from cordboard.control.flows.queries import flow_by_name

    return await _id(unit, wanted, flow_by_name, "flow")


async def _id(
    unit: Unit,
    wanted: str,
    by_name: Callable[[Unit, str], Awaitable[_Row | None]],
    noun: str,
    or_else: str = "",
) -> str:
    from cordboard.control.errors import NotFound
    from cordboard.control.fields import as_uuid

    if as_uuid(wanted):
        return wanted
    row = await by_name(unit, wanted)
    if row is None:
        raise NotFound(f"There is no {noun} named {wanted!r}{or_else}")
    return row.id
