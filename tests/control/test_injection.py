"""Text that wants to be more than text: SQL, templates, headers, paths (R46)."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect

from cordboard.control.app import create_app
from cordboard.control.services import ControlServices
from cordboard.storage.tables import Row
from cordboard.storage.vault import mask
from tests.control.sealed import OWN
from tests.control.server import Server, running
from tests.control.test_every_field import BODIES
from tests.control.test_fuzz import AGENT, PROMPT
from tests.control.test_tenants import LISTS, rows_of
from tests.counts import count

Json = dict[str, Any]

EVIL: Final = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="'\"`;-%_\\$#{}()<>|&\r\n\t/.*x1", max_size=30),
    st.sampled_from(
        [
            "'; DROP TABLE agents; --",
            "' OR '1'='1",
            '" UNION SELECT secrets FROM account_connections --',
            "${from_number}${x}$x",
            "{x.__class__.__init__.__globals__}",
            "{{ 7 * 7 }}{% for x in y %}",
            "%(content)s %s %n",
            "x\r\nX-Injected: 1",
            "Bearer x\nAuthorization: y",
            "../../../../etc/passwd",
            "..\\master.key",
            "/%2e%2e/%00",
            "$(touch x)`touch x`",
        ]
    ),
)

ROUTES: Final[list[tuple[str, Json]]] = [
    *[(f"/v1/{noun}/create", body) for noun, bodies in BODIES.items() for body in bodies],
    ("/v1/agents/create", AGENT),
    ("/v1/prompts/create", PROMPT),
    *[(address, {**body, "name": "n"}) for address, body in OWN.values()],
    ("/x/v1/flows/create", {"name": "n", "url": "https://example.com", "token": "t"}),
    ("/x/v1/prompt_templates/create", {"label": "l", "content": "c"}),
    ("/x/v1/keys/create", {"name": "n", "role": "viewer"}),
]
UNSORTED: Final = ("/x/v1/deliveries", "/x/v1/webhooks/health")
"""Lists in one order, whatever is asked for."""

HEADERS: Final = ("token", "user", "register_user", "register_password", "password", "realm")


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield where a body has texts."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from leaves(item, (*path, key))


PLACES: Final = [(address, body, path) for address, body in ROUTES for path in leaves(body)]


SORTED: Final = [
    path
    for path, methods in create_app(cast("ControlServices", None)).openapi()["paths"].items()
    if any(each["name"] == "sort_column" for each in methods.get("get", {}).get("parameters", ()))
    and not path.startswith(UNSORTED)
]


@dataclass
class House:
    """A server, a client of organisation A, and all that B has."""

    server: Server
    http: httpx.Client
    b_id: str
    before: list[Any]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Furnish B, and let A in."""
    with running(tmp_path_factory.mktemp("server")) as server, server.client() as http:
        with server.client(server.other_organisation()) as b:
            made = b.post("/v1/agents/create", json={"prompt": {"content": "b"}})
            assert made.status_code == 200, made.text
            b_id = made.json()["user_id"]
        yield House(server, http, b_id, rows_of(server, b_id))


def _tables(server: Server) -> set[str]:
    async def read() -> set[str]:
        async with server.services.database.read() as session:
            connection = await session.connection()
            return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))

    found = server.run(read())
    assert isinstance(found, set)
    return found


def _put(body: Json, path: tuple[str | int, ...], text: str) -> Json:
    changed = copy.deepcopy(body)
    holder: Any = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = text
    return changed


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


@pytest.mark.timeout(count(120, 3600))
@settings(
    max_examples=count(120, 10_000),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(place=st.sampled_from(PLACES), text=EVIL)
def test_texts_stay_texts(
    house: House, place: tuple[str, Json, tuple[str | int, ...]], text: str
) -> None:
    """What is taken is kept as it was sent, and shown so again; nothing else comes of it."""
    address, body, path = place
    body = _put(body, path, text)
    if address.endswith("sip_trunks/create"):
        body["user"] = body["user"] if path == ("user",) else f"u{abs(hash(str(body)))}"
    answer = house.http.post(address, json=body)
    assert answer.status_code < 500, (address, path, text)
    if answer.status_code != 200:
        assert answer.status_code >= 400
        return
    if path[-1] in HEADERS:
        assert re.search(r"[\x00-\x1f\x7f]", text) is None, (path, text)
    kept = _kept(answer.json(), path)
    assert kept in (None, text, mask(text), text.strip()) or _is_normal(kept, text), (path, kept)
    if not address.startswith("/x/v1/keys"):
        where = {"id": answer.json()["id"]}
        again = house.http.get(address.removesuffix("/create"), params=where)
        assert (again.status_code, _kept(again.json(), path)) == (200, kept)


def _kept(shown: Json, path: tuple[str | int, ...]) -> Any:
    """Return what an answer shows there; None where it has another form or an unknown key."""
    try:
        return _at(shown, path)
    except (KeyError, IndexError, TypeError):
        return None


def _is_normal(kept: object, text: str) -> bool:
    """Tell whether a value is what numbers, networks and closed lists make of a text."""
    return isinstance(kept, int | float) or (
        isinstance(kept, str) and re.fullmatch(r"[0-9a-f+.:/_-]*", kept) is not None
    )


@settings(max_examples=count(60, 5_000))
@given(
    path=st.sampled_from(SORTED),
    column=EVIL
    | st.sampled_from(["id", "created_at", "organisation_id", "secrets", "1", "id desc"]),
    size=st.integers(-5, 10**12) | EVIL,
    page=st.integers(-5, 10**12) | EVIL,
)
def test_lists_sort_by_what_they_name(
    house: House, path: str, column: str, size: int | str, page: int | str
) -> None:
    """A column is one of a list or refused; a page has 100 items at most, and no negative size."""
    query = {"sort_column": column, "size": str(size), "page": str(page)}
    answer = house.http.get(path, params=query)
    assert answer.status_code in (200, 422), (path, query, answer.text)
    told = answer.json()
    if answer.status_code == 200 and "size" in told:
        assert 1 <= told["size"] <= 100
        assert len(told["items"]) <= told["size"]
        assert re.fullmatch(r"[a-z_]*", column.strip()), column
        assert "secret" not in column
        assert int(size) > 0
        assert int(page) > 0


def test_nothing_has_come_of_it(house: House) -> None:
    """All tables are there and no others; B's rows are what they were."""
    assert _tables(house.server) >= set(Row.metadata.tables)
    assert _tables(house.server) - set(Row.metadata.tables) <= {
        "alembic_version",
        "sqlite_sequence",
    }
    assert rows_of(house.server, house.b_id) == house.before
    for path in LISTS:
        assert house.http.get(path).status_code == 200


@settings(max_examples=count(25, 2_000))
@given(text=EVIL)
def test_paths_lead_nowhere(house: House, text: str) -> None:
    """In a path, too, text is an id or nothing."""
    quoted = "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "replace"))
    for path in (f"/v1/calls/recording/{quoted}", f"/x/v1/calls/{quoted}/events", f"/{quoted}"):
        answer = house.http.get(path)
        assert answer.status_code in (401, 404, 405, 422), path
        assert "root:" not in answer.text
