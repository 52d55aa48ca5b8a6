"""What absent, ``{}``, ``null`` and a value mean in an update; how secrets survive one."""

from __future__ import annotations

from typing import Any, Final

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.control.server import Server
from tests.counts import count

ABSENT: Final = object()

# Per field: whether null clears it, good values (in: out), bad values.
FIELDS: Final[dict[str, tuple[bool, list[tuple[Any, Any]], list[Any]]]] = {
    "name": (True, [("n", "n"), ("", "")], [5, ["x"], {"a": 1}]),
    "language": (False, [("de", "de"), ("ja", "ja")], ["xx", 3, "EN"]),
    "initial_message": (True, [("hi", "hi")], [[], 1]),
    "interrupt_sensitivity": (False, [("high", "high"), ("low", "low")], ["medium"]),
    "endpointing_sensitivity": (False, [("relaxed", "relaxed")], ["fast"]),
    "noise_suppression": (False, [(True, True), ("false", False), (1, True)], ["maybe", 2]),
    "conversation_speed": (False, [(1.5, 1.5), ("0.75", 0.75), (2, 2.0)], ["x", 0, -1]),
    "initial_message_delay": (False, [(0, 0.0), (".5", 0.5)], [-1, "inf", "nan"]),
    "idle_time_seconds": (True, [(10, 10), ("15", 15)], [1.5, -1, "ten"]),
    "llm_temperature": (False, [(1, 1.0), ("0.2", 0.2)], ["hot", 11]),
    "deepgram_keywords": (True, [({"a": 2, "b": 1.5}, {"a": 2, "b": 1.5})], [{"a": "x"}, [1]]),
    "openai_model_name_override": (True, [("gpt", "gpt")], [1]),
    "context_endpoint": (True, [("https://example.com/c", "https://example.com/c")], ["nope"]),
    "llm_fallback": (
        True,
        [({"provider": "azure", "model_name": "m"},) * 2],
        [{"provider": "other", "model_name": "m"}, {"provider": "openai"}],
    ),
}


@pytest.fixture(scope="module")
def agent_id(server: Server) -> str:
    """Return an agent."""
    with server.client() as http:
        made = http.post("/v1/agents/create", json={"prompt": {"content": "p"}})
        return str(made.json()["id"])


def _choices(name: str) -> st.SearchStrategy[tuple[str, Any]]:
    null_clears, good, bad = FIELDS[name]
    del null_clears
    return st.one_of(
        st.just(("absent", ABSENT)),
        st.just(("undefined", {})),
        st.just(("null", None)),
        st.sampled_from(good).map(lambda pair: ("good", pair)),
        st.sampled_from(bad).map(lambda value: ("bad", value)),
    )


PATCHES: Final = st.fixed_dictionaries({name: _choices(name) for name in FIELDS})


