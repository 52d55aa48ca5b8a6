"""What somebody gets who steals the database, or shuffles what is in it (R6)."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import select

from cordboard.control.account_connections.service import ACCOUNT_CONNECTIONS
from cordboard.control.actions.service import ACTIONS
from cordboard.control.sip_trunks.schemas import SECRETS as TRUNK_SECRETS
from cordboard.control.vector_databases.service import VECTOR_DATABASES
from cordboard.control.voices.service import VOICES
from cordboard.storage.flow_rows import TOKEN_PATH
from cordboard.storage.secrets import secret_in
from cordboard.storage.tables import ResourceRow, Row, SipTrunk
from cordboard.storage.vault import SecretUnreadable
from tests.control.server import OWNER_KEY, Server
from tests.control.test_every_field import BODIES, EXTERNAL

Json = dict[str, Any]
Place = tuple[str, str, tuple[str, ...]]

MARK: Final = "stolen-canary"

SEALED: Final[list[Place]] = [
    *[
        (resource.table.__tablename__, kind, path)
        for resource in (ACCOUNT_CONNECTIONS, ACTIONS, VECTOR_DATABASES, VOICES)
        for kind, paths in resource.secrets.items()
        for path in paths
        if len(path) > 1 or path[0] in resource.models[kind].model_fields
    ],
    *[("sip_trunks", "", path) for path in TRUNK_SECRETS],
    ("flows", "", TOKEN_PATH),
]
"""Every secret that rows have: table, type of resource, path of the field."""

OWN: Final[dict[str, tuple[str, Json]]] = {
    "sip_trunks": (
        "/x/v1/sip_trunks/create",
        {
            "networks": ["::1"],
            "user": "u",
            "password": "p",
            "register_user": "r",
            "register_password": "p",
        },
    ),
    "flows": ("/x/v1/flows/create", {"url": "https://example.com"}),
}


def _mark(place: Place, number: int) -> str:
    table, kind, path = place
    return base64.b64encode(f"{MARK} {table} {kind} {path} {number}".encode()).decode()


def _make(http: httpx.Client, place: Place, number: int) -> str:
    """Make a row with a mark as this secret; returns its id."""
    table, kind, path = place
    address, body = OWN.get(table) or (
        f"/v1/{table}/create",
        next(each for each in BODIES[table] if each["type"] == kind),
    )
    if kind == "action_external":
        body = {**body, "config": dict(EXTERNAL)}
    filled: Json = {**body, "name": f"{path} {number}"} if table in OWN else dict(body)
    if table == "sip_trunks":
        filled["user"] = f"{path[0]}-{number}"
    holder = filled
    for key in path[:-1]:
        holder[key] = dict(holder[key])
        holder = holder[key]
    holder[path[-1]] = _mark(place, number)
    answer = http.post(address, json=filled)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


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
        _make(http, place, 0)
        secrets.add(_mark(place, 0))
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
    ids = [_make(http, place, number) for number in (1, 2)]
    classes = {each.class_.__tablename__: each.class_ for each in Row.registry.mappers}
    name = ".".join(path)

    async def swap() -> int:
        unreadable = 0
        async with server.services.database.write() as session:
            rows: list[ResourceRow | SipTrunk] = [
                await session.get_one(classes[table], row_id) for row_id in ids
            ]
            first, second = rows
            assert secret_in(server.services.vault, first, *path) == _mark(place, 1)
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
    prefix = "/x/v1" if table in OWN else "/v1"
    for row_id in ids:
        answer = http.get(f"{prefix}/{table}", params={"id": row_id})
        assert answer.status_code == 200
        assert _mark(place, 1) not in answer.text
        assert _mark(place, 2) not in answer.text
    assert http.get(f"{prefix}/{table}/list").status_code == 200
