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
