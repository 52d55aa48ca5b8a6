"""What is kept of a receiver's answer holds no secret and no telephone number."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard.delivery.answers import ANSWER_BYTES, kept_answer
from tests.counts import count

SECRET = base64.b64encode(bytes(range(100, 132))).decode()


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"noted", "noted"),
        (b'{"password": "hunter2", "ok": true}', '{"password": "****", "ok": true}'),
        (b"api_key=abc&x=1", "api_key=****&x=1"),
        (b"rang +1 202 555 0155 for you", "rang ****0155 for you"),
        (b"Authorization: Bearer abcdefgh", "Authorization: ****"),
        (f"signed with whsec_{SECRET}!".encode(), "signed with whsec_****!"),
        (b"a\x00b\r\n", "a\\u0000b\\u000d\\u000a"),
        (b"\xff", "�"),
    ],
)
def test_masked(body: bytes, kept: str) -> None:
    """Secrets by name and by form, numbers and control characters are taken out."""
    assert kept_answer(body, [SECRET]) == kept


@settings(max_examples=count(100, 10_000))
@given(st.text(max_size=1100), st.integers(0, 1100))
def test_never_a_secret(text: str, at: int) -> None:
    """Wherever the secret stands, cut or not, no eight characters of its beginning are kept."""
    kept = kept_answer((text[:at] + SECRET + text[at:]).encode(), [SECRET])
    assert SECRET[:8] not in kept
    assert len(kept) <= ANSWER_BYTES
