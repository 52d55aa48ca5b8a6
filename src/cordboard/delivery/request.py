"""What a webhook is sent: the body of an event, and the request around it; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from cordboard.delivery.signing import standard_webhook_headers

ID_HEADER: Final = "webhook-id"
SEQUENCE_HEADER: Final = "cordboard-sequence"
_SIGNATURE: Final = "webhook-signature"


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """One request; ``body`` is empty where the method is GET."""

    method: str
    url: str
    body: bytes
    headers: dict[str, str] = field(repr=False)


def event_body(event_type: str, call_id: str, payload: Mapping[str, object]) -> str:
    """Return the body of an event: ``type``, ``call_id`` and ``payload``."""
    return json.dumps({"type": event_type, "call_id": call_id, "payload": dict(payload)})


def build_request(
    *,
    event_id: str,
    sequence: int,
    method: str,
    url: str,
    body: str,
    secrets: Sequence[str],
    timestamp: int,
) -> WebhookRequest:
    """Return the request for one attempt, signed with every one of ``secrets``.

    With GET the three parts of the event are query parameters, ``payload`` as JSON, and what is
    signed is the query string of these three.
    """
    content = body
    target, sent = url, body.encode()
    if method == "GET":
        content = urlencode(_parameters(body))
        target, sent = _with_query(url, content), b""
    signed = [
        standard_webhook_headers(secret, event_id, timestamp, content.encode())
        for secret in secrets
    ]
    headers = dict(signed[0]) if signed else {ID_HEADER: event_id}
    if len(signed) > 1:
        headers[_SIGNATURE] = " ".join(each[_SIGNATURE] for each in signed)
    headers[SEQUENCE_HEADER] = str(sequence)
    return WebhookRequest(method, target, sent, headers)


def _parameters(body: str) -> dict[str, str]:
    event = json.loads(body)
    return {**event, "payload": json.dumps(event["payload"])}


def _with_query(url: str, query: str) -> str:
    parts = urlsplit(url)
    joined = f"{parts.query}&{query}" if parts.query else query
    return urlunsplit(parts._replace(query=joined, fragment=""))
