"""The API as a whole: many at once, a database that is away, a body that never ends."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from cordboard.control import requests
from tests.control.server import OWNER_KEY, Server, running
from tests.counts import count


async def test_many_at_once(server: Server) -> None:
    """Requests that read and write at once all succeed, and every write is there."""
    total = count(100, 1000)
    headers = {"Authorization": f"Bearer {OWNER_KEY}"}
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(
        base_url=server.base_url, headers=headers, limits=limits, timeout=60
    ) as http:
        body = {"prompt": {"content": "p"}, "actions": [{"type": "action_dtmf"}]}

        async def one(number: int) -> int:
            made = await http.post("/v1/agents/create", json={**body, "name": str(number)})
            assert made.status_code == 200, made.text
            read = await http.get("/v1/agents", params={"id": made.json()["id"]})
            assert read.json() == made.json()
            return int(read.json()["name"])

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(number)) for number in range(total)]
        assert sorted(task.result() for task in tasks) == list(range(total))
        listed = await http.get("/v1/agents/list", params={"size": 1})
        assert listed.json()["total"] == total


def test_a_database_that_is_away(tmp_path: Path) -> None:
    """When the database fails, the answer is a 503 that asks to come again, never a trace."""
    with running(tmp_path) as server, server.client() as http:

        async def break_it() -> None:
            async with server.services.database.write() as session:
                await session.execute(text("DROP TABLE call_events"))
                await session.execute(text("DROP TABLE agent_actions"))

        assert http.post("/v1/agents/create", json={"prompt": {}}).status_code == 200
        server.run(break_it())
        answer = http.post("/v1/agents/create", json={"prompt": {}})
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.json() == {"detail": "The database is busy"}
        assert http.get("/v1/prompts/list").json()["total"] == 1


def test_a_body_that_never_ends(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that does not arrive is given up, with a 408."""
    monkeypatch.setattr(requests, "BODY_TIMEOUT_S", 0.2)
    host, port = server.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/prompts/create HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
            + f"Authorization: Bearer {OWNER_KEY}\r\n\r\n{{".encode()
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 408")
