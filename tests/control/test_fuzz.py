"""Any JSON on any route: never a 5xx, always one of the two shapes of errors."""

from __future__ import annotations

import copy
import random
from typing import Any, Final

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.control.server import Server
from tests.counts import count

EXTERNAL: Final = {
    "name": "n",
    "description": "d",
    "url": "https://example.com/x",
    "processing_mode": "muted",
    "input_schema": {"type": "object"},
    "speak_on_send": False,
    "speak_on_receive": True,
}
TRIGGER: Final = {
    "type": "action_trigger_phrase_based",
    "config": {
        "phrase_triggers": [{"phrase": "x", "conditions": ["phrase_condition_type_contains"]}]
    },
}
PROMPT: Final = {
    "content": "c",
    "collect_fields": [{"field_type": "field_type_email", "label": "l", "name": "n"}],
    "context_endpoint": "https://example.com",
    "prompt_template": {"id": "i", "user_id": "u", "required_context_keys": ["k"]},
}
WEBHOOK: Final = {"url": "https://example.com", "subscriptions": ["event_message"], "method": "GET"}
VOICES: Final = [
    {"type": "voice_azure", "voice_name": "n", "pitch": 1, "rate": 2},
    {"type": "voice_rime", "speaker": "s", "speed_alpha": 1.0, "model_id": "mist"},
    {"type": "voice_eleven_labs", "voice_id": "v", "stability": 1, "similarity_boost": 1},
    {"type": "voice_play_ht", "voice_id": "v", "version": "1", "quality": "low", "top_p": 0.5},
    {"type": "voice_vocode", "voice_id": "joe"},
]
ACTIONS: Final = [
    {"type": "action_end_conversation", "config": {}, "action_trigger": TRIGGER},
    {"type": "action_dtmf"},
    {"type": "action_transfer_call", "config": {"phone_number": "1"}},
    {
        "type": "action_add_to_conference",
        "config": {"phone_number": "1", "place_primary_on_hold": True},
    },
    {"type": "action_set_hold"},
    {"type": "action_external", "config": EXTERNAL},
]
AGENT: Final = {
    "name": "n",
    "prompt": PROMPT,
    "voice": VOICES[2],
    "actions": ACTIONS,
    "webhook": WEBHOOK,
    "language": "en",
    "initial_message": "m",
    "conversation_speed": 1,
    "idle_time_seconds": 3,
    "vector_database": {"type": "vector_database_pinecone", "index": "i", "api_key": "k"},
    "llm_fallback": {"provider": "openai", "model_name": "m"},
    "deepgram_keywords": {"a": 1},
}
TRUNK: Final = {
    "name": "n",
    "networks": ["10.0.0.0/8"],
    "user": "u",
    "password": "p",
    "transport": "udp",
    "target": "sip:a@b:5060",
    "dial_prefixes": ["1"],
    "allow_any": True,
    "srtp": "off",
}
ROUTES: Final[list[tuple[str, Any]]] = [
    ("/v1/agents/create", AGENT),
    ("/v1/agents/update?id=AGENT", AGENT),
    ("/v1/prompts/create", PROMPT),
    ("/v1/webhooks/create", WEBHOOK),
    *[("/v1/voices/create", voice) for voice in VOICES],
    *[("/v1/actions/create", action) for action in ACTIONS],
    ("/v1/account_connections/create", {"credentials": {"openai_api_key": "k"}}),
    ("/v1/numbers/update?phone_number=100", {"inbound_agent": AGENT, "label": "l"}),
    ("/v1/numbers/link", {"phone_number": "300", "telephony_account_connection": "TRUNK"}),
    ("/v1/numbers/buy", {"area_code": "415"}),
    ("/v1/calls/create", {"from_number": "1", "to_number": "2", "agent": AGENT}),
    ("/x/v1/sip_trunks/create", TRUNK),
    ("/x/v1/sip_trunks/update?id=TRUNK", TRUNK),
    ("/x/v1/keys/create", {"name": "n", "role": "viewer"}),
]

VALUES: Final = st.recursive(
    st.one_of(
        *(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(),
        ),
        st.sampled_from(["", "****", "****1234", "action_external", "voice_azure", "1e999", "-1"]),
        st.sampled_from(["3c90c3cc-0d44-4b50-8888-8dd25736052a", "default", {}, [], "sip:x"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def names(server: Server) -> dict[str, str]:
    """Make an agent, a trunk and a number to be changed."""
    with server.client() as http:
        agent = http.post("/v1/agents/create", json={"prompt": {}}).json()["id"]
        trunk = http.post("/x/v1/sip_trunks/create", json={"name": "t", "networks": ["::1"]})
        trunk_id = trunk.json()["id"]
        body = {"phone_number": "100", "telephony_account_connection": trunk_id}
        assert http.post("/v1/numbers/link", json=body).status_code == 200
    return {"AGENT": agent, "TRUNK": trunk_id}


def _places(value: Any) -> list[tuple[Any, Any]]:
    found = []
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], dict | list):
            found += _places(value[key])
    return found


@pytest.mark.timeout(count(120, 3600))
@settings(
    max_examples=count(150, 20_000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    route=st.sampled_from(ROUTES),
    values=st.lists(VALUES, min_size=1, max_size=3),
    seed=st.integers(0, 2**32),
)
def test_any_body(
    http: httpx.Client,
    names: dict[str, str],
    route: tuple[str, Any],
    values: list[Any],
    seed: int,
) -> None:
    """A good body with a few values replaced by anything is taken or refused, never a failure."""
    path, good = route
    body = copy.deepcopy(good)
    source = random.Random(seed)
    for value in values:
        holder, key = source.choice(_places(body) or [({}, "x")])
        holder[key] = value
    for name, row_id in names.items():
        path = path.replace(name, row_id)
    answer = http.post(path, json=body)
    detail = answer.json().get("detail")
    if answer.status_code == 422:
        assert all({"loc", "msg", "type"} <= set(problem) for problem in detail)
        assert all(isinstance(part, str | int) for item in detail for part in item["loc"])
    elif answer.status_code != 200:
        assert 400 <= answer.status_code < 500, (path, body, answer.text)
        assert isinstance(detail, str)
    for noun in ("agents", "numbers", "voices", "actions", "prompts"):
        if noun in path and answer.status_code == 200:
            assert http.get(f"/v1/{noun}/list").status_code == 200


@settings(
    max_examples=count(50, 2000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(path=st.sampled_from(ROUTES), raw=st.binary(max_size=50))
def test_any_bytes(http: httpx.Client, path: tuple[str, Any], raw: bytes) -> None:
    """Any bytes as a body are refused or count as empty, never a failure."""
    assert http.post(path[0].split("?")[0], content=raw).status_code < 500


@settings(
    max_examples=count(100, 5000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    path=st.sampled_from(["agents", "numbers", "calls", "voices"]),
    query=st.dictionaries(
        st.sampled_from(["id", "phone_number", "page", "size", "sort_column", "sort_desc"]),
        st.text(max_size=20) | st.integers().map(str),
        max_size=4,
    ),
    part=st.sampled_from(["", "/list", "/update"]),
)
def test_any_query(http: httpx.Client, path: str, query: dict[str, str], part: str) -> None:
    """Any query is answered or refused, never a failure."""
    method = "POST" if part == "/update" else "GET"
    answer = http.request(method, f"/v1/{path}{part}", params=query)
    assert answer.status_code < 500
