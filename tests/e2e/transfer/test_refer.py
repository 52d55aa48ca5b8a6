"""Transfers that the trunk makes by itself (REFER), with a foreign phone (sipp) on the line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.e2e.outbound.callee import (
    Callee,
    answers,
    callee,
    hangs_up,
    is_hung_up_on,
    rings,
    speaks,
    waits,
)
from tests.e2e.robustness.caller import until
from tests.e2e.robustness.house import PROGRAM
from tests.e2e.server import GREETING, Json, Server
from tests.e2e.transfer.house import TARGET

OURS = "12025550177"
CALLED = "12025550155"


def is_referred(status: str) -> str:
    """REFER comes, and is answered so."""
    return f"""<recv request="REFER"/>
    <send><![CDATA[
      SIP/2.0 {status}
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:callee@[local_ip]:[local_port]>
      Content-Length: 0

    ]]></send>
"""


def tells(status: str, state: str, cseq: int) -> str:
    """NOTIFY goes out with what came of the REFER, and is answered."""
    return f"""<send retrans="500"><![CDATA[
      NOTIFY [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
      Max-Forwards: 70
      From: [$callee];tag=[pid]S[call_number]
      To: [$caller]
      Call-ID: [call_id]
      CSeq: {cseq} NOTIFY
      Contact: <sip:callee@[local_ip]:[local_port]>
      Event: refer
      Subscription-State: {state}
      Content-Type: message/sipfrag;version=2.0
      Content-Length: [len]

      SIP/2.0 {status}
    ]]></send>
    <recv response="200"/>
"""


ASKS = (rings(), answers(), waits(2_500), speaks())


@asynccontextmanager
async def _talking(directory: Path, far: Callee, target: str = TARGET) -> AsyncIterator[_Talk]:
    """Call ``far``, who will ask to be put through to ``target``."""
    server = Server(directory, {"calls_max_count": "20"}, PROGRAM)
    await asyncio.to_thread(server.start)
    try:
        yield _Talk(server, _placed(server, far.port, target))
    finally:
        code = await asyncio.to_thread(server.stop)
    assert code == 0
    assert not server.mistakes()


class _Talk:
    """A call that was placed."""

    def __init__(self, server: Server, call_id: str) -> None:
        self._server = server
        self._call_id = call_id

    def show(self) -> Json:
        shown: Json = self._server.api.get("/x/v1/calls", params={"id": self._call_id}).json()
        return shown

    async def over(self, wait_s: float = 25) -> Json:
        async def ended() -> bool:
            return (await asyncio.to_thread(self.show))["status"] in ("ended", "error")

        await until(ended, wait_s, self.show)
        return self.show()


def _placed(server: Server, port: int, target: str) -> str:
    actions = [{"type": "action_transfer_call", "config": {"phone_number": target}}]
    agent = {
        "prompt": {"content": "Obey."},
        "voice": {"type": "voice_vocode", "voice_id": "joe"},
        "initial_message": GREETING,
        "actions": actions,
    }
    trunk = {
        "name": "refers",
        "target": f"sip:127.0.0.1:{port}",
        "allow_any": True,
        "transfer": "refer",
    }
    made = server.create("/x/v1/sip_trunks/create", trunk)
    server.create(
        "/v1/numbers/link",
        {
            "phone_number": OURS,
            "telephony_account_connection": made["id"],
            "outbound_only": True,
        },
    )
    answering = server.create("/v1/agents/create", agent)
    wanted = {"from_number": OURS, "to_number": CALLED, "agent": answering["id"]}
    return str(server.create("/v1/calls/create", wanted)["id"])


async def test_the_trunk_takes_the_caller_over(tmp_path: Path) -> None:
    """REFER names the target; its success is on record, and our leg ends with BYE."""
    steps = (
        *ASKS,
        is_referred("202 Accepted"),
        tells("100 Trying", "active;expires=60", 1),
        tells("200 OK", "terminated;reason=noresource", 2),
        is_hung_up_on(),
    )
    async with callee(tmp_path, *steps, words="transfer") as far:
        async with _talking(tmp_path / "near", far) as talk:
            over = await talk.over()
        run = await far.done()
    assert (run.exit_code, run.succeeded) == (0, 1), run.explain()
    assert f"Refer-To: <sip:{TARGET}@" in far.messages().replace("sip:+", "sip:")
    assert over["end_reason"] == "transferred"
    assert "Successfully transferred call" in over["transcript"]


@pytest.mark.parametrize(
    ("status", "kind"), [("486 Busy Here", "busy"), ("603 Decline", "rejected")]
)
async def test_a_target_that_refuses(tmp_path: Path, status: str, kind: str) -> None:
    """What the trunk reports of a target that does not answer comes back to the agent."""
    steps = (
        *ASKS,
        is_referred("202 Accepted"),
        tells(status, "terminated;reason=noresource", 1),
        waits(3_000),
        hangs_up().replace("CSeq: 1 BYE", "CSeq: 2 BYE"),
    )
    async with callee(tmp_path, *steps, words="transfer") as far:
        async with _talking(tmp_path / "near", far) as talk:
            over = await talk.over()
        run = await far.done()
    assert run.exit_code == 0, run.explain()
    assert f"Did not transfer call: {kind}" in over["transcript"]
    assert "BOT: nobody is there" in over["transcript"]


async def test_a_trunk_that_does_not_refer(tmp_path: Path) -> None:
    """Where REFER is refused, a second leg is placed and bridged."""
    steps = (*ASKS, is_referred("405 Method Not Allowed"), waits(4_000), hangs_up())
    async with (
        callee(tmp_path, *steps, words="transfer", calls=2) as far,
        _talking(tmp_path / "near", far) as talk,
    ):
        over = await talk.over()
    assert f"INVITE sip:{TARGET}@" in far.messages().replace("sip:+", "sip:")
    assert "Successfully transferred call" in over["transcript"]


async def test_digits_after_the_answer(tmp_path: Path) -> None:
    """A target that wants keys pressed is called by us, whatever the trunk can do."""
    steps = (*ASKS, waits(6_000), hangs_up())
    async with (
        callee(tmp_path, *steps, words="transfer", calls=2) as far,
        _talking(tmp_path / "near", far, f"{TARGET},12") as talk,
    ):
        over = await talk.over()
    assert "REFER sip:" not in far.messages()
    assert f"INVITE sip:{TARGET}@" in far.messages().replace("sip:+", "sip:")
    assert "Successfully transferred call" in over["transcript"]
