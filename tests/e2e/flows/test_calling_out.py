"""A flow's call out over SIP, and everything that is kept and told of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.e2e.flows.house import facts, flow_number, lead_out
from tests.e2e.outbound.callee import answers, callee, is_hung_up_on, rings, speaks, waits
from tests.e2e.robustness.caller import until
from tests.e2e.server import Json, Server
from tests.flow_apps.app import Answer, serving

THEIRS = "12025550155"
SUBSCRIPTIONS = [
    *("event_phone_call_connected", "event_phone_call_ended", "event_transcript"),
    *("event_recording", "event_message", "event_action"),
]


def polite(event: Json) -> Answer:
    """Greet who is called, and hang up when they have spoken."""
    match event["type"]:
        case "session_start":
            return {"type": "speak", "text": "good day"}
        case "user_speak":
            return [{"type": "speak", "text": "thank you"}, {"type": "hangup"}]
    return None


async def test_a_call_out(server: Server, tmp_path: Path) -> None:
    """Asked for by the protocol's request, it rings, talks and ends; record, transcript, recording,
    usage, webhooks and the app's time are there as for an agent's.
    """
    steps = (rings(), answers(), waits(2_500), speaks(), is_hung_up_on())
    async with (
        callee(tmp_path, *steps) as far,
        serving(polite, "http") as app,
        serving(lambda _: None, "http") as hook,
    ):
        minutes = server.api.get("/v1/usage").json()["monthly_usage_minutes"]
        await asyncio.to_thread(lead_out, server, far.port)
        wanted = {"url": hook.url, "method": "POST", "subscriptions": SUBSCRIPTIONS}
        webhook = server.create("/v1/webhooks/create", wanted)["id"]
        number = await asyncio.to_thread(flow_number, server, app.url, webhook=webhook)
        shown = server.api.get("/v1/numbers", params={"phone_number": number}).json()
        path = f"/v3/ai-flows/{shown['inbound_flow']}/call"
        asked = server.api.post(path, json={"toPhoneNumber": THEIRS, "billingDevice": "e0"})
        assert asked.status_code == 201, asked.text
        call_id = asked.json()["session_id"]
        await app.wait_for("session_end", wait_s=30)
        await asyncio.to_thread(lead_out, server, None)
        run = await far.done()
        told = {"event_phone_call_ended", "event_transcript", "event_recording"}
        await until(lambda: told <= _types(hook.events), 20, lambda: hook.events)
    assert (run.exit_code, run.succeeded) == (0, 1), run.explain()
    session = app.of("session_start")[0]["session"]
    assert (session["id"], session["direction"]) == (call_id, "outbound")
    assert session["from_phone_number"] == f"+{number.lstrip('+')}"
    assert session["to_phone_number"] == f"+{THEIRS}"
    over = server.api.get("/x/v1/calls", params={"id": call_id}).json()
    assert (over["status"], over["operator"]) == ("ended", "flow")
    assert over["stage_outcome"] == "bot_disconnected"
    lines = over["transcript"].splitlines()
    assert [line.split(": ", 1)[-1] for line in lines] == ["good day", "good morning", "thank you"]
    recording = server.api.get("/x/v1/calls/recording", params={"id": call_id})
    assert (recording.status_code, len(recording.content) > 5_000) == (200, True)
    # Begun minutes of all calls together.
    assert server.api.get("/v1/usage").json()["monthly_usage_minutes"] >= max(1, minutes)
    _judge_hooks(hook.events, call_id)
    answered = await facts(server, call_id, "app_answered")
    (spoken,) = [each["content"] for each in answered if each["content"]["type"] == "user_speak"]
    assert 0 <= spoken["after_ms"] < 5_000


def _types(events: list[tuple[float, Json]]) -> set[str]:
    return {event["type"] for _, event in events}


def _judge_hooks(events: list[tuple[float, Json]], call_id: str) -> None:
    """Each is of this call; the transcript is the call's."""
    assert {event["call_id"] for _, event in events} == {call_id}
    assert "event_phone_call_connected" in _types(events)
    (transcript,) = [event for _, event in events if event["type"] == "event_transcript"]
    assert "good morning" in str(transcript["payload"])
