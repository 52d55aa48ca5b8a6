"""Trunks: what the rest of the server is told of them, and when."""

from __future__ import annotations

import httpx

from tests.control.server import Server

TRUNKS = "/x/v1/sip_trunks"


def test_told_when_durable(server: Server, http: httpx.Client) -> None:
    """Before an answer is sent, signalling is told of the trunk, which can be read by then."""
    seen = server.engine.trunks_seen
    del seen[:]
    made = http.post(f"{TRUNKS}/create", json={"name": "told", "networks": ["192.0.2.1/32"]})
    trunk_id = made.json()["id"]
    assert [trunk_id in ids for ids in seen] == [True]
    http.post(f"{TRUNKS}/update?id={trunk_id}", json={"name": "told again"})
    assert [trunk_id in ids for ids in seen] == [True, True]
    http.post(f"{TRUNKS}/delete?id={trunk_id}")
    assert [trunk_id in ids for ids in seen] == [True, True, False]


def test_refused_changes_nothing(server: Server, http: httpx.Client) -> None:
    """Nobody is told of a trunk that was refused."""
    del server.engine.trunks_seen[:]
    assert http.post(f"{TRUNKS}/create", json={"name": "nowhere"}).status_code == 422
    assert server.engine.trunks_seen == []


def test_an_operators_word(server: Server) -> None:
    """An operator's trunk may lead inside, for as long as others leave where it leads alone; to
    metadata not even his.
    """
    inside = {"name": "pbx", "target": "sip:10.0.0.5", "networks": ["10.0.0.0/24"]}
    with (
        server.client(server.other_organisation("operator")) as operator,
        server.client(server.other_organisation("owner")) as stranger,
    ):
        refused = stranger.post(f"{TRUNKS}/create", json={**inside, "by_operator": True})
        assert refused.status_code == 422
        assert "CORDBOARD_OPEN_NETWORKS" in refused.text
        worse = {**inside, "target": "sip:169.254.169.254"}
        assert operator.post(f"{TRUNKS}/create", json=worse).status_code == 422
        made = operator.post(f"{TRUNKS}/create", json=inside).json()
        assert made["by_operator"] is True
        owner_key = operator.post("/x/v1/keys/create", json={"name": "o", "role": "owner"})
        at = f"{TRUNKS}/update?id={made['id']}"
        with server.client(owner_key.json()["key"]) as owner:
            kept = owner.post(at, json={"dial_prefixes": ["1202"]}).json()
            assert (kept["by_operator"], kept["target"]) == (True, "sip:10.0.0.5")
            assert owner.post(at, json={"target": "sip:10.0.0.6"}).status_code == 422
            assert owner.post(at, json={"networks": ["10.0.0.0/8"]}).status_code == 422
            moved = owner.post(at, json={"target": "sip:example.com"}).json()
            assert moved["by_operator"] is False
            assert owner.post(at, json={"target": "sip:10.0.0.5"}).status_code == 422
        assert operator.post(at, json={"name": "still"}).json()["by_operator"] is False
        assert operator.post(at, json={"target": "sip:10.0.0.5"}).json()["by_operator"] is True
