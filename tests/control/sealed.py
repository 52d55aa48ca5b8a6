"""Every secret that rows have, and rows that hold a mark as one of them."""

from __future__ import annotations

import base64
from typing import Any, Final

import httpx

from cordboard.control.account_connections.service import ACCOUNT_CONNECTIONS
from cordboard.control.actions.service import ACTIONS
from cordboard.control.sip_trunks.schemas import SECRETS as TRUNK_SECRETS
from cordboard.control.vector_databases.service import VECTOR_DATABASES
from cordboard.control.voices.service import VOICES
from cordboard.storage.flow_rows import TOKEN_PATH
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


def mark_of(place: Place, number: int) -> str:
    """Return what this secret of a row is."""
    table, kind, path = place
    return base64.b64encode(f"{MARK} {table} {kind} {path} {number}".encode()).decode()


def make(http: httpx.Client, place: Place, number: int) -> str:
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
    holder[path[-1]] = mark_of(place, number)
    answer = http.post(address, json=filled)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def address_of(table: str) -> str:
    """Return where rows of a table are read."""
    return OWN[table][0].removesuffix("/create") if table in OWN else f"/v1/{table}"
