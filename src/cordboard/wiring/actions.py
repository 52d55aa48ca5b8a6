"""External actions with the secrets they are signed with, fetched when one runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import select

from cordboard.call.actions import ActionCall, ActionKind, ActionOutcome, ActionPlan
from cordboard.call.collecting import recorded
from cordboard.egress import Egress
from cordboard.ports import Clock
from cordboard.providers.external_action.runner import ExternalActions
from cordboard.storage.database import Database
from cordboard.storage.secrets import SIGNATURE_SECRET, secret_in
from cordboard.storage.tables import Action
from cordboard.storage.vault import SecretUnreadable, Vault


class SignedActions:
    """``ports.ActionRunner``: external actions, signed with the stored secret of each, and what
    a prompt has its agent collect.
    """

    def __init__(self, egress: Egress, clock: Clock, database: Database, vault: Vault) -> None:
        self._egress = egress
        self._clock = clock
        self._database = database
        self._vault = vault

    async def run(
        self, call_id: str, call: ActionCall, plan: ActionPlan, sent: Callable[[], None]
    ) -> ActionOutcome:
        """Run one action to its outcome."""
        if plan.kind is ActionKind.RECORD_EMAIL:
            return recorded(str(plan.config["name"]), call.arguments)
        secret = await self._secret(plan)
        return await self._runner(secret).run(call_id, call, plan, sent)

    def problems(self, plan: ActionPlan, arguments: Mapping[str, object]) -> Sequence[str]:
        """Return what is wrong with the arguments."""
        return self._runner("").problems(plan, arguments)

    def _runner(self, secret: str) -> ExternalActions:
        return ExternalActions(
            self._egress, lambda: int(self._clock.wall().timestamp()), lambda plan: secret
        )

    async def _secret(self, plan: ActionPlan) -> str:
        async with self._database.read() as session:
            row = (await session.scalars(select(Action).where(Action.id == plan.action_id))).first()
        if row is None:
            return ""
        try:
            return secret_in(self._vault, row, *SIGNATURE_SECRET) or ""
        except SecretUnreadable:
            return ""
