"""Marks in every secret and personal field do not come out anywhere but where they are meant to."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
from typer.testing import CliRunner

from cordboard.cli.app import app
from tests.e2e.robustness.caller import Caller, street, until
from tests.e2e.secrecy.canaries import FOREIGN, MEANT, PERSONAL, SECRETS, columns, found
from tests.e2e.secrecy.house import ACTION, VARIABLES, House, furnished
from tests.e2e.server import NUMBER, Json, Server

EVERY = {**SECRETS, **PERSONAL, **FOREIGN}


async def _talk(house: House) -> Json:
    """Have a whole call: greeted, understood, an action, digits, a vendor that fails."""
    async with street(house.server.address, "marked.") as people:
        (caller,) = await people.ring(NUMBER)
        await caller.hear(PERSONAL["context"])
        house.chat.calls = [(ACTION, f'{{"word": "{PERSONAL["argument"]}"}}')]
        caller.say(PERSONAL["caller_words"])
        await until(lambda: len(house.chat.requests) > 0, 10)
        house.chat.calls = []
        await until(lambda: PERSONAL["result"] in str(house.chat.requests), 10)
        await caller.hear(PERSONAL["reply"])
        await _press(caller, PERSONAL["digits"])
        house.chat.faults.refuse, house.chat.faults.refuse_body = 500, FOREIGN["vendor"]
        asked = len(house.chat.requests)
        caller.say(PERSONAL["caller_words"])
        await until(lambda: len(house.chat.requests) > asked, 10)
        await asyncio.sleep(0.5)
        await caller.call.hang_up()
        (row,) = await house.server.ended_calls("marked.")
    return row


async def _press(caller: Caller, digits: str) -> None:
    for digit in digits:
        caller.call.press(digit)
        await asyncio.sleep(0.06)


def _provoke(house: House) -> None:
    """Send every kind of bad request there is, each with something secret in it."""
    http, secret = house.server.api, SECRETS["key_tried"]
    base = str(http.base_url).rstrip("/")
    bad = [
        httpx.get(f"{base}/v1/agents/list", headers={"Authorization": f"Bearer {secret}"}),
        httpx.get(f"{base}/v1/agents/list?token={secret}"),
        http.post("/v1/prompts/create", content=f'{{"content": "{secret}"'.encode()),
        http.post("/v1/prompts/create", json={"content": [secret]}),
        http.post("/v1/agents/create", json={"prompt": secret, "voice": {"type": secret}}),
        http.post("/v1/actions/create", json={"type": secret, "config": {"name": secret}}),
        http.post("/x/v1/sip_trunks/create", json={"name": "x", "password": f"{secret}\n"}),
        http.post("/x/v1/sip_trunks/create", json={"name": "x", "user": f"{secret} {secret}"}),
        http.post("/v1/account_connections/create", json={"credentials": {secret: secret}}),
        http.post("/v1/account_connections/create", json={"credentials": secret}),
        http.post("/x/v1/flows/create", json={"name": "x", "url": "x", "token": f"{secret} x"}),
        http.post("/v1/voices/create", json={"type": "voice_azure", "api_key": secret}),
        http.get("/v1/agents/list", params={"sort_column": secret}),
        http.get("/v1/agents", params={"id": secret}),
        http.get("/v1/numbers", params={"phone_number": "1" + PERSONAL["other_number"] + "9"}),
        http.post("/x/v1/keys/create", json={"role": secret, "scopes": [secret]}),
        http.get(f"/v1/{secret}"),
        http.request("BREW", "/v1/agents"),
    ]
    hook = {"url": f"http://u:{secret}@10.0.0.1/?token={secret}", "subscriptions": []}
    bad.append(http.post("/v1/webhooks/create", json=hook))
    number = {"from_number": "1" + PERSONAL["other_number"], "to_number": "1" + PERSONAL["dialled"]}
    bad.append(http.post("/v1/calls/create", json={**number, "agent": secret}))
    agent = house.made["/v1/agents/create"]["id"]
    assert http.post("/v1/calls/create", json={**number, "agent": agent}).status_code == 200
    assert {answer.status_code for answer in bad} - {200} >= {400, 401, 404, 422}
    house.refused += [answer for answer in bad if answer.status_code >= 400]


def _send_nonsense(server: Server) -> None:
    """Send SIP that is broken in several ways, with marks in it."""
    secret, number = SECRETS["key_tried"], PERSONAL["caller_number"]
    register = (
        f"REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1\r\n"
        f"From: <sip:{number}@x>;tag=1\r\nTo: <sip:{number}@x>\r\nCall-ID: {secret}\r\n"
        f"CSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"
    )
    messages = (
        register,
        f"INVITE sip:{number}@x SIP/2.0\r\nAuthorization: Digest response={secret}\r\n\r\n",
        f"{secret} {number}\r\n\r\n",
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for message in messages:
            sender.sendto(message.encode(), server.address)


def _processes(pid: int) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in path.read_text(encoding="ascii").split():
            found += _processes(int(child))
    return found


def _shown_by_the_system(server: Server) -> dict[str, str]:
    """Return what everybody sees of the processes, and what the children were given."""
    limits = Path(f"/proc/{server.pid}/limits").read_text(encoding="ascii")
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
    seen = {}
    own, *children = _processes(server.pid)
    assert children, "no child process runs"
    for pid in (own, *children):
        names = ("cmdline",) if pid == own else ("cmdline", "environ")
        for name in names:
            content = Path(f"/proc/{pid}/{name}").read_bytes()
            seen[f"{name} of {'server' if pid == own else 'child'}"] = content.decode()
    return seen


def _doctor(house: House, data_dir: Path) -> str:
    """Return what ``cordboard doctor`` writes of the same data, and of vendors that refuse."""
    given = {
        **os.environ,
        **VARIABLES,
        "CORDBOARD_DATA_DIR": str(data_dir),
        "CORDBOARD_OPENAI_BASE_URL": house.chat.url,
        "CORDBOARD_DEEPGRAM_BASE_URL": house.outside,
        "CORDBOARD_ELEVENLABS_BASE_URL": house.outside,
    }
    command = [sys.executable, "-m", "cordboard", "doctor", "--profile", "development"]
    done = subprocess.run(
        [*command, "--http-port=0", "--sip-port=0"],
        env=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "ElevenLabs: it refuses" in done.stdout, done.stdout + done.stderr
    return done.stdout + done.stderr


def _page(data_dir: Path, call_id: str, output: Path) -> str:
    """Return the call's page, as a file."""
    given = ["--data-dir", str(data_dir), "--output", str(output)]
    done = CliRunner().invoke(app, ["calls", "page", call_id, *given])
    assert done.exit_code == 0, done.output
    return output.read_text(encoding="utf-8")


