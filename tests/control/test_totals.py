"""Lists cost the same however long they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import Engine, event, insert, text

from cordboard.control import totals
from cordboard.control.totals import Totals
from cordboard.storage.tables import Call, Prompt
from tests.control.server import Server

COUNT: Final = 5
Case = tuple[str, dict[str, str], str]
NEWEST: Final[Case] = ("calls", {}, "ix_calls_newest")
BEGAN: Final[Case] = ("calls", {"sort_column": "start_time"}, "ix_calls_started")
ENDED: Final[Case] = ("calls", {"sort_column": "end_time", "sort_desc": "true"}, "ix_calls_ended")
AGENTS: Final[Case] = ("agents", {}, "ix_agents_newest")


@pytest.fixture
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Return the statements that readers run, as they run."""
    seen: list[tuple[str, Any]] = []

    def note(_c: object, _k: object, statement: str, parameters: Any, *_more: object) -> None:
        seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("noun", "query", "index"), [NEWEST, BEGAN, ENDED, AGENTS])
def test_no_list_is_sorted_or_scanned(
    server: Server, statements: list[tuple[str, Any]], noun: str, query: dict[str, str], index: str
) -> None:
    """A page is found by an index that holds its order, its rows by their ids."""
    with server.client() as http:
        assert http.get(f"/v1/{noun}/list", params={**query, "page": 3}).status_code == 200
    mine = [item for item in statements if f"FROM {noun}" in item[0]]
    assert len(mine) >= 2

    async def plans() -> list[str]:
        found = []
        async with server.services.database.read() as session:
            connection = await session.connection()
            for statement, parameters in mine:
                explained = await connection.exec_driver_sql(
                    f"EXPLAIN QUERY PLAN {statement}", parameters
                )
                found.append("; ".join(str(row[-1]) for row in explained))
        return found

    steps = server.run(plans())
    assert any(f"COVERING INDEX {index}" in step for step in steps), steps
    for step in steps:
        assert "TEMP B-TREE" not in step
        assert f"SCAN {noun}" not in step


async def _total(server: Server, counts: Totals, organisation: str, later: timedelta) -> int:
    now = server.services.clock.wall() + later
    async with server.services.database.read() as session:
        return (await counts.of(session, Prompt, organisation, now)).count


def test_totals_of_long_lists(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is added shows at once; what is taken away shows at the next whole count."""
    monkeypatch.setattr(totals, "EXACT_UP_TO", COUNT - 1)
    counts, key = Totals(), server.other_organisation()
    minute = timedelta(minutes=1)
    with server.client(key) as http:

        def add(count: int) -> str:
            for _ in range(count):
                made = http.post("/v1/prompts/create", json={}).json()
            return str(made["user_id"])

        owner = add(COUNT)

        def total(minutes: int) -> int:
            found = server.run(_total(server, counts, owner, minutes * minute))
            assert isinstance(found, int)
            return found

        assert total(0) == COUNT
        add(2)
        assert total(0) == COUNT + 2
        assert total(5) == COUNT + 2
        add(1)
        assert total(0) == COUNT + 2  # of a time that counts as settled by now
        assert total(16) == COUNT + 3

        async def take() -> None:
            async with server.services.database.write() as session:
                await session.execute(
                    text("DELETE FROM prompts WHERE organisation_id = :o"), {"o": owner}
                )

        server.run(take())
        assert total(27) == 0


def call_fields(agent: dict[str, Any]) -> dict[str, Any]:
    """Return what a stored call cannot do without."""
    return {
        "organisation_id": agent["user_id"],
        "direction": "inbound",
        "from_number": "1",
        "to_number": "2",
        "agent_phone_number": "2",
        "agent_id": agent["id"],
        "agent": agent,
        "plan": {},
        "carrier": "sip",
        "telephony_provider": "sip",
    }


def test_a_long_list(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its total is marked as an estimate, and each of its rows is on exactly one page, whether a
    mark is near, new rows have come, or the last page is not full.
    """
    monkeypatch.setattr(totals, "MARK_EVERY", 70)
    key = server.other_organisation()
    with server.client(key) as http:
        agent = http.post("/v1/agents/create", json={"prompt": "p"}).json()
        services = server.services
        at = services.clock.wall() - timedelta(hours=1)
        fields = call_fields(agent)
        rows = [
            {**fields, "id": services.randomness.uuid(), "created_at": at + timedelta(seconds=n)}
            for n in range(totals.EXACT_UP_TO + 1)
        ]

        async def store() -> None:
            async with services.database.write() as session:
                await session.execute(insert(Call), rows)

        server.run(store())
        seen: list[str] = []
        for page in range(1, 12):
            found = http.get("/v1/calls/list", params={"page": page, "size": 100}).json()
            assert (found["total"], found["total_is_estimated"]) == (len(rows), True)
            assert found["has_more"] == (page < 11)
            seen += [item["id"] for item in found["items"]]
        assert seen == [row["id"] for row in rows[::-1]]
        fresh = [{**fields, "id": services.randomness.uuid()} for _ in range(3)]

        async def more() -> None:
            async with services.database.write() as session:
                for row in fresh:
                    await session.execute(
                        insert(Call), {**row, "created_at": services.clock.wall()}
                    )

        server.run(more())
        again: list[str] = []
        for page in range(1, 149):
            found = http.get("/v1/calls/list", params={"page": page, "size": 7}).json()
            assert len(found["items"]) == (7 if page <= 143 else 3 if page == 144 else 0)
            again += [item["id"] for item in found["items"]]
        assert set(again[:3]) == {row["id"] for row in fresh}
        assert again[3:] == seen
