"""Whatever is refused has changed nothing: any bad body, on every create and update operation."""

from __future__ import annotations

import copy
import hashlib
import random
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from cordboard.storage.tables import Row
from tests.contract.prepared import prepare
from tests.contract.steps import (
    ACTIONS,
    AGENT,
    CALLEE,
    CONNECTIONS,
    INDEX,
    PROMPT,
    VOICES,
    WEBHOOK,
)
from tests.control.server import Server
from tests.counts import count

pytestmark = pytest.mark.xdist_group("contract")

WHOLE: Final = {
    **AGENT,
    "prompt": PROMPT,
    "voice": {"type": "voice_azure", **VOICES["azure"]},
    "actions": [{"type": "action_transfer_call", "config": CALLEE}],
    "webhook": WEBHOOK,
    "vector_database": INDEX,
}
CREATED: Final[dict[str, list[dict[str, Any]]]] = {
    "prompts": [PROMPT],
    "webhooks": [WEBHOOK],
    "vector_databases": [INDEX],
    "agents": [WHOLE],
    "voices": [{"type": f"voice_{kind}", **fields} for kind, fields in VOICES.items()],
    "actions": [{"type": f"action_{kind}", **fields} for kind, fields in ACTIONS.items()],
    "account_connections": [
        {"type": f"account_connection_{kind}", **fields} for kind, fields in CONNECTIONS.items()
    ],
}
JUNK: Final[tuple[Any, ...]] = (
    *(None, {}, [], "", "x", -1, 1e300, True, [None], {"x": {}}, "****", "http://10.0.0.1"),
)


class Office:
    """An organisation with one of everything."""

    def __init__(self, server: Server) -> None:
        prepared = prepare(server, 80)
        self._server = server
        self.http = server.client(prepared["key"])
        self.bodies: list[tuple[str, dict[str, Any]]] = []
        for noun, kinds in CREATED.items():
            for body in kinds:
                row_id = self._create(noun, body)
                self.bodies += [
                    (f"/v1/{noun}/create", body),
                    (f"/v1/{noun}/update?id={row_id}", body),
                ]
        number, names = prepared["names"]["outbound_number"], prepared["names"]
        trunk = {"telephony_account_connection": names["trunk"], "inbound_agent": WHOLE}
        path = f"/v1/numbers/update?phone_number={number}"
        call = {"from_number": number, "to_number": "12025550155", "agent": WHOLE}
        self.bodies += [
            (path, {"label": "x", "inbound_agent": WHOLE}),
            ("/v1/numbers/link", {"phone_number": "12025557777", **trunk}),
            ("/v1/numbers/buy", {"area_code": "212", **trunk}),
            ("/v1/calls/create", {**call, "context": {}, "telephony_params": {"Timeout": "30"}}),
        ]
        self.organisation = str(self.http.get("/v1/usage").json()["user_id"])

    def _create(self, noun: str, body: dict[str, Any]) -> str:
        made = self.http.post(f"/v1/{noun}/create", json=body)
        assert made.status_code == 200, made.text
        return str(made.json()["id"])

    def print(self) -> str:
        """Return a fingerprint of all that is stored of the organisation."""

        async def read() -> str:
            found = hashlib.sha256()
            async with self._server.services.database.read() as session:
                for table in Row.metadata.sorted_tables:
                    if "organisation_id" not in table.c or table.name == "api_keys":
                        continue
                    wanted = select(table).where(table.c.organisation_id == self.organisation)
                    rows = sorted(map(repr, await session.execute(wanted)))
                    found.update(f"{table.name}{rows}".encode())
            return found.hexdigest()

        return str(self._server.run(read()))


@pytest.fixture(scope="module")
def office(server: Server) -> Iterator[Office]:
    """Return the organisation."""
    made = Office(server)
    yield made
    made.http.close()


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place of a body, as holder and key."""
    found: list[tuple[Any, Any]] = []
    for key in value if isinstance(value, dict) else range(len(value)):
        found.append((value, key))
        if isinstance(value[key], dict | list):
            found += places(value[key])
    return found


@settings(
    max_examples=count(60, 3_000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(index=st.integers(0, 10_000), seed=st.integers(0, 2**32))
def test_refused_is_undone(office: Office, index: int, seed: int) -> None:
    """A refusal has one of the two shapes, names the field if it is a 422, and left no trace."""
    path, good = office.bodies[index % len(office.bodies)]
    body, source = copy.deepcopy(good), random.Random(seed)
    for _ in range(2):
        holder, key = source.choice(places(body) or [(body, "x")])
        holder[key] = copy.deepcopy(source.choice(JUNK))
    before = office.print()
    answer: httpx.Response = office.http.post(path, json=body)
    if answer.status_code == 200:
        return
    detail = answer.json()["detail"]
    assert 400 <= answer.status_code < 500, (path, body, answer.text)
    if answer.status_code == 422:
        assert all(item["loc"][0] == "body" and item["msg"] for item in detail)
    else:
        assert isinstance(detail, str)
    assert office.print() == before, (path, body)
