"""Asking for a call: everything kept, everything judged, and asked twice it is one call."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from cordboard.control.calls.left_out import NEVER_SENT
from cordboard.storage.tables import Call
from cordboard.telephony.twilio.api import OURS as LEFT_OUT
from tests.control.official import UnprocessableEntityError, Vocode
from tests.control.server import OWNER_KEY, Server

pytestmark = pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecatedSince20")

OURS = "12025550101"
THEIRS = "12025550155"
BARE = "12025550102"
STRICT = "12025550103"


@pytest.fixture(scope="module", autouse=True)
def agent(server: Server) -> Iterator[str]:
    """Make an agent, and numbers on a test bench's trunk, a trunk without target, a plain trunk."""
    trunks: dict[str, dict[str, Any]] = {
        OURS: {"name": "bench", "target": "sip:192.0.2.1:5060", "allow_any": True},
        BARE: {"name": "bare", "networks": ["192.0.2.2"]},
        STRICT: {"name": "strict", "target": "sip:192.0.2.3", "dial_prefixes": ["1202"]},
    }
    with server.client() as http:
        for number, fields in trunks.items():
            trunk = http.post("/x/v1/sip_trunks/create", json=fields).json()
            link = {"phone_number": number, "telephony_account_connection": trunk["id"]}
            assert http.post("/v1/numbers/link", json=link).status_code == 200
        prompt = {"content": "You call ${name} at ${to_number}."}
        made = http.post("/v1/agents/create", json={"prompt": prompt, "initial_message": "Hi"})
        yield made.json()["id"]


def body(speaker: object, /, **more: object) -> dict[str, object]:
    """Return a request."""
    return {"from_number": OURS, "to_number": THEIRS, "agent": speaker, **more}


def stored(server: Server, call_id: str) -> Call:
    """Return a call's row."""

    async def read() -> Call:
        async with server.services.database.read() as session:
            return await session.get_one(Call, call_id)

    row = server.run(read())
    assert isinstance(row, Call)
    return row


def calls_count(server: Server) -> int:
    """Return how many calls there are."""

    async def read() -> int:
        async with server.services.database.read() as session:
            return await session.scalar(select(func.count()).select_from(Call)) or 0

    return int(server.run(read()))


def test_official_client(server: Server, agent: str) -> None:
    """Every key of the request is kept and returned; the call has not started."""
    with httpx.Client(timeout=30) as transport:
        vocode = Vocode(token=OWNER_KEY, base_url=server.base_url, httpx_client=transport)
        call = vocode.calls.create_call(
            from_number=OURS,
            to_number="+1 (202) 555-0155",
            agent=agent,
            on_no_human_answer="hangup",
            run_do_not_call_detection=True,
            hipaa_compliant=False,
            context={"name": "Ada"},
            telephony_params={"Timeout": "30", "Trim": "x"},
        )
        again = vocode.calls.get_call(id=call.id)
    assert again == call
    assert (call.status, call.stage, call.stage_outcome) == ("not_started", "created", None)
    assert (call.from_number, call.to_number, call.agent_phone_number) == (OURS, THEIRS, OURS)
    assert call.on_no_human_answer == "hangup"
    assert call.run_do_not_call_detection is True
    assert call.context == {"name": "Ada"}
    assert call.telephony_params == {"Timeout": "30", "Trim": "x"}
    assert (call.start_time, call.end_time, call.transcript) == (None, None, None)
    row = stored(server, call.id)
    assert row.plan["prompt"] == f"You call Ada at {THEIRS}."
    assert (row.direction, row.owner_engine) == ("outbound", None)


def test_inline_agent(http: httpx.Client) -> None:
    """An agent may be given whole, without a voice."""
    request = body({"prompt": {"content": "p"}, "initial_message": "Hello"})
    answer = http.post("/v1/calls/create", json=request)
    assert answer.status_code == 200, answer.text
    assert answer.json()["agent"]["initial_message"] == "Hello"
    assert answer.json()["agent"]["voice"] is not None


