"""Live SIP calls that an app drives, over both transports."""

from __future__ import annotations

import pytest

from tests.e2e.flows.house import TRANSPORTS, calling, facts
from tests.e2e.server import Server
from tests.flow_apps.app import TOKEN, Answer, Json

SESSION = {"id", "account_id", "phone_number", "direction", "from_phone_number", "to_phone_number"}


def conversation(event: Json) -> Answer:
    """Greet, repeat what is said, and say goodbye on a nine."""
    session_id = event["session"]["id"]
    match event:
        case {"type": "session_start"}:
            return {"type": "speak", "session_id": session_id, "text": "Welcome to the shop"}
        case {"type": "user_speak", "text": text}:
            return {"type": "speak", "session_id": session_id, "text": f"You said {text}"}
        case {"type": "dtmf_received"}:
            return [
                {"type": "speak", "session_id": session_id, "text": "Goodbye then"},
                {"type": "hangup", "session_id": session_id},
            ]
    return None


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_conversation(server: Server, transport: str) -> None:
    """Events go out and actions are heard, in order; the token is shown; all is on the record."""
    async with calling(server, conversation, transport, f"talk-{transport}.") as (caller, app):
        await caller.hear("Welcome to the shop")
        await app.wait_for("assistant_speech_ended")
        caller.say("blue shoes")
        await caller.hear("You said blue shoes")
        await app.wait_for("assistant_speech_ended", 2)
    kinds = [kind for kind in app.kinds() if kind != "user_speech_started"]
    assert kinds == [
        "session_start",
        *("assistant_speak", "assistant_speech_ended"),
        *("user_speak", "assistant_speak", "assistant_speech_ended"),
        "session_end",
    ]
    assert ("user_speech_started" in app.kinds()) == (transport == "websocket")
    assert all(set(event["session"]) == SESSION for _, event in app.events)
    assert {request.headers.get("X-API-TOKEN") for request in app.requests} == {TOKEN}
    kept = await facts(server, app.events[0][1]["session"]["id"])
    told = [fact["content"]["type"] for fact in kept if fact["kind"] == "flow_event"]
    assert told == app.kinds()
    asked = [fact["content"]["type"] for fact in kept if fact["kind"] == "flow_action"]
    assert asked == ["speak", "speak"]
