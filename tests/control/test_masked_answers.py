"""Secrets in answers: masks alone, which may be written back (R32)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from cordboard.storage.secrets import secret_in
from cordboard.storage.tables import Row
from cordboard.storage.vault import mask
from tests.control.sealed import SEALED, Place, address_of, make, mark_of
from tests.control.server import Server, running

Json = dict[str, Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server on SQLite: what is shown is made above any database."""
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


def _at(value: Json, path: tuple[str, ...]) -> object:
    for key in path:
        value = value[key]
    return value


def _stored(server: Server, place: Place, row_id: str) -> str | None:
    """Return the secret as whoever uses it gets it."""
    table, _, path = place
    classes = {each.class_.__tablename__: each.class_ for each in Row.registry.mappers}

    async def read() -> str | None:
        async with server.services.database.read() as session:
            row = await session.get_one(classes[table], row_id)
            return secret_in(server.services.vault, row, *path)

    found = server.run(read())
    assert found is None or isinstance(found, str)
    return found


@pytest.mark.parametrize("place", SEALED, ids=lambda place: ".".join([place[0], *place[2]]))
def test_answers_hold_masks(server: Server, http: httpx.Client, place: Place) -> None:
    """A secret is shown by its last four letters; its mask written back keeps it as it is."""
    table, _, path = place
    address, secret = address_of(table), mark_of(place, 7)
    where = {"id": make(http, place, 7)}
    shown = http.get(address, params=where).json()
    answers = [http.get(address, params=where), http.get(f"{address}/list", params={"size": 100})]
    answers.append(http.post(f"{address}/update", params=where, json=shown))
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[2].json() == shown
    assert _stored(server, place, where["id"]) == secret
    if table == "actions":
        return  # a signature secret is shown to those who verify by it; see tests of scopes
    assert _at(shown, path) == mask(secret)
    for answer in answers:
        assert secret not in answer.text
        assert secret[:12] not in answer.text


def test_a_call_shows_masks(server: Server, http: httpx.Client) -> None:
    """The agent that a call was made with, whole in the answer, shows no secret but by its mask."""
    ids: Json = {}
    for place in SEALED:
        ids[place[0]] = make(http, place, 8)
    target = {"target": "sip:pbx.example.com", "allow_any": True}
    leads = http.post("/x/v1/sip_trunks/update", params={"id": ids["sip_trunks"]}, json=target)
    assert leads.status_code == 200, leads.text
    trunk = {"telephony_account_connection": ids["sip_trunks"], "phone_number": "12025550133"}
    assert http.post("/v1/numbers/link", json=trunk).status_code == 200
    agent = {
        "prompt": {},
        "voice": ids["voices"],
        "vector_database": ids["vector_databases"],
        "openai_account_connection": ids["account_connections"],
    }
    wanted = {"from_number": "12025550133", "to_number": "12025550134", "agent": agent}
    made = http.post("/v1/calls/create", json=wanted)
    assert made.status_code == 200, made.text
    where = {"id": made.json()["id"]}
    number = http.get("/v1/numbers", params={"phone_number": "12025550133"})
    for answer in (made, number, http.get("/v1/calls", params=where)):
        assert answer.status_code == 200
        for place in SEALED:
            assert mark_of(place, 8) not in answer.text
            assert mark_of(place, 8)[:16] not in answer.text