def test_old_names_and_bare_values(http: httpx.Client, agent: str) -> None:
    """Numbers as integers, the old name of the answer policy, and values that are no texts."""
    more = {"from_number": int(OURS), "to_number": int(THEIRS), "on_machine_answer": "hangup"}
    answer = http.post("/v1/calls/create", json=body(agent, **more, context={"age": 3}))
    assert answer.status_code == 200, answer.text
    assert answer.json()["on_no_human_answer"] == "hangup"
    assert answer.json()["context"] == {"age": "3"}


def test_content_free(server: Server, http: httpx.Client, agent: str) -> None:
    """With ``hipaa_compliant`` the call shows no prompt and its plan keeps no content."""
    answer = http.post("/v1/calls/create", json=body(agent, hipaa_compliant=True)).json()
    assert answer["hipaa_compliant"] is True
    assert answer["agent"]["prompt"]["content"] == "[redacted]"
    plan = stored(server, answer["id"]).plan
    assert plan["content_free"]
    assert not plan["record"]


@pytest.mark.parametrize(
    ("more", "place", "words"),
    [
        ({"from_number": "12025550177"}, "from_number", "link it first"),
        ({"from_number": BARE}, "from_number", "target"),
        ({"from_number": STRICT, "to_number": "+442079460000"}, "to_number", "dial_prefixes"),
        ({"to_number": "911"}, "to_number", "emergency"),
        ({"to_number": "sip:x@example.com"}, "to_number", "number"),
        ({"agent": None}, "agent", "required"),
        ({"telephony_params": {"Timeout": "never"}}, "telephony_params", "seconds"),
        ({"telephony_params": {"SendDigits": "1;2"}}, "telephony_params", "must be"),
        ({"on_no_human_answer": "maybe"}, "on_no_human_answer", "continue"),
    ],
)
def test_refused(
    server: Server, http: httpx.Client, agent: str, more: dict[str, object], place: str, words: str
) -> None:
    """What cannot be called is refused by the name of what is wrong, and nothing is kept."""
    before = calls_count(server)
    answer = http.post("/v1/calls/create", json=body(agent, **more))
    assert answer.status_code == 422, answer.text
    (problem,) = answer.json()["detail"]
    assert problem["loc"][1] == place
    assert words in problem["msg"]
    assert calls_count(server) == before


def test_country_names_its_setting(http: httpx.Client, agent: str) -> None:
    """A country that is not open is refused with the setting that opens it."""
    trunk = {"name": "plain", "target": "sip:192.0.2.9"}
    made = http.post("/x/v1/sip_trunks/create", json=trunk).json()
    link = {"phone_number": "12025550109", "telephony_account_connection": made["id"]}
    assert http.post("/v1/numbers/link", json=link).status_code == 200
    answer = http.post("/v1/calls/create", json=body(agent, from_number="12025550109"))
    assert answer.status_code == 422
    assert "CORDBOARD_DIAL_COUNTRIES" in answer.json()["detail"][0]["msg"]


def test_official_client_reads_refusals(server: Server, agent: str) -> None:
    """The official client raises what it knows."""
    with httpx.Client(timeout=30) as transport:
        vocode = Vocode(token=OWNER_KEY, base_url=server.base_url, httpx_client=transport)
        with pytest.raises(UnprocessableEntityError):
            vocode.calls.create_call(from_number="12025550177", to_number=THEIRS, agent=agent)


def test_same_key(server: Server, http: httpx.Client, agent: str) -> None:
    """The same key with the same body is the same call; with another body it is refused."""
    headers = {"Idempotency-Key": "order-4711"}
    first = http.post("/v1/calls/create", json=body(agent), headers=headers)
    before = calls_count(server)
    again = http.post("/v1/calls/create", json=body(agent), headers=headers)
    assert (again.status_code, again.json()) == (200, first.json())
    other = http.post("/v1/calls/create", json=body(agent, context={"a": "b"}), headers=headers)
    assert other.status_code == 409
    assert calls_count(server) == before