def _files(directory: Path) -> dict[str, bytes]:
    """Return what a thief of the directory gets."""
    return {path.name: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


async def test_no_mark_comes_out(tmp_path: Path) -> None:
    """After a call and every kind of error: no secret anywhere, nothing personal but in its place.

    Logs at DEBUG, which hold those at INFO; metrics, error answers, command lines, what children
    are given, files beside the database, the doctor; each column of the database has its list.
    """
    outputs: dict[str, str] = {}
    data = tmp_path / "var"
    async with furnished(tmp_path) as house:
        server = house.server
        call, *_ = await asyncio.gather(_talk(house), asyncio.to_thread(_provoke, house))
        _send_nonsense(server)
        await server.ended_calls("", 2)
        outputs["doctor"] = await asyncio.to_thread(_doctor, house, data)
        outputs["metrics"] = server.api.get("/metrics").text
        outputs |= _shown_by_the_system(server)
        made = [server.api.get(f"/x/v1/calls?id={call['id']}").text]
        events = server.api.get(f"/x/v1/calls/{call['id']}/events").text
        page = await asyncio.to_thread(_page, data, call["id"], tmp_path / "page.html")
        stolen = await asyncio.to_thread(_files, data)
        with closing(sqlite3.connect(data / "cordboard.db")) as running:
            running.execute("vacuum into ?", (str(tmp_path / "backup.db"),))
    outputs["log"] = server.log()
    outputs |= {f"refusal {each.request.url.path}": each.text for each in house.refused}
    told = {name: marks for name, text in outputs.items() if (marks := found(text, EVERY))}
    assert told == {}
    assert not server.mistakes()
    assert found(events, EVERY) >= {"caller_words", "digits"}
    assert found(page, EVERY) >= {"caller_words", "reply"}
    assert found("".join([*made, page]), {**SECRETS, "query": PERSONAL["url_query"]}) == {"query"}
    stolen["backup"] = (tmp_path / "backup.db").read_bytes()
    assert {"cordboard.db", "cordboard.db-wal", "backup", "master.key"} <= stolen.keys()
    for name, content in stolen.items():
        text = content.decode("latin-1")
        assert found(text, SECRETS) == set(), name
        assert name.startswith(("cordboard.db", "backup")) or found(text, EVERY) == set(), name
    assert columns(tmp_path / "backup.db", EVERY) == MEANT
