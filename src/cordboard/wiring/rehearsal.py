"""A flow's call by text, to an app that is not stored anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from cordboard.call.flow.plan import FlowPlan
from cordboard.call.plan import CallPlan, TurnPlan, VoicePlan
from cordboard.clock import SystemClock
from cordboard.egress import ANYWHERE, Egress, EgressPolicy
from cordboard.engine.guard import Report
from cordboard.ids import Randomness
from cordboard.ports import Direction, NewCall
from cordboard.rehearsal.rehearsal import Manners, Rehearsal
from cordboard.rehearsal.script import Step
from cordboard.wiring.flow_apps import FlowAppLines

_NEVER_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsing:
    """What is rehearsed: the app, and who calls whom."""

    url: str
    token: str | None = None
    language: str = "en"
    caller: str = "+12025550199"
    number: str = "+12025550110"
    speaks_at_end: bool = False
    answer_within_ms: int = 10_000
    fast: bool = False


class _AnyVoice:
    """Every voice that an app names will do: nothing is heard."""

    def choose(
        self, provider: str | None, voice: str | None, language: str | None
    ) -> tuple[VoicePlan | None, str]:
        return None, ""


async def rehearse(
    wanted: Rehearsing,
    write: Callable[[str], None],
    report: Report,
    script: Sequence[Step] | None,
    listen: Callable[[Rehearsal], None],
) -> int:
    """Make the call; returns how many things went wrong. Lines of ``write`` tell what happens.

    Without a script ``listen`` begins to hand in what is typed.
    """
    clock = SystemClock()
    gate = Egress(EgressPolicy(open_networks=ANYWHERE), reuse=True)

    async def token(_call: NewCall) -> str | None:
        return wanted.token

    try:
        async with FlowAppLines(gate, token, clock, report, _AnyVoice()).running() as apps:
            manners = Manners(fast=wanted.fast, answer_wait_ms=wanted.answer_within_ms)
            rehearsal = Rehearsal(_new_call(wanted, clock), clock, write, manners)
            if script is None:
                listen(rehearsal)
            await rehearsal.run(apps, script)
        return rehearsal.trouble_count
    finally:
        await gate.close()


def _new_call(wanted: Rehearsing, clock: SystemClock) -> NewCall:
    ids = Randomness.system()
    flow = FlowPlan(
        flow_id="rehearsed",
        url=wanted.url,
        answers_each=urlsplit(wanted.url).scheme in ("http", "https"),
        answer_within_ms=wanted.answer_within_ms,
        speaks_at_end=wanted.speaks_at_end,
    )
    plan = CallPlan(
        organisation_id="rehearsal",
        language=wanted.language,
        flow=flow,
        turn=TurnPlan(idle_ms=_NEVER_MS),
        longest_call_ms=_NEVER_MS,
    )
    return NewCall(
        call_id=ids.uuid(),
        leg_id="1",
        organisation_id="rehearsal",
        direction=Direction.INBOUND,
        from_number=wanted.caller,
        to_number=wanted.number,
        carrier="rehearsal",
        trunk_id=None,
        carrier_handle="",
        dialog={},
        plan=plan,
        at=clock.wall(),
    )
