"""Answers: JSON that any client can read, with notices in the headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import JSONResponse

from cordboard.control.older_clients import readable
from cordboard.control.unit import Unit

NOTICE_HEADER: Final = "X-Cordboard-Notice"


def answer(unit: Unit, content: Mapping[str, object]) -> JSONResponse:
    """Return 200 with ``content``; what the unit noticed on the way goes into a header."""
    headers = {}
    if unit.notices:
        text = "; ".join(dict.fromkeys(unit.notices))
        headers[NOTICE_HEADER] = "".join(c if " " <= c <= "~" else "?" for c in text)[:1000]
    return JSONResponse(readable(dict(content), unit.client_version), headers=headers)
