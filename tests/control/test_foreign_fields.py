"""What a request may not assign has no effect, whatever it is sent to (R31)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from tests.control.sealed import OWN
from tests.control.server import Server, running
from tests.control.test_every_field import CASES
from tests.control.test_tenants import rows_of

Json = dict[str, Any]

STRAY: Final = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
FOREIGN: Final[Json] = {
    **dict.fromkeys(("id", "user_id", "organisation_id", "organization_id", "call_id"), STRAY),
    **dict.fromkeys(("created_at", "start_time", "end_time", "revoked_at"), "2000-01-01T00:00:00Z"),
    **dict.fromkeys(("status", "stage", "stage_outcome", "role", "owner_engine"), "ended"),
    **{name: {"foreign": STRAY} for name in ("secrets", "fields", "plan", "telephony_metadata")},
    **dict.fromkeys(("key_hash", "transcript", "error_message", "telephony_id"), STRAY),
    **dict.fromkeys(("recording_available", "human_detection_result", "do_not_call_result"), True),
}
TRUNK: Final = {"name": "n", "target": "sip:pbx.example.com", "allow_any": True}
OWN_CASES: Final = [pytest.param(*case, id=noun) for noun, case in OWN.items()]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server on SQLite."""
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


def _check(server: Server, http: httpx.Client, address: str, body: Json) -> None:
    made = http.post(address, json={**FOREIGN, **body})
    assert made.status_code == 200, made.text
    assert STRAY not in made.text
    shown = made.json()
    kind = {"type": body["type"]} if "type" in body else {}
    update = address.replace("/create", "/update")
    changed = http.post(update, params={"id": shown["id"]}, json={**FOREIGN, **kind})
    assert (changed.status_code, changed.json()) == (200, shown)
    assert rows_of(server, STRAY) == []
    assert not [row for _, row in rows_of(server, _own(http)) if STRAY in str(row)]


def _own(http: httpx.Client) -> str:
    return str(http.get("/x/v1/organizations").json()["id"])


@pytest.mark.parametrize(("noun", "body"), CASES)
def test_a_resource_is_made_and_changed_as_if_they_were_not_there(
    server: Server, http: httpx.Client, noun: str, body: Json
) -> None:
    """Nothing of another organisation, no id, no state can be written by naming it."""
    _check(server, http, f"/v1/{noun}/create", body)


@pytest.mark.parametrize(("address", "body"), OWN_CASES)
def test_so_are_our_own(server: Server, http: httpx.Client, address: str, body: Json) -> None:
    """Trunks and flows as well."""
    _check(server, http, address, {**body, "name": "foreign"})


def test_so_are_numbers_and_calls(server: Server, http: httpx.Client) -> None:
    """A call begins as a call, whatever was said of its state."""
    trunk = http.post("/x/v1/sip_trunks/create", json=TRUNK).json()
    link = {"phone_number": "12025550131", "telephony_account_connection": trunk["id"]}
    number = http.post("/v1/numbers/link", json={**FOREIGN, **link})
    assert number.status_code == 200
    wanted = {"from_number": "12025550131", "to_number": "12025550132", "agent": {"prompt": {}}}
    call = http.post("/v1/calls/create", json={**FOREIGN, **wanted})
    assert call.status_code == 200, call.text
    shown = call.json()
    assert STRAY not in number.text + call.text
    assert (shown["status"], shown["recording_available"]) == ("not_started", False)
    assert (shown["start_time"], shown["end_time"], shown["transcript"]) == (None, None, None)
    assert rows_of(server, STRAY) == []
    assert not [row for _, row in rows_of(server, _own(http)) if STRAY in str(row)]
