"""The pages' snippets run, one after the other, as the page of compatibility prints them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contract.snippets import SNIPPETS
from tests.control import official
from tests.control.server import Server

pytestmark = [
    pytest.mark.xdist_group("contract"),
    pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecatedSince20"),
]


@pytest.fixture
def names(server: Server) -> Iterator[dict[str, Any]]:
    """Return what the snippets take for granted: the client, its classes, and a number."""
    key = server.other_organisation()
    with server.client(key) as http, httpx.Client(timeout=30) as transport:
        fields = {"name": "t", "target": "sip:192.0.2.1", "allow_any": True}
        trunk = http.post("/x/v1/sip_trunks/create", json=fields).json()["id"]
        link = {"phone_number": "11234567890", "telephony_account_connection": trunk}
        assert http.post("/v1/numbers/link", json=link).status_code == 200
        client = official.Vocode(token=key, base_url=server.base_url, httpx_client=transport)
        yield {**vars(official), "vocode_client": client}


def test_snippets(names: dict[str, Any]) -> None:
    """Every snippet does what its page says it does."""
    seen = []
    for title, code in SNIPPETS.items():
        exec(compile(code, title, "exec"), names)  # noqa: S102 - it is our own page
        if "action =" in code:
            seen.append(names["action"].type)
    assert seen == [
        *("action_external", "action_end_conversation", "action_dtmf", "action_transfer_call"),
    ]
    (action,) = names["number"].inbound_agent.actions
    assert action.config.phone_number == "11234567890"
    assert names["call"].status == "not_started"
    assert names["call"].agent.actions == [action]
