"""What somebody gets who steals the database, or shuffles what is in it (R6)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from cordboard.storage.secrets import secret_in
from cordboard.storage.tables import ResourceRow, Row, SipTrunk
from cordboard.storage.vault import SecretUnreadable
from tests.control.sealed import MARK, SEALED, Place, address_of, make, mark_of
from tests.control.server import OWNER_KEY, Server
from tests.control.test_every_field import BODIES, EXTERNAL


def _dump(server: Server) -> str:
    """Return every row of every table."""

    async def read() -> str:
        async with server.services.database.read() as session:
            tables = Row.metadata.tables.values()
            return "\n".join(
                [str(row) for table in tables for row in await session.execute(select(table))]
            )

    return str(server.run(read()))


def _files(server: Server, directory: Path) -> str:
    """Return the database's own files and a backup, where it is one of files."""
    url = server.services.database._writer.url
    if not url.drivername.startswith("sqlite"):
        return ""
    path = Path(str(url.database))
    with (
        closing(sqlite3.connect(path)) as source,
        closing(sqlite3.connect(directory / "backup.db")) as copy,
    ):
        source.backup(copy)
    every = [directory / "backup.db", *path.parent.glob(f"{path.name}*")]
    assert len(every) == 4, "database, write-ahead log and its index, backup"
    return "".join(each.read_bytes().decode("latin-1") for each in every)


def test_no_secret_is_in_clear(server: Server, http: httpx.Client, tmp_path: Path) -> None:
    """Neither rows nor files nor a backup hold a secret: given, generated, or a key of the API."""
    secrets = {OWNER_KEY}
    assert len(SEALED) == 9
    for place in SEALED:
        make(http, place, 0)
        secrets.add(mark_of(place, 0))
    action = {"type": "action_external", "config": EXTERNAL}
    made = http.post("/v1/actions/create", json=action).json()
    secrets.add(made["config"]["signature_secret"])
    secrets.add(http.post("/x/v1/keys/create", json={"name": "k"}).json()["key"])
    hook = http.post("/v1/webhooks/create", json=BODIES["webhooks"][0]).json()["id"]
    for way in ("secret", "rotate_secret"):
        secrets.add(http.post(f"/x/v1/webhooks/{way}?id={hook}").json()["secret"])
    taken = _dump(server) + _files(server, tmp_path)
    assert made["id"] in taken
    assert MARK not in taken
    for secret in secrets:
        assert secret.removeprefix("whsec_") not in taken
        assert secret.encode().hex() not in taken


@pytest.mark.parametrize("place", SEALED, ids=lambda place: ".".join([place[0], *place[2]]))
def test_a_swapped_secret_opens_nowhere(server: Server, http: httpx.Client, place: Place) -> None:
    """Of two rows whose secrets are exchanged neither opens; the API shows none of them."""
    table, _, path = place
    ids = [make(http, place, number) for number in (1, 2)]
    classes = {each.class_.__tablename__: each.class_ for each in Row.registry.mappers}
    name = ".".join(path)

    async def swap() -> int:
        unreadable = 0
        async with server.services.database.write() as session:
            rows: list[ResourceRow | SipTrunk] = [
                await session.get_one(classes[table], row_id) for row_id in ids
            ]
            first, second = rows
            assert secret_in(server.services.vault, first, *path) == mark_of(place, 1)
            sealed = first.secrets[name], second.secrets[name]
            first.secrets = {**first.secrets, name: sealed[1]}
            second.secrets = {**second.secrets, name: sealed[0]}
            for row in rows:
                try:
                    secret_in(server.services.vault, row, *path)
                except SecretUnreadable:
                    unreadable += 1
        return unreadable

    assert server.run(swap()) == 2

    for row_id in ids:
        answer = http.get(address_of(table), params={"id": row_id})
        assert answer.status_code == 200
        assert mark_of(place, 1) not in answer.text
        assert mark_of(place, 2) not in answer.text
    assert http.get(f"{address_of(table)}/list").status_code == 200
