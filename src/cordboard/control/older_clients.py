"""Answers as older releases of the official client can read them.

Up to 0.0.46 these know closed lists of types, and one they do not know spoils the whole answer. A
voice of the kind that came later is what an agent gets by itself, so programs that never asked for
it would meet it. They are shown the stock voice of their time in its place.
"""

from __future__ import annotations

from typing import Any, Final

FIRST_WITH_STOCK_VOICE: Final = (0, 0, 48)
_STOCK_VOICE: Final = "voice_vocode"
_SHOWN: Final = {
    "type": "voice_azure",
    "voice_name": "en-US-SteffanNeural",
    "pitch": 0,
    "rate": 15,
}


def readable(content: Any, version: tuple[int, ...] | None) -> Any:
    """Return an answer for a client of ``version``; None stands for the newest."""
    if version is None or version >= FIRST_WITH_STOCK_VOICE:
        return content
    return _replaced(content)


def _replaced(value: Any) -> Any:
    if isinstance(value, list):
        return [_replaced(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == _STOCK_VOICE:
        return {"id": value.get("id"), "user_id": value.get("user_id"), **_SHOWN}
    return {name: _replaced(item) for name, item in value.items()}
