"""Keys: who gets in, who may write, and what guessing leads to."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cordboard.control.auth import FAILURES_MAX, WINDOW_MS, FailedAttempts, bearer_key
from cordboard.control.errors import TooManyAttempts
from cordboard.control.keys.service import ensure_owner
from cordboard.ids import Randomness
from cordboard.storage.database import migrate
from cordboard.storage.keys import key_hash, key_prefix, new_key, well_formed
from tests.control.server import OWNER_KEY, Engine, Server, running, services_on
from tests.counts import count


def test_one_answer_for_all_bad_keys(server: Server) -> None:
    """No key, a malformed, an unknown, a revoked one, and one in the query: the same 401."""
    with server.client() as owner:
        made = owner.post("/x/v1/keys/create", json={"name": "gone"}).json()
        assert owner.post(f"/x/v1/keys/revoke?id={made['id']}").status_code == 200
    unknown = new_key(Randomness.system())
    answers = []
    for header in (None, "", "Bearer", "Basic x", f"Bearer {unknown}", f"Bearer {made['key']}"):
        headers = {} if header is None else {"Authorization": header}
        answers.append(httpx.get(f"{server.base_url}/v1/agents/list", headers=headers))
    answers.append(httpx.get(f"{server.base_url}/v1/agents/list?token={OWNER_KEY}"))
    answers.append(httpx.post(f"{server.base_url}/v1/agents/create", content=b"{not json"))
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].headers["www-authenticate"] == "Bearer"


def test_last_use_is_kept(server: Server) -> None:
    """The list tells when a key was last used; a fresh one has not been."""
    with server.client() as owner:
        made = owner.post("/x/v1/keys/create", json={"name": "used"}).json()
        assert made["last_used_at"] is None
        with server.client(made["key"]) as client:
            assert client.get("/v1/agents/list").status_code == 200
        rows = owner.get("/x/v1/keys/list").json()["items"]
        (row,) = [row for row in rows if row["id"] == made["id"]]
    assert row["last_used_at"] is not None


def test_no_secret_is_printed(server: Server) -> None:
    """What the API is handed can be printed without telling the keys' secret."""
    assert repr(server.services.key_secret)[2:-1] not in repr(server.services)


def test_scheme_in_any_case(server: Server) -> None:
    """The scheme's name may be written in any case."""
    for scheme in ("bearer", "BEARER", "Bearer"):
        headers = {"Authorization": f"{scheme}  {OWNER_KEY}"}
        answer = httpx.get(f"{server.base_url}/v1/agents/list", headers=headers)
        assert answer.status_code == 200


def test_roles(server: Server) -> None:
    """A viewer reads, a developer also writes, only an owner manages keys; scope comes first."""
    with server.client() as owner:
        keys = {
            role: owner.post("/x/v1/keys/create", json={"role": role}).json()["key"]
            for role in ("viewer", "developer")
        }
        assert owner.post("/x/v1/keys/create", json={"role": "king"}).status_code == 422
        listed = owner.get("/x/v1/keys/list").json()["items"]
    assert keys["viewer"] not in str(listed)
    with server.client(keys["viewer"]) as viewer:
        assert viewer.get("/v1/prompts/list").status_code == 200
        for path in ("prompts/create", "agents/update?id=x", "numbers/link", "calls/end?id=x"):
            assert viewer.post(f"/v1/{path}", json={}).status_code == 403, path
        assert viewer.get("/x/v1/keys/list").status_code == 403
    with server.client(keys["developer"]) as developer:
        assert developer.post("/v1/prompts/create").status_code == 200
        assert developer.post("/x/v1/keys/create").status_code == 403


def test_signature_secret_is_for_full_scope(server: Server) -> None:
    """A viewer sees the mask of a signature secret, everybody else the whole."""
    config = {
        "name": "n",
        "description": "d",
        "url": "https://example.com",
        "input_schema": {"type": "object"},
        "speak_on_send": False,
        "speak_on_receive": False,
    }
    with server.client() as owner:
        body = {"type": "action_external", "config": config}
        made = owner.post("/v1/actions/create", json=body).json()
        key = owner.post("/x/v1/keys/create", json={"role": "viewer"}).json()["key"]
        whole = owner.get(f"/v1/actions?id={made['id']}").json()["config"]["signature_secret"]
    with server.client(key) as viewer:
        seen = viewer.get(f"/v1/actions?id={made['id']}").json()["config"]["signature_secret"]
    assert whole == made["config"]["signature_secret"]
    assert seen == "****" + whole[-4:]


