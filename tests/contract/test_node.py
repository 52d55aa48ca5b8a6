"""The Node client's requests, byte by byte: the pages' TypeScript forms with its headers."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx
import pytest

from tests.contract.prepared import AT, prepare
from tests.control.server import Server

pytestmark = pytest.mark.xdist_group("contract")

VERSIONS: Final = ("0.0.45", "0.0.46", "0.0.47")
# The page's calls of ``actions.createAction``, as JSON.stringify writes them.
CREATED: Final = (
    (b'{"type":"action_end_conversation"}', "action_end_conversation"),
    (b'{"type":"action_dtmf"}', "action_dtmf"),
    (
        b'{"type":"action_transfer_call","config":{"phone_number":"11234567890"}}',
        "action_transfer_call",
    ),
)
BY_ID: Final = b'{"inbound_agent":{"actions":["%s"]}}'
RAW: Final = (
    b'{"inbound_agent":{"actions":[{"type":"action_transfer_call",'
    b'"config":{"phone_number":"11234567890"}}]}}'
)


class Node:
    """Sends what the Node client sends, over a connection of its own for each request."""

    def __init__(self, server: Server, version: str) -> None:
        prepared = prepare(server, 70 + VERSIONS.index(version))
        self.names: dict[str, str] = prepared["names"]
        self._base_url = server.base_url
        self._headers = [
            ("Authorization", f"Bearer {prepared['key']}"),
            ("X-Fern-Language", "JavaScript"),
            ("X-Fern-SDK-Name", "@vocode/vocode-api"),
            ("X-Fern-SDK-Version", version),
            ("Content-Type", "application/json"),
            ("Accept", "*/*"),
            ("User-Agent", "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)"),
            ("Accept-Encoding", "gzip,deflate"),
            ("Connection", "close"),
        ]

    def send(self, method: str, path: str, body: bytes | None = None) -> Any:
        """Return the parsed answer."""
        answer = httpx.request(
            method, self._base_url + path, headers=self._headers, content=body, timeout=30
        )
        assert answer.status_code == 200, answer.text
        return json.loads(answer.content)


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Return a release of the Node client."""
    return str(request.param)


@pytest.fixture
def node(server: Server, version: str) -> Node:
    """Return the Node client of a release."""
    return Node(server, version)


def test_the_pages_actions(node: Node) -> None:
    """Each action is created, attached by its id, then as it is."""
    made = [node.send("POST", "/v1/actions/create", body) for body, _ in CREATED]
    assert [item["type"] for item in made] == [kind for _, kind in CREATED]
    assert made[2]["config"] == {"phone_number": "11234567890"}
    path = f"/v1/numbers/update?phone_number={node.names['spare']}"
    attached = node.send("POST", path, BY_ID % made[1]["id"].encode())
    assert [item["id"] for item in attached["inbound_agent"]["actions"]] == [made[1]["id"]]
    (raw,) = node.send("POST", path, RAW)["inbound_agent"]["actions"]
    assert raw["config"] == {"phone_number": "11234567890"}
    assert raw["id"] not in [item["id"] for item in made]


def test_times_of_calls(node: Node, version: str) -> None:
    """Lists hold texts up to 0.0.46 and numbers from 0.0.47 on; a call by itself holds texts."""
    (item,) = node.send("GET", "/v1/calls/list?page=1&size=10")["items"]
    one = node.send("GET", f"/v1/calls?id={node.names['ended_call']}")
    assert one["start_time"] == AT.isoformat()
    assert item["start_time"] == (AT.timestamp() if version == "0.0.47" else AT.isoformat())
    assert type(item["end_time"]) is (float if version == "0.0.47" else str)
