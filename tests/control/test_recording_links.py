"""Links to recordings: they open one recording for a while, and nothing else (R41)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from cordboard.control.calls.links import Link, link_path, opens
from cordboard.storage.tables import Call
from tests.control.server import Engine, Server, running, services_on
from tests.counts import count

SOUND = b"sound-of-a-call"


@dataclass
class Linked:
    """A server with one recorded call, and a link to it."""

    server: Server
    call_id: str
    organisation_id: str
    url: str


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Linked]:
    """Record a call."""
    with running(tmp_path_factory.mktemp("links")) as server, server.client() as http:
        agent = http.post("/v1/agents/create", json={"prompt": "p"}).json()
        call_id = server.services.randomness.uuid()

        async def add() -> None:
            async with server.services.database.write() as session:
                session.add(
                    Call(
                        id=call_id,
                        organisation_id=agent["user_id"],
                        created_at=datetime(2026, 1, 1, tzinfo=UTC),
                        direction="inbound",
                        status="ended",
                        from_number="100",
                        to_number="200",
                        agent_phone_number="200",
                        agent_id=agent["id"],
                        agent=agent,
                        plan={},
                        carrier="sip",
                        telephony_provider="sip",
                        recording_available=True,
                    )
                )

        server.run(add())
        server.engine.recordings[call_id] = SOUND
        answer = http.get(f"/x/v1/calls/{call_id}/recording_url")
        assert answer.status_code == 200, answer.text
        yield Linked(server, call_id, agent["user_id"], answer.json()["url"])


def test_a_link_opens_without_a_key(linked: Linked) -> None:
    """Who has the link gets the sound, and nothing on the way may keep it."""
    answer = httpx.get(linked.url)
    assert (answer.status_code, answer.content) == (200, SOUND)
    assert answer.headers["cache-control"] == "no-store"
    with linked.server.client() as http:
        whole = http.get(f"/v1/calls/recording?id={linked.call_id}")
    assert whole.headers["cache-control"] == "no-store"
    assert httpx.post(linked.url).status_code == 405


def test_a_link_lasts_a_quarter_of_an_hour_at_most(linked: Linked) -> None:
    """More is refused, less is honoured."""
    with linked.server.client() as http:
        path = f"/x/v1/calls/{linked.call_id}/recording_url"
        for seconds in (0, 901, -1):
            assert http.get(path, params={"seconds": seconds}).status_code == 422
        ends = datetime.fromisoformat(http.get(path, params={"seconds": 60}).json()["expires_at"])
    assert timedelta(seconds=50) < ends - datetime.now(UTC) <= timedelta(seconds=60)


def test_every_failure_is_the_same(linked: Linked) -> None:
    """Another call, another organisation, a signature of nothing, and a recording that is gone."""
    server, parts = linked.server, urlsplit(linked.url)
    services = server.services
    none = services.randomness.uuid()
    paths = [
        f"{parts.path}?organization={linked.organisation_id}",
        linked.url.replace(linked.call_id, none),
        linked.url.replace(linked.organisation_id, none),
        link_path(services, linked.organisation_id, none, 60)[0],
        link_path(services, none, linked.call_id, 60)[0],
        link_path(services, linked.organisation_id, "../../master.key", 60)[0],
        link_path(services, linked.organisation_id, linked.call_id, -2)[0],
    ]
    answers = [httpx.get(server.base_url + path.removeprefix(server.base_url)) for path in paths]
    sound = server.engine.recordings.pop(linked.call_id)
    answers.append(httpx.get(linked.url))
    server.engine.recordings[linked.call_id] = sound
    found = {
        (answer.status_code, answer.content) for answer in answers if b"/.." not in answer.content
    }
    assert {status for status, _ in found} == {404}
    assert len({content for _, content in found} - {b'{"detail":"Not Found"}'}) == 1


def test_it_ends_to_the_second(tmp_path: Path) -> None:
    """At its last second a link opens, a second later it does not."""
    services = services_on(f"sqlite+aiosqlite:///{tmp_path}/x.db", Engine())
    now = int(services.clock.wall().timestamp())
    for until, good in ((now + 5, True), (now - 1, False)):
        link = Link("a", "b", str(until))
        assert opens(services, link, link.signature(services.key_secret)) is good
    for until_text in ("", "0", "-1", "1e99", "9" * 13, "²", f"{now}0 "):
        link = Link("a", "b", until_text)
        assert not opens(services, link, link.signature(services.key_secret)), until_text


def test_no_altered_link_opens(linked: Linked) -> None:
    """Whatever byte is changed, dropped, doubled or swapped: none of the altered links works."""
    source = random.Random("links")
    start = linked.url.index("/x/v1/") + 1
    letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEF-_.~%&=+/?"
    with httpx.Client(timeout=30) as http:
        for number in range(count(400, 10_000)):
            place = start + (number % (len(linked.url) - start))
            char = source.choice(letters)
            way = source.randrange(3)
            kept = linked.url[place + 1 :] if way else linked.url[place:]
            altered = linked.url[:place] + ("" if way == 2 else char) + kept
            if altered == linked.url:
                continue
            answer = http.get(altered)
            assert answer.status_code in (401, 404, 405, 422), altered
            assert SOUND not in answer.content, altered
    assert httpx.get(linked.url).content == SOUND
