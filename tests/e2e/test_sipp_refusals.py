"""What a foreign caller (sipp) is refused, and how."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.e2e.conftest import DIGEST_NUMBER, DIGEST_PASSWORD, MD5_NUMBER, MD5_USER
from tests.e2e.server import Server
from tests.e2e.sipp_program import Plan, run_sipp


async def test_options(server: Server, tmp_path: Path) -> None:
    """OPTIONS outside a call is answered with what we can do, and makes no call."""
    run = await run_sipp("options", server.address, tmp_path)
    assert run.exit_code == 0, run.explain()
    assert server.calls(run.handle) == []


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("MESSAGE", "405"),
        ("REGISTER", "405"),
        ("SUBSCRIBE", "489"),
        ("PUBLISH", "489"),
        ("NOTIFY", "481"),
        ("REFER", "403"),
        ("UPDATE", "481"),
        ("INFO", "481"),
        ("PRACK", "481"),
        ("FROBNICATE", "501"),
    ],
)
async def test_out_of_dialog(server: Server, tmp_path: Path, method: str, status: str) -> None:
    """A request outside a call gets exactly the status that is due and makes no call."""
    plan = Plan(keys={"method": method, "status": status, "event": "presence"})
    run = await run_sipp("out_of_dialog", server.address, tmp_path, plan)
    assert run.exit_code == 0, run.explain()
    assert server.calls(run.handle) == []


async def test_required_extension(server: Server, tmp_path: Path) -> None:
    """A required extension that we lack is refused with 420 that names it."""
    run = await run_sipp("require_unknown", server.address, tmp_path)
    assert run.exit_code == 0, run.explain()
    assert server.calls(run.handle) == []


@pytest.mark.parametrize(
    ("number", "audio", "status"),
    [("+12025550177", "0 8", "404"), ("+12025550101", "18 3", "488")],
)
async def test_refused(
    server: Server, tmp_path: Path, number: str, audio: str, status: str
) -> None:
    """An unknown number gets 404, an offer without an encoding of ours 488; no row is made."""
    plan = Plan(number=number, keys={"audio": audio, "status": status})
    run = await run_sipp("refused", server.address, tmp_path, plan)
    assert run.exit_code == 0, run.explain()
    assert server.calls(run.handle) == []


async def test_unknown_source(server: Server, tmp_path: Path) -> None:
    """A source of no trunk hears nothing at all."""
    plan = Plan(host="127.0.0.2")
    run = await run_sipp("not_answered", server.address, tmp_path, plan)
    assert run.exit_code == 0, run.explain()
    assert run.count("received") == 0
    assert server.calls(run.handle) == []


async def test_full_house(guarded: Server, tmp_path: Path) -> None:
    """One call too many is refused at once with 503 and Retry-After; the running one goes on."""
    plan = Plan(hold_ms=2_500)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(run_sipp("short_call", guarded.address, tmp_path, plan))
        await asyncio.sleep(1)
        second = await run_sipp("full_house", guarded.address, tmp_path)
        run = await running
    assert second.exit_code == 0, second.explain()
    assert second.time_of("SIP/2.0 503") - second.time_of("INVITE") <= 0.2
    assert run.exit_code == 0, run.explain()
    assert len(await guarded.ended_calls(run.handle)) == 1
    assert guarded.calls(second.handle) == []


async def test_no_proof(guarded: Server, tmp_path: Path) -> None:
    """A caller that proves nothing is asked for SHA-256 first, and makes no row."""
    plan = Plan(number=DIGEST_NUMBER, host="127.0.0.3")
    run = await run_sipp("digest_none", guarded.address, tmp_path, plan)
    assert run.exit_code == 0, run.explain()
    assert guarded.calls(run.handle) == []


async def test_proof_by_an_older_telephone(guarded: Server, tmp_path: Path) -> None:
    """On a trunk that says md5 a foreign caller that knows no better is let in by its password."""
    keys = {"user": MD5_USER, "password": DIGEST_PASSWORD}
    plan = Plan(number=MD5_NUMBER, host="127.0.0.3", hold_ms=500, keys=keys)
    run = await run_sipp("digest_md5", guarded.address, tmp_path, plan)
    assert run.exit_code == 0, run.explain()
    assert len(await guarded.ended_calls(run.handle)) == 1


async def test_wrong_password(guarded: Server, tmp_path: Path) -> None:
    """A wrong password is refused with 403, and makes no row."""
    keys = {"user": MD5_USER, "password": "not-the-password"}
    plan = Plan(number=MD5_NUMBER, host="127.0.0.3", keys=keys)
    run = await run_sipp("digest_md5_wrong", guarded.address, tmp_path, plan)
    assert run.exit_code == 0, run.explain()
    assert guarded.calls(run.handle) == []