@pytest.mark.timeout(count(120, 3600))
@settings(
    max_examples=count(60, 3000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    patch=PATCHES,
    kept=st.sets(st.sampled_from(sorted(FIELDS)), min_size=0, max_size=4),
)
def test_four_inputs_per_field(
    http: httpx.Client, agent_id: str, patch: dict[str, tuple[str, Any]], kept: set[str]
) -> None:
    """Absent and ``{}`` change nothing, null clears where it may, a bad field changes nothing."""
    before = http.get("/v1/agents", params={"id": agent_id}).json()
    expected, wrong, body = dict(before), set(), {}
    for name in kept:
        sort, value = patch[name]
        if sort == "absent":
            continue
        body[name] = value[0] if sort == "good" else value
        if sort == "good":
            expected[name] = value[1]
        elif sort == "undefined" and name == "deepgram_keywords":
            expected[name] = {}
        elif sort == "null" and FIELDS[name][0]:
            expected[name] = None
        elif sort in ("null", "bad"):
            wrong.add(name)
    answer = http.post("/v1/agents/update", params={"id": agent_id}, json=body)
    after = http.get("/v1/agents", params={"id": agent_id}).json()
    if wrong:
        assert answer.status_code == 422, answer.text
        assert {problem["loc"][1] for problem in answer.json()["detail"]} == wrong
        assert after == before
    else:
        assert answer.status_code == 200, answer.text
        assert answer.json() == after == expected


VOICE = {"type": "voice_eleven_labs", "voice_id": "v", "api_key": "sk-1234567890abcdef"}


def test_a_mask_written_back_changes_nothing(http: httpx.Client, server: Server) -> None:
    """A provider's key is never shown; writing its mask back keeps it, another mask is refused."""
    made = http.post("/v1/voices/create", json=VOICE).json()
    assert made["api_key"] == "****cdef"
    where = {"id": made["id"]}
    sealed = _sealed(server, made["id"])
    assert "1234567890" not in sealed
    same = http.post("/v1/voices/update", params=where, json={**made, "stability": None})
    assert same.json() == made
    assert _sealed(server, made["id"]) == sealed
    other = {"type": "voice_eleven_labs", "api_key": "****ffff"}
    refused = http.post("/v1/voices/update", params=where, json=other)
    assert refused.json()["detail"][0]["loc"] == ["body", "api_key"]
    new = {"api_key": "sk-another-secret-key"}
    assert http.post("/v1/voices/update", params=where, json=new).json()["api_key"] == "****-key"
    assert _sealed(server, made["id"]) != sealed
    gone = http.post("/v1/voices/update", params=where, json={"api_key": None})
    assert gone.json()["api_key"] is None


def _sealed(server: Server, voice_id: str) -> str:
    async def read() -> str:
        async with server.services.database.read() as session:
            found = await session.execute(
                text("SELECT secrets FROM voices WHERE id = :id"), {"id": voice_id}
            )
            return str(found.scalar_one())

    return str(server.run(read()))


def test_signature_secret_survives_updates(http: httpx.Client) -> None:
    """A config without the secret keeps the old one; one that brings a secret replaces it."""
    config = {
        "name": "n",
        "description": "d",
        "url": "https://example.com",
        "input_schema": {"type": "object"},
        "speak_on_send": False,
        "speak_on_receive": True,
    }
    made = http.post(
        "/v1/actions/create", json={"type": "action_external", "config": config}
    ).json()
    where = {"id": made["id"]}
    kept = http.post(
        "/v1/actions/update", params=where, json={"config": {**config, "name": "other"}}
    ).json()
    assert kept["config"] == {**made["config"], "name": "other"}
    own = "MX/9/+iblnUoAAM2Jft8sgeY1bevJvuih2nr7XKPHIY="
    changed = http.post(
        "/v1/actions/update", params=where, json={"config": {**config, "signature_secret": own}}
    ).json()
    assert changed["config"]["signature_secret"] == own
    bad = {**config, "signature_secret": "short"}
    refused = http.post("/v1/actions/update", params=where, json={"config": bad})
    assert refused.json()["detail"][0]["loc"] == ["body", "config", "signature_secret"]


def test_inline_voice(http: httpx.Client) -> None:
    """A voice of the same type is changed in place; one of another type becomes a new voice."""
    body = {"prompt": "Just a text", "voice": {"voice_name": "en-US-A"}}
    agent = http.post("/v1/agents/create", json=body).json()
    assert agent["voice"]["type"] == "voice_azure"
    assert agent["prompt"]["content"] == "Just a text"
    where = {"id": agent["id"]}
    same = http.post(
        "/v1/agents/update", params=where, json={"voice": {"type": "voice_azure", "rate": "5"}}
    ).json()
    assert same["voice"] == {**agent["voice"], "rate": 5}
    other = http.post("/v1/agents/update", params=where, json={"voice": {"speaker": "s"}}).json()
    assert other["voice"]["id"] != agent["voice"]["id"]
    assert other["voice"]["type"] == "voice_rime"
    lacking = {"voice": {"type": "voice_play_ht", "speed": 1}}
    refused = http.post("/v1/agents/update", params=where, json=lacking)
    assert refused.json()["detail"][0]["loc"] == ["body", "voice", "voice_id"]


def test_inline_prompt(http: httpx.Client) -> None:
    """An object, or the text itself, changes the attached prompt; an id attaches another."""
    agent = http.post("/v1/agents/create", json={"prompt": {"content": "one"}}).json()
    where = {"id": agent["id"]}
    for new in ({"content": "two"}, "three"):
        changed = http.post("/v1/agents/update", params=where, json={"prompt": new}).json()
        assert changed["prompt"]["id"] == agent["prompt"]["id"]
        assert changed["prompt"]["content"] == (new if isinstance(new, str) else new["content"])
    other = http.post("/v1/prompts/create", json={"content": "other"}).json()
    moved = http.post("/v1/agents/update", params=where, json={"prompt": other["id"]}).json()
    assert moved["prompt"] == other


def test_inline_webhook(http: httpx.Client) -> None:
    """A webhook is made where none is attached, changed where one is, and cleared by null."""
    agent = http.post("/v1/agents/create", json={"prompt": "p"}).json()
    where = {"id": agent["id"]}
    lacking = http.post("/v1/agents/update", params=where, json={"webhook": {"method": "GET"}})
    assert lacking.status_code == 422
    body = {"url": "https://example.com/a", "subscriptions": ["event_machine_detection"]}
    made = http.post("/v1/agents/update", params=where, json={"webhook": body}).json()["webhook"]
    assert made["subscriptions"] == ["event_human_detection"]
    patch = {"webhook": {"method": "GET"}}
    changed = http.post("/v1/agents/update", params=where, json=patch).json()["webhook"]
    assert changed == {**made, "method": "GET"}
    cleared = http.post("/v1/agents/update", params=where, json={"webhook": None}).json()
    assert cleared["webhook"] is None
    assert http.get("/v1/webhooks", params={"id": made["id"]}).json() == changed


def test_empty_update_says_so(http: httpx.Client, agent_id: str) -> None:
    """An update of nothing changes nothing and says so in a header."""
    answer = http.post("/v1/agents/update", params={"id": agent_id})
    assert answer.headers["x-cordboard-notice"] == "nothing was changed"
    null = http.post("/v1/agents/update", params={"id": agent_id}, content=b"null")
    assert null.json() == answer.json()


def test_http_target_warns(http: httpx.Client) -> None:
    """A plain ``http`` target is taken, with a warning in a header."""
    body = {"subscriptions": ["event_transcript"], "url": "http://example.com/hook"}
    answer = http.post("/v1/webhooks/create", json=body)
    assert answer.status_code == 200
    assert "url: " in answer.headers["x-cordboard-notice"]


def test_example_context(http: httpx.Client, server: Server) -> None:
    """``{}`` is the empty map there, values become texts, null clears."""
    with server.client() as client:
        trunk = client.post("/x/v1/sip_trunks/create", json={"name": "e", "networks": ["::1"]})
    body = {"phone_number": "100", "telephony_account_connection": trunk.json()["id"]}
    assert http.post("/v1/numbers/link", json=body).status_code == 200
    where = {"phone_number": "100"}
    for given_value, shown in (
        ({"a": 1, "b": True}, {"a": "1", "b": "true"}),
        ({}, {}),
        (None, None),
    ):
        answer = http.post(
            "/v1/numbers/update", params=where, json={"example_context": given_value}
        )
        assert answer.json()["example_context"] == shown
    refused = http.post("/v1/numbers/update", params=where, json={"label": None})
    assert refused.json()["detail"][0]["loc"] == ["body", "label"]
