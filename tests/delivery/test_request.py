"""What webhooks are sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from cordboard.delivery.request import WebhookRequest, build_request, event_body

OLD = "b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQgb2xkIG9sZCE="
NEW = "bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXcgbmV3IG5ldyE="


def _request(method: str, body: str, url: str = "https://example.org/in?a=b#c") -> WebhookRequest:
    return build_request(
        event_id="7f5b8e3c-0000-5000-8000-000000000001",
        sequence=3,
        method=method,
        url=url,
        body=body,
        secrets=(NEW, OLD),
        timestamp=int(datetime.now(UTC).timestamp()),
    )


def test_envelope() -> None:
    """An event is ``type``, ``call_id`` and ``payload``, as the protocol's pages show it."""
    body = json.loads(event_body("event_human_detection", "c", {"result": "no_human"}))
    assert body == {
        "type": "event_human_detection",
        "call_id": "c",
        "payload": {"result": "no_human"},
    }


def test_signatures() -> None:
    """The reference verifier accepts the new secret and, while it counts, the old one."""
    body = event_body("event_message", "c", {"text": "hé", "sender": "human"})
    request = _request("POST", body)
    assert request.headers["cordboard-sequence"] == "3"
    for secret in (OLD, NEW):
        verified = Webhook(secret).verify(request.body, request.headers)
        assert verified["payload"]["text"] == "hé"


@given(text=st.text())
def test_get(text: str) -> None:
    """With GET the parts are in the query, ``payload`` as JSON; the URL's own query stays."""
    payload = {"text": text.encode("utf-8", "replace").decode()}
    request = _request("GET", event_body("event_message", "c", payload))
    assert request.body == b""
    query = urlsplit(request.url).query
    found = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True))
    assert (found["a"], found["type"], found["call_id"]) == ("b", "event_message", "c")
    assert json.loads(found["payload"]) == payload
    signed = query.partition("&")[2]
    Webhook(OLD).verify(signed, request.headers, json_parse=False)
