"""Ways to flows' apps, as a process has them."""

from __future__ import annotations

from cordboard.call.events import AppAnswered, AppFailed
from cordboard.call.flow.plan import FlowPlan
from cordboard.clock import SystemClock
from cordboard.flow_apps.address import NoToken
from cordboard.ports import NewCall
from cordboard.wiring.flow_apps import FlowAppLines
from tests.flow_apps.app import TOKEN, serving
from tests.flow_apps.lines import Noted, gate, new_call


class Tokens:
    """Tokens that can be had once."""

    def __init__(self) -> None:
        self.asked_count = 0

    async def __call__(self, _call: NewCall) -> str | None:
        """Return the token, or raise ``NoToken``."""
        self.asked_count += 1
        if self.asked_count > 1:
            raise NoToken("away")
        return TOKEN


def _report(where: str, error: BaseException) -> None:
    raise AssertionError(where) from error


async def test_a_call_keeps_its_token() -> None:
    """A call whose database is away in its middle still shows its app who it is."""
    tokens, noted = Tokens(), Noted()
    async with serving(lambda _: None, "http") as app, gate() as egress:
        lines = FlowAppLines(egress, tokens, SystemClock(), _report)
        async with lines.running():
            line = lines.open(new_call(FlowPlan(flow_id="f1", url=app.url)), noted.post)
            for place, kind in enumerate(("session_start", "assistant_speech_ended")):
                line.tell(kind, kind, {}, answerable=True)
                await noted.wait_for(AppAnswered, place + 1)
            line.tell("session_end", "session_end", {}, answerable=False)
            line.close()
    assert [request.headers["X-API-TOKEN"] for request in app.requests] == [TOKEN] * 3
    assert not noted.of(AppFailed)
