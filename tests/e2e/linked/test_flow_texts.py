"""A flow on a number of a linked account: it sends texts, and hands the caller over."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.e2e.linked.house import PUBLIC_URL, VOICE, linked
from tests.e2e.robustness.caller import until
from tests.e2e.server import NUMBER
from tests.fakes.twilio_rest import FakeCall as RestCall
from tests.flow_apps.app import Answer, Json, serving

ALLOWED, CLOSED = "12025550155", "442071838750"
SID = "CA" + "1" * 32
CALLER = "+12025550100"


def texting(event: Json) -> Answer:
    """Send two texts, one of which may not be sent; then hand over who calls."""
    match event["type"]:
        case "session_start":
            sms = {"type": "send_sms", "message": "Your code is 12"}
            return [
                {**sms, "phone_number": ALLOWED},
                {**sms, "phone_number": CLOSED},
                {"type": "speak", "text": "two texts"},
            ]
        case "sms_failed":
            return {
                "type": "transfer",
                "target_phone_number": ALLOWED,
                "caller_id_name": "Front desk",
                "caller_id_number": CALLER,
                "timeout": 21,
            }
    return None


def _address(document: str, name: str) -> str:
    """Return the path that an attribute of a document leads to."""
    return document.partition(f'{name}="')[2].partition('"')[0].removeprefix(PUBLIC_URL)


async def test_texts_and_a_transfer(tmp_path: Path) -> None:
    """What the dial policy allows is sent from the called number, the rest is told to the app; a
    transfer rings as long as asked and shows the caller.
    """
    async with serving(texting, "http") as app, linked(tmp_path) as house:
        server = house.server
        flow = server.create("/x/v1/flows/create", {"name": "texts", "url": app.url})
        answer = server.api.post(
            "/v1/numbers/update",
            params={"phone_number": NUMBER},
            json={"inbound_flow": flow["id"]},
        )
        assert answer.status_code == 200, answer.text
        house.rest.calls[SID] = RestCall(SID, [], "in-progress")
        call = house.call(SID)
        calling = asyncio.gather(call.offer(VOICE))
        failed = await app.wait_for("sms_failed")
        await until(lambda: len(house.rest.calls[SID].documents) == 1, 15)
        (dial,) = house.rest.calls[SID].documents
        call.phone.redirect()
        await asyncio.wait_for(calling, 5)
        child = {"CallSid": "CA" + "2" * 32, "ParentCallSid": SID, "CallStatus": "in-progress"}
        await call.post(_address(dial, "statusCallback"), child)
        await call.post(_address(dial, "action"), {"DialCallStatus": "completed"})
        await app.wait_for("session_end")
        over = await house.over(failed["session"]["id"])
        events = server.events(over["id"])
    (text,) = house.rest.texts.sent.values()
    assert (text["from"], text["to"]) == (NUMBER, f"+{ALLOWED}")
    assert text["body"] == "Your code is 12"
    assert (failed["phone_number"], failed["error"]) == (CLOSED, "refused")
    assert f'callerId="{CALLER}"' in dial
    assert 'timeout="21"' in dial
    assert any("caller_id_name" in str(event["content"]) for event in events)
