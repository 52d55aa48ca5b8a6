"""What is there before a client begins: an organisation with trunks, numbers and an ended call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cordboard.storage.tables import Call
from tests.control.server import Server

AT: Final = datetime(2026, 3, 4, 5, 6, 7, 250_000, tzinfo=UTC)
SOUND: Final = b"ID3 not much of a recording"


def prepare(server: Server, serial: int) -> dict[str, Any]:
    """Make an organisation and return its key and the names that steps may use.

    ``serial`` keeps the numbers of several organisations apart.
    """
    key = server.other_organisation()
    number, outbound = f"1202555{4000 + serial:04}", f"1202555{5000 + serial:04}"
    with server.client(key) as http:
        target: dict[str, Any] = {"name": "t", "target": "sip:192.0.2.1:5060", "allow_any": True}
        target["pool"] = [f"1415555{4 * serial + index:04}" for index in range(4)]
        trunk = http.post("/x/v1/sip_trunks/create", json=target).json()["id"]
        for text in (f"1202555{6000 + serial:04}", outbound):
            link = {"phone_number": text, "telephony_account_connection": trunk}
            linked = http.post("/v1/numbers/link", json=link)
            assert linked.status_code == 200, linked.text
        agent = linked.json()["inbound_agent"]
    call = _ended(server, agent)
    server.engine.recordings[call] = SOUND
    names = {"trunk": trunk, "number": number, "outbound_number": outbound, "ended_call": call}
    names["spare"] = f"1202555{6000 + serial:04}"
    return {"key": key, "names": names}


def _ended(server: Server, agent: dict[str, Any]) -> str:
    row = Call(
        id=server.services.randomness.uuid(),
        organisation_id=agent["user_id"],
        created_at=AT,
        direction="inbound",
        status="ended",
        stage="picked_up",
        stage_outcome="human_disconnected",
        end_reason="caller_hung_up",
        from_number="12025550101",
        to_number="12025550100",
        agent_phone_number="12025550100",
        agent_id=agent["id"],
        agent=agent,
        plan={},
        carrier="twilio",
        telephony_provider="twilio",
        telephony_id="CA1",
        telephony_metadata={
            "type": "telephony_metadata_twilio",
            "call_sid": "CA1",
            "call_status": "completed",
        },
        transcript="HUMAN: hi\nBOT: hello",
        recording_available=True,
        started_at=AT,
        ended_at=AT + timedelta(minutes=1),
        call_variables={"a": "b"},
        human_detection_result="human",
        do_not_call_result=False,
        error_message=None,
    )

    async def store() -> str:
        async with server.services.database.write() as session:
            session.add(row)
        return row.id

    return str(server.run(store()))
