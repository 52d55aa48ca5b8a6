"""Every way out of the process is known, and what tenants choose goes through the gate (R2)."""

from __future__ import annotations

import ast
import re
from typing import Final

import httpx
import pytest

from tests.control.conftest import server
from tests.control.server import Server
from tests.tidy.source import sources

__all__ = ["server"]

# What opens connections or asks for addresses, by the name it is called by.
_WAYS: Final = frozenset(
    {"ClientSession", "TCPConnector", "AsyncClient", "Client", "urlopen", "HTTPConnection"}
    | {"ws_connect"}
    | {"HTTPSConnection", "create_datagram_endpoint", "open_connection", "create_connection"}
    | {"getaddrinfo", "gethostbyname", "socket", "Resolver", "connect", "create_async_engine"}
)
_FROM: Final = frozenset(
    {"aiohttp", "httpx", "urllib", "request", "socket", "loop", "asyncio", "asyncresolver", "http"}
    | {"client", "websockets", "asyncpg", ""}
)

# Who chooses where each of them leads. A new way out is entered here, and where a tenant
# chooses it, leads through `cordboard.egress`.
KNOWN: Final = {
    "cli/doctor.py": "the operator: own ports, and addresses of this machine",
    "cli/softphone.py": "who runs the program",
    "egress/gate.py": "tenants: this is the gate",
    "egress/web_socket.py": "tenants: the gate's own, with what it has judged",
    "providers/language_models/openai_compatible/model.py": "the operator: a setting",
    "providers/synthesizers/elevenlabs/synthesizer.py": "the operator: a setting",
    "providers/transcribers/deepgram/transcriber.py": "the operator: a setting",
    "providers/vendor_sockets.py": "the operator: a setting; where to say those who ask for it",
    "storage/database.py": "the operator: a setting",
    "telephony/sip/endpoint.py": "nobody: it listens; SIP goes where `location.py` has found",
    "telephony/sip/location.py": "tenants: what a name stands for is judged by `wiring/reach.py`",
    "telephony/sip/ping.py": "tenants: targets of trunks, judged by `wiring/reach.py`",
    "telephony/sip/stream.py": "peers: the address of an SDP is judged by `wiring/reach.py`",
    "telephony/twilio/api.py": "the operator: a setting; its session is handed in",
    "wiring/carriers.py": "nobody: which of our addresses leads to a peer; nothing is sent",
    "wiring/checkup.py": "the operator: settings",
    "wiring/http.py": "nobody: it listens",
    "wiring/server.py": "nobody: it listens",
    "wiring/twilio.py": "the operator: a setting",
    "wiring/twilio_numbers.py": "the operator: a setting",
}


