"""What a called number leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.ports import Clock, InboundPlan
from cordboard.storage.agent_rows import api_agent, load_agent
from cordboard.storage.phone_numbers import shown_number, stored_user_part
from cordboard.storage.plans import DEFAULTS, PlanOptions, build_plan, standard_variables
from cordboard.storage.tables import Number


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundPlans:
    """The call store's ``find_plan`` and ``show_agent``."""

    clock: Clock
    home_country: str = "US"
    options: PlanOptions = DEFAULTS

    async def find(
        self, session: AsyncSession, trunk_id: str | None, number: str, from_number: str
    ) -> InboundPlan | None:
        """Turn a called number into a plan, or None when nobody answers there.

        A number is found through its own trunk, or account connection, only. Without a trunk (the
        loopback carrier) it is found where no other organisation has the same one.
        """
        row = await self._number(session, trunk_id, number)
        if row is None or row.inbound_agent_id is None:
            return None
        caller = shown_number(from_number, self.home_country)
        variables = standard_variables(caller, row.number, self.clock.wall())
        plan, _ = await build_plan(
            session,
            row.organisation_id,
            row.inbound_agent_id,
            variables=variables,
            options=self.options,
        )
        return InboundPlan(row.organisation_id, row.number, plan)

    async def show(
        self, session: AsyncSession, organisation_id: str, agent_id: str | None
    ) -> Mapping[str, object]:
        """Return an agent as the public API shows it, for the call's row."""
        rows = await load_agent(session, organisation_id, agent_id) if agent_id else None
        return api_agent(rows) if rows else {}

    async def _number(
        self, session: AsyncSession, trunk_id: str | None, number: str
    ) -> Number | None:
        try:
            text = stored_user_part(number, self.home_country)
        except ValueError:
            return None
        wanted = select(Number).where(
            Number.number == text, Number.active.is_(True), Number.outbound_only.is_(False)
        )
        if trunk_id is not None:
            by_trunk = Number.trunk_id == trunk_id
            wanted = wanted.where(or_(by_trunk, Number.telephony_account_connection_id == trunk_id))
        found = (await session.scalars(wanted.limit(2))).all()
        return found[0] if len(found) == 1 else None