def test_key_of_another_organisation(server: Server, http: httpx.Client, agent: str) -> None:
    """Keys are the organisation's own."""
    headers = {"Idempotency-Key": "order-4712"}
    assert http.post("/v1/calls/create", json=body(agent), headers=headers).status_code == 200
    with server.client(server.other_organisation()) as stranger:
        answer = stranger.post("/v1/calls/create", json=body(agent), headers=headers)
    assert answer.status_code == 404


def test_fifty_at_once(server: Server, agent: str) -> None:
    """Fifty racing requests with one key are one call and fifty equal answers."""
    before = calls_count(server)
    headers = {"Idempotency-Key": "race"}

    def ask(client: httpx.Client) -> tuple[int, str]:
        answer = client.post("/v1/calls/create", json=body(agent), headers=headers)
        return answer.status_code, answer.text

    with server.client() as client, ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(ask, [client] * 50))
    assert len(set(answers)) == 1
    assert answers[0][0] == 200
    assert calls_count(server) == before + 1


def test_ended_before_it_was_placed(server: Server, http: httpx.Client, agent: str) -> None:
    """A call that waits can be ended; it never connected."""
    server.engine.runs_it = False
    try:
        call_id = http.post("/v1/calls/create", json=body(agent)).json()["id"]
        ended = http.post("/v1/calls/end", params={"id": call_id}).json()
    finally:
        server.engine.runs_it = True
    assert (ended["status"], ended["stage_outcome"]) == ("ended", "call_did_not_connect")


def test_what_has_no_effect_is_named(server: Server, agent: str) -> None:
    """Whatever is asked for and not honoured stands on the record, and only that."""
    asked = body(
        agent,
        on_no_human_answer="hangup",
        run_do_not_call_detection=True,
        telephony_params={"Timeout": "20", "SendDigits": "w1", "Record": "true"},
    )
    with server.client() as http:
        made = http.post("/v1/calls/create", json=asked).json()
        plain = http.post("/v1/calls/create", json=body(agent)).json()
        # No phrases of this wish are known in Japanese.
        wary = {
            "prompt": {"content": "Hello."},
            "run_do_not_call_detection": True,
            "language": "ja",
        }
        speaker = http.post("/v1/agents/create", json=wary).json()["id"]
        by_agent = http.post("/v1/calls/create", json=body(speaker)).json()
        made_all = (made, plain, by_agent)
        shown = [http.get(f"/x/v1/calls?id={call['id']}").json() for call in made_all]
    assert "left_out" not in made
    assert shown[2]["left_out"] == ["run_do_not_call_detection"]
    assert shown[0]["left_out"] == ["telephony_params.Record"]
    assert shown[1]["left_out"] == []


def test_one_list_of_what_is_never_sent() -> None:
    """What the record names as left out is what the carrier leaves out."""
    assert NEVER_SENT == LEFT_OUT


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("transport", "tcp", "tcp"),
        ("transport", "tls", "tls"),
        ("srtp", "require", "srtp"),
        ("target", "sips:192.0.2.9", "target"),
        ("target", "sip:192.0.2.9;transport=tls", "target"),
    ],
)
def test_what_is_not_spoken_is_refused_by_name(
    server: Server, agent: str, field: str, value: str, named: str
) -> None:
    """A trunk that needs a transport we lack takes no calls, and the refusal says which."""
    refused_ones = ("tcp", "tls", "require", "sips:192.0.2.9", "sip:192.0.2.9;transport=tls")
    ours = f"1202555019{refused_ones.index(value)}"
    trunk = {"name": f"{field} {value}", "target": "sip:192.0.2.9", "allow_any": True, field: value}
    with server.client() as http:
        made = http.post("/x/v1/sip_trunks/create", json=trunk).json()
        link = {"phone_number": ours, "telephony_account_connection": made["id"]}
        assert http.post("/v1/numbers/link", json=link).status_code == 200
        refused = http.post("/v1/calls/create", json={**body(agent), "from_number": ours})
    assert refused.status_code == 422
    assert named in refused.text
    assert "so far" in refused.text