def _ways_out(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else ""
            if isinstance(owner, ast.Attribute):
                name = owner.attr
            if isinstance(owner, ast.Call):  # asyncio.get_running_loop().getaddrinfo
                name = ""
            if node.attr in _WAYS - {"connect", "socket"} and name in _FROM:
                found.add(node.attr)
            if node.attr == "socket" and name == "socket":
                found.add(node.attr)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found |= {node.func.id} & (_WAYS - {"connect", "Client", "Resolver", "socket"})
    return found


def test_every_way_out_is_known() -> None:
    """Whoever opens a connection in the package is in the table, with who chooses where to."""
    found = {}
    for source in sources():
        if source.in_package and (ways := _ways_out(source.tree)):
            found[source.path.removeprefix("src/cordboard/")] = ways
    assert set(found) == set(KNOWN), found


REFUSED: Final = (
    "http://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/",
    "https://[fd00:ec2::254]/",
    "https://0x7f000001/",
    "https://[::ffff:10.0.0.1]/",
    "https://metadata.google.internal/",
    "ftp://example.com/",
    "https://example.com:22/",
)
EXTERNAL: Final = {
    "name": "n",
    "description": "d",
    "input_schema": {"type": "object"},
    "speak_on_send": False,
    "speak_on_receive": False,
}
AGENT: Final[dict[str, object]] = {"prompt": {"content": "p"}}


def _in_url(body: dict[str, object], *path: str) -> tuple[dict[str, object], tuple[str, ...]]:
    return body, path


SINKS: Final[dict[str, tuple[dict[str, object], tuple[str, ...]]]] = {
    "/v1/webhooks/create": _in_url({"subscriptions": []}, "url"),
    "/v1/actions/create": _in_url({"type": "action_external", "config": EXTERNAL}, "config", "url"),
    "/v1/prompts/create": _in_url({"content": "p"}, "context_endpoint"),
    "/v1/agents/create": _in_url({**AGENT, "webhook": {"subscriptions": []}}, "webhook", "url"),
    "/v1/agents/create?of=prompt": _in_url(AGENT, "prompt", "context_endpoint"),
}


@pytest.mark.parametrize("path", SINKS)
@pytest.mark.parametrize("url", REFUSED)
def test_a_bad_target_is_refused_when_it_is_stored(server: Server, path: str, url: str) -> None:
    """Each field that a tenant writes a URL into refuses it there and then, naming the field."""
    body, place = SINKS[path]
    filled = _with(body, place, url)
    with server.client() as http:
        answer = http.post(path, json=filled)
        problem = _problem(answer)
        assert problem["loc"] == ["body", *place]
        assert problem["type"] == "target_refused"
        good = http.post(path, json=_with(body, place, "https://example.com/x"))
        assert good.status_code == 200, good.text


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "10.0.0.1", "[fd00:ec2::254]", "[::ffff:10.0.0.1]", "8.8.8.8:53"],
)
def test_a_trunk_inside_is_refused_when_it_is_stored(server: Server, host: str) -> None:
    """A trunk's target is judged like a URL, when it is made and when it is changed."""
    trunks = "/x/v1/sip_trunks"
    with server.client() as http:
        problem = _problem(http.post(f"{trunks}/create", json={"name": "t", "target": _sip(host)}))
        assert (problem["loc"], problem["type"]) == (["body", "target"], "target_refused")
        good = {"name": host, "target": _sip("example.com")}
        made = http.post(f"{trunks}/create", json=good)
        assert made.status_code == 200, made.text
        changed = http.post(f"{trunks}/update?id={made.json()['id']}", json={"target": _sip(host)})
        assert _problem(changed)["type"] == "target_refused"


HOSTS: Final = ("0x7f000001", "2130706433", "metadata.google.internal", "localhost:80")


def test_a_trunk_has_no_odd_spelling(server: Server) -> None:
    """What a name service would take for an address inside, or a cloud's own name, is refused."""
    with server.client() as http:
        for host in HOSTS:
            body = {"name": host, "target": _sip(host)}
            problem = _problem(http.post("/x/v1/sip_trunks/create", json=body))
            assert problem["loc"] == ["body", "target"], host


def _sip(host: str) -> str:
    return f"sip:{host}"


def _with(body: dict[str, object], place: tuple[str, ...], url: str) -> dict[str, object]:
    first, *rest = place
    if not rest:
        return {**body, first: url}
    inner = body[first]
    assert isinstance(inner, dict)
    return {**body, first: _with(inner, tuple(rest), url)}


def _problem(answer: httpx.Response) -> dict[str, object]:
    assert answer.status_code == 422, answer.text
    (problem,) = answer.json()["detail"]
    assert isinstance(problem, dict)
    return problem


def test_every_url_field_is_tried() -> None:
    """Wherever the schemas have a target to be judged, a sink above stands for it."""
    judged = [
        source.path
        for source in sources()
        if source.in_package and re.search(r"\bcheck_target\(unit", source.text)
    ]
    folders = {path.split("/")[-2] for path in judged}
    assert folders <= {"webhooks", "actions", "prompts", "agents", "flows", "control"}, folders
