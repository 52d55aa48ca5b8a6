"""What a called number leads to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.call.context_answer import ContextAnswer
from cordboard.call.plan import CallPlan
from cordboard.ports import Clock, InboundPlan
from cordboard.storage.agent_rows import AgentRows, api_agent, load_agent
from cordboard.storage.flow_rows import flow_of_call, flow_plan, load_flow
from cordboard.storage.phone_numbers import shown_number, stored_user_part
from cordboard.storage.plans import (
    DEFAULTS,
    AgentMissing,
    PlanOptions,
    plan_of,
    standard_variables,
)
from cordboard.storage.tables import Number
from cordboard.storage.usage import USED_UP, MonthlyMinutes


@dataclass(frozen=True, slots=True)
class ContextQuestion:
    """Whom to ask about which caller; ``caller`` is a number without ``+``."""

    organisation_id: str
    url: str
    caller: str


AskContext = Callable[[ContextQuestion], Awaitable[ContextAnswer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundPlans:
    """The call store's ``find_plan`` and ``show_agent``. ``ask`` asks context endpoints,
    ``minutes`` tells whether an organisation has any left.
    """

    clock: Clock
    home_country: str = "US"
    options: PlanOptions = DEFAULTS
    ask: AskContext | None = None
    minutes: MonthlyMinutes | None = None

    async def find(
        self, session: AsyncSession, trunk_id: str | None, number: str, from_number: str
    ) -> InboundPlan | None:
        """Turn a called number into a plan, or None when nobody answers there.

        A number is found through its own trunk, or account connection, only. Without a trunk (the
        loopback carrier) it is found where no other organisation has the same one.
        """
        found = await self._found(session, trunk_id, number, from_number)
        if found is None or self.minutes is None:
            return found
        if await self.minutes.are_used_up(session, found.organisation_id):
            return replace(found, rest=None, refusal=USED_UP)
        return found

    async def _found(
        self, session: AsyncSession, trunk_id: str | None, number: str, from_number: str
    ) -> InboundPlan | None:
        row = await self._number(session, trunk_id, number)
        if row is None:
            return None
        if row.inbound_flow_id is not None:
            return await self._of_flow(session, row, row.inbound_flow_id)
        if row.inbound_agent_id is None:
            return None
        caller = shown_number(from_number, self.home_country)
        rows = await load_agent(session, row.organisation_id, row.inbound_agent_id)
        if rows is None:
            raise AgentMissing(row.inbound_agent_id)
        variables = standard_variables(caller, row.number, self.clock.wall())
        plan = plan_of(rows, variables, self.options)
        endpoint = (
            rows.prompt.fields.get("context_endpoint") or rows.agent.fields["context_endpoint"]
        )
        rest = None
        if endpoint and self.ask is not None:
            question = ContextQuestion(row.organisation_id, endpoint, caller)
            rest = partial(self._filled, self.ask, question, rows, variables, row.number)
        return InboundPlan(row.organisation_id, row.number, plan, rest)

    async def _filled(
        self,
        ask: AskContext,
        question: ContextQuestion,
        rows: AgentRows,
        variables: Mapping[str, str],
        number: str,
    ) -> InboundPlan:
        """Return the plan with the endpoint's values, or as it is without; never fails."""
        answer = await ask(question)
        plan = plan_of(rows, {**variables, **answer.values}, self.options)
        return InboundPlan(question.organisation_id, number, replace(plan, context_answer=answer))

    async def show(
        self, session: AsyncSession, organisation_id: str, plan: CallPlan
    ) -> Mapping[str, object]:
        """Return a plan's agent or flow as the API shows it, for the call's row."""
        if plan.flow is not None:
            return await flow_of_call(session, organisation_id, plan.flow.flow_id)
        agent_id = plan.agent_id
        rows = await load_agent(session, organisation_id, agent_id) if agent_id else None
        return api_agent(rows) if rows else {}

    async def _of_flow(
        self, session: AsyncSession, row: Number, flow_id: str
    ) -> InboundPlan | None:
        flow = await load_flow(session, row.organisation_id, flow_id)
        if flow is None:
            return None
        plan = await flow_plan(session, flow, self.options)
        return InboundPlan(row.organisation_id, row.number, plan)

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
