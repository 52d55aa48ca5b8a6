"""A trunk that wants to be registered: a foreign registrar (sipp) sees it come, stay and go."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.e2e.outbound.callee import callee
from tests.e2e.outbound.house import line
from tests.e2e.server import Server

_ANSWER = """<send><![CDATA[
      SIP/2.0 {status}
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]S[call_number]
      [last_Call-ID:]
      [last_CSeq:]{more}
      Content-Length: 0

    ]]></send>
"""
_ASKED = '<recv request="REGISTER"/>\n'
_PROVEN = """<recv request="REGISTER"><action>
      <verifyauth assign_to="proof" username="user" password="secret-word"/>
    </action></recv>
    <nop hide="true" test="proof" next="proven"/>
    <nop><action><error message="wrong proof"/></action></nop>
    <label id="proven"/>
"""
_CHALLENGE = (
    '\n      WWW-Authenticate: Digest realm="trunk", nonce="4711", qop="auth", algorithm=MD5'
)


async def test_registers_refreshes_and_leaves(tmp_path: Path) -> None:
    """Challenged, it proves itself; it refreshes in time, and goes when the server stops."""
    granted = _ANSWER.format(status="200 OK", more="\n      Expires: 2")
    steps = (
        _ANSWER.format(status="401 Unauthorized", more=_CHALLENGE) + _PROVEN + granted,
        _ASKED + granted,
        _ASKED + granted,
        _ASKED + granted,
    )
    server = Server(tmp_path / "server")
    await asyncio.to_thread(server.start)
    code = None
    try:
        async with callee(tmp_path, *steps, begins=_ASKED) as registrar:
            line(
                server,
                registrar.port,
                register=True,
                register_user="user",
                register_password="secret-word",
            )
            async with asyncio.timeout(15):
                while registrar.messages().count("SIP/2.0 200") < 3:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            code = await asyncio.to_thread(server.stop)
            run = await registrar.done()
    finally:
        if code is None:
            server.stop()
    assert code == 0
    assert run.exit_code == 0, run.explain()
    assert "Expires: 0" in run.messages
    assert "sip.registered" in server.log()


async def test_refused_registration_is_told(tmp_path: Path) -> None:
    """A registrar that says no is on the log, once for each try, and holds up nothing else."""
    refused = _ANSWER.format(status="403 Forbidden", more="")
    server = Server(tmp_path / "server")
    await asyncio.to_thread(server.start)
    code = None
    try:
        async with callee(tmp_path, refused, begins=_ASKED) as registrar:
            line(
                server,
                registrar.port,
                register=True,
                register_user="user",
                register_password="secret-word",
            )
            run = await registrar.done()
            async with asyncio.timeout(5):
                while "sip.not_registered" not in server.log():  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        code = await asyncio.to_thread(server.stop)
    finally:
        if code is None:
            server.stop()
    assert run.exit_code == 0, run.explain()
    assert code == 0
    assert server.log().count("sip.not_registered") == 1
    assert "secret-word" not in server.log()