def test_guessing_is_limited(tmp_path: Path) -> None:
    """After 20 failures in a minute the address gets 429, but for keys that worked before."""
    with running(tmp_path) as server, server.client() as good:
        assert good.get("/v1/agents/list").status_code == 200
        with server.client("wrong") as bad:
            codes = [bad.get("/v1/agents/list").status_code for _ in range(FAILURES_MAX + 2)]
            refused = bad.get("/v1/agents/list")
        assert codes == [401] * FAILURES_MAX + [429, 429]
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert good.get("/v1/agents/list").status_code == 200


def test_attempts_are_forgotten_after_a_minute() -> None:
    """The window slides: a minute after the first failure there is room for one more."""
    attempts = FailedAttempts()
    for second in range(FAILURES_MAX):
        attempts.check("a", None, second * 1000)
        attempts.failed("a", second * 1000)
    with pytest.raises(TooManyAttempts):
        attempts.check("a", None, WINDOW_MS - 1)
    attempts.check("a", None, WINDOW_MS)
    attempts.check("b", None, 0)


def test_first_key(server: Server) -> None:
    """A key is generated only where none is; a bootstrap key that was revoked stays so."""
    second = "second-bootstrap-key"
    assert server.run(ensure_owner(server.services, None)) is None
    assert server.run(ensure_owner(server.services, second)) is None
    with server.client() as owner, server.client(second) as client:
        rows = owner.get("/x/v1/keys/list").json()["items"]
        (row,) = [row for row in rows if row["prefix"] == key_prefix(second)]
        assert client.post(f"/x/v1/keys/revoke?id={row['id']}").status_code == 200
        assert server.run(ensure_owner(server.services, second)) is None
        assert client.get("/v1/agents/list").status_code == 401


async def test_a_fresh_installation_gets_a_key(tmp_path: Path) -> None:
    """Without a bootstrap key one owner's key is made, told once, and works."""
    url = f"sqlite+aiosqlite:///{tmp_path}/cordboard.db"
    await migrate(url)
    services = services_on(url, Engine())
    key = await ensure_owner(services, None)
    assert key is not None
    assert well_formed(key)
    assert await ensure_owner(services, None) is None
    await services.database.close()


def test_the_last_owner_stays(tmp_path: Path) -> None:
    """The only owner's key cannot be revoked; nobody could get in again."""
    with running(tmp_path) as server, server.client() as owner:
        (row,) = owner.get("/x/v1/keys/list").json()["items"]
        assert owner.post(f"/x/v1/keys/revoke?id={row['id']}").status_code == 409
        assert owner.get("/v1/agents/list").status_code == 200


def test_form_of_keys() -> None:
    """A key has its form and a checksum that catches a changed character."""
    for seed in range(200):
        key = new_key(Randomness.seeded(seed))
        assert well_formed(key)
        assert key.startswith(key_prefix(key))
        place = 12 + seed % 48
        other = "0" if key[place] != "0" else "1"
        assert not well_formed(key[:place] + other + key[place + 1 :])


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_header(header: str) -> None:
    """Whatever an Authorization header holds, reading and hashing it raises nothing."""
    key = bearer_key(header)
    assert key is None or len(key_hash(b"s", key)) == 64


SHAPES = st.sampled_from(
    ["Bearer ", "bearer ", "BEARER  ", "Bearer\t", "Basic ", "Token ", "", " "]
)
WORDS = st.one_of(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f")),
    st.sampled_from(
        [OWNER_KEY + "x", f"{OWNER_KEY} {OWNER_KEY}", OWNER_KEY[:-1], OWNER_KEY.upper()]
    ),
    st.integers(1, 60_000).map(lambda length: "k" * length),
)


@settings(
    max_examples=count(25, 2_000), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(shape=SHAPES, word=WORDS, place=st.sampled_from(["header", "query", "cookie", "other"]))
def test_no_shape_of_a_wrong_key_opens(server: Server, shape: str, word: str, place: str) -> None:
    """Whatever stands where a key should, and a good key where none should: the one same 401."""
    given = f"{shape}{word}".encode("latin-1").strip()
    # As a proxy has it: from an address each, so that none has tried too often.
    address = ".".join(str(byte) for byte in Randomness.system().random_bytes(4))
    headers = [(b"x-forwarded-for", address.encode())]
    url = f"{server.base_url}/v1/agents/list"
    match place:
        case "header":
            headers.append((b"authorization", given))
        case "cookie":
            headers.append((b"cookie", b"authorization=" + OWNER_KEY.encode()))
        case "other":
            headers.append((b"x-api-key", OWNER_KEY.encode()))
        case _:
            url += f"?token={OWNER_KEY}&authorization=Bearer%20{OWNER_KEY}"
    answer = httpx.get(url, headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {"detail": "Invalid or missing API key"}
