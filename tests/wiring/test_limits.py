"""An organisation whose minutes are used up takes no calls, whichever carrier they come by."""

from __future__ import annotations

import asyncio
import logging
import socket
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from twilio.request_validator import RequestValidator

from cordboard.clock import SystemClock
from cordboard.settings import Settings
from cordboard.storage.database import Database, migrate
from cordboard.storage.tables import Call, Organisation
from cordboard.storage.usage import KEPT_MS, MonthlyMinutes, month_of
from cordboard.wiring.server import running

KEY, TOKEN, SID = "an-owner-key-for-this-test", "a-token", "AC" + "0" * 32
SIP_NUMBER, LINKED_NUMBER = "12025550170", "12025550171"
PUBLIC = "https://voice.example.com"


async def _talked(database: Database, organisation_id: str, seconds: float) -> None:
    """Put a call of this month on record."""
    began = month_of(SystemClock().wall())
    async with database.write() as session:
        session.add(
            Call(
                id=str(uuid4()), organisation_id=organisation_id, created_at=began,
                direction="inbound", status="ended", stage="picked_up", from_number="1",
                to_number="2", agent_phone_number="2", agent={}, plan={}, carrier="sip",
                telephony_provider="sip", hipaa_compliant=False, started_at=began,
                ended_at=began + timedelta(seconds=seconds),
            )
        )  # fmt: skip


async def _furnished(http: httpx.AsyncClient) -> str:
    """Have a number on a trunk and one of an account; return the organisation's id."""
    trunk = await _made(http, "/x/v1/sip_trunks/create", name="t", networks=["127.0.0.1"])
    credentials = {"twilio_account_sid": SID, "twilio_auth_token": TOKEN}
    account = await _made(
        http,
        "/v1/account_connections/create",
        type="account_connection_twilio",
        credentials=credentials,
    )
    for number, reached in ((SIP_NUMBER, trunk), (LINKED_NUMBER, account)):
        there = {"phone_number": number, "telephony_account_connection": reached["id"]}
        await _made(http, "/v1/numbers/link", **there)
    return str(trunk["user_id"])


async def _made(http: httpx.AsyncClient, path: str, **body: object) -> dict[str, object]:
    answer = await http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    made: dict[str, object] = answer.json()
    return made


async def _invited(port: int, number: str) -> bytes:
    """Send an INVITE and return the first answer that is final."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.setblocking(False)
        wire.bind(("127.0.0.1", 0))
        own = f"127.0.0.1:{wire.getsockname()[1]}"
        token = uuid4().hex
        lines = [
            f"INVITE sip:{number}@127.0.0.1:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP {own};rport;branch=z9hG4bK{token}",
            "Max-Forwards: 70",
            f"From: <sip:12025550199@{own}>;tag={token}",
            f"To: <sip:{number}@127.0.0.1>",
            f"Call-ID: {token}",
            "CSeq: 1 INVITE",
            f"Contact: <sip:c@{own}>",
            "Content-Length: 0",
        ]
        loop = asyncio.get_running_loop()
        invite = "\r\n".join([*lines, "", ""]).encode()
        await loop.sock_sendto(wire, invite, ("127.0.0.1", port))
        async with asyncio.timeout(10):
            while True:
                answer = await loop.sock_recv(wire, 65_535)
                if not answer.startswith(b"SIP/2.0 1"):
                    return answer


async def _rung(http: httpx.AsyncClient) -> str:
    """Ask the voice webhook, as the carrier does."""
    path = f"/twilio/voice/{LINKED_NUMBER}"
    form = {"CallSid": "CA" + "1" * 32, "AccountSid": SID, "From": "+12025550199"}
    form |= {"To": f"+{LINKED_NUMBER}", "CallStatus": "ringing"}
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + path, form)
    headers = {"X-Twilio-Signature": signature}
    return (await http.post(path, data=form, headers=headers)).text


async def test_no_calls_come_in(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """By SIP it is a 503 that says when to come again, at Twilio a rejection; the log says why and
    so does the usage. A number that is not there is another thing.
    """
    options = {
        "profile": "development", "data_dir": str(tmp_path), "http_port": "0", "sip_port": "0",
        "transcriber": "tone", "synthesizer": "tone", "bootstrap_key": KEY, "public_url": PUBLIC,
        "monthly_minutes_max": "2", "twilio_numbers": "off",
    }  # fmt: skip
    settings = Settings.from_environment({}, options)
    caplog.set_level(logging.WARNING)
    async with (
        running(settings) as server,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{server.http_port}",
            headers={"Authorization": f"Bearer {KEY}"},
        ) as http,
    ):
        organisation_id = await _furnished(http)
        assert (await http.get("/v1/usage")).json()["limit_reached"] is False
        database = Database(settings.database_url)
        await _talked(database, organisation_id, 119)
        await database.close()
        assert (await http.get("/v1/usage")).json()["limit_reached"] is True
        refused = await _invited(server.sip_port, SIP_NUMBER)
        assert refused.startswith(b"SIP/2.0 503")
        assert b"retry-after" in refused.lower()
        assert (await _invited(server.sip_port, "12025550172")).startswith(b"SIP/2.0 404")
        assert "<Reject" in await _rung(http)
        assert (await http.get("/v1/calls/list")).json()["total"] == 1
    told = [record for record in caplog.records if record.message == "call.refused"]
    assert len(told) == 2
    assert "CORDBOARD_MONTHLY_MINUTES_MAX" in vars(told[0])["why"]


class _Clock(SystemClock):
    at_ms = 0

    def now_ms(self) -> int:
        return self.at_ms


async def test_counted_for_each_by_itself(tmp_path: Path) -> None:
    """An organisation's minutes are its own; what was counted holds for ten seconds."""
    url = f"sqlite+aiosqlite:///{tmp_path}/cordboard.db"
    await migrate(url)
    database, clock = Database(url), _Clock()
    minutes, free = MonthlyMinutes(clock, 2), MonthlyMinutes(clock, 0)
    async with database.write() as session:
        session.add(Organisation(id="o", name="o", created_at=clock.wall()))
    async with database.read() as session:
        assert not await minutes.are_used_up(session, "o")
    await _talked(database, "o", 61)
    async with database.read() as session:
        assert not await minutes.are_used_up(session, "o")
        clock.at_ms += KEPT_MS
        assert await minutes.are_used_up(session, "o")
        assert not await minutes.are_used_up(session, "p")
        assert not await free.are_used_up(session, "o")
    await database.close()
