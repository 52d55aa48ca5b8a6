"""Marks that are planted in every secret and personal field, and where they may be found again."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

SECRETS: Final = {
    name: f"cnry{name.replace('_', '')}-x9Qz7Lw2Kp"
    for name in (
        *("bootstrap_key", "openai_setting", "deepgram_setting", "elevenlabs_setting"),
        *("trunk_password", "register_password", "carrier_token", "openai_account"),
        *("vector_key", "voice_key", "flow_token", "key_tried"),
    )
}
"""What opens something. The server keeps these sealed, or does not keep them."""

PERSONAL: Final = {
    "caller_number": "2025550199",
    "other_number": "2025550177",
    "dialled": "2025550166",
    "caller_words": "cnryspoken",
    "digits": "7391739528",
    "prompt": "cnryprompt",
    "greeting": "cnrygreeting",
    "reply": "cnryreply",
    "context": "cnrycontext",
    "argument": "cnryargument",
    "result": "cnryresult",
    "url_query": "cnryquery",
}
"""What is said, typed and known of people. It is kept where it is meant to be."""

FOREIGN: Final = {"vendor": "cnryvendorbody", "receiver": "cnryhookbody", "carrier": "cnrycarrier"}
"""What failing vendors, receivers and carriers answer."""

_SAID: Final = {"call_events.content", "calls.transcript", "deliveries.body", "outbox.payload"}
_PLANNED: Final = {"calls.agent", "calls.plan"}

MEANT: Final[dict[str, set[str]]] = {
    "caller_number": {"calls.from_number", "legs.dialog", "deliveries.body", "outbox.payload"},
    "other_number": {
        *("actions.fields", "numbers.number", "calls.from_number", "calls.agent_phone_number"),
        *("legs.dialog", "number_wishes.number", *_PLANNED),
    },
    "dialled": {"calls.to_number", "legs.dialog"},
    "caller_words": _SAID,
    "digits": _SAID,
    "prompt": {"prompts.fields", *_PLANNED},
    "greeting": {"agents.fields", *_SAID, *_PLANNED},
    "reply": _SAID,
    "context": {"calls.call_variables", "calls.plan", *_SAID},
    "argument": _SAID,
    "result": _SAID,
    "url_query": {
        *("webhooks.fields", "prompts.fields", "flows.fields", "calls.agent", "deliveries.url"),
    },
    "receiver": {"delivery_attempts.answer"},
    "carrier": {"calls.error_message", "call_events.content", "number_wishes.problem"},
}
"""The columns in which marks may stand, and do after a call; those of secrets stand in none."""


def forms(mark: str) -> Iterable[str]:
    """Return the ways in which a mark could be written down."""
    yield from (mark, quote(mark, safe=""), json.dumps(mark)[1:-1])
    yield from (base64.b64encode(mark.encode()).decode().rstrip("="), mark.encode().hex())
    spelt = f"{mark[:3]}-{mark[3:6]}-{mark[6:]}"
    if mark.isdigit():
        yield from (spelt, spelt.replace("-", " "))


def found(text: str, marks: Mapping[str, str]) -> set[str]:
    """Return the names of the marks that ``text`` holds in any form."""
    return {name for name, mark in marks.items() if any(form in text for form in forms(mark))}


def columns(database: Path, marks: Mapping[str, str]) -> dict[str, set[str]]:
    """Return in which columns of an SQLite database each mark stands."""
    places: dict[str, set[str]] = {}
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        tables = connection.execute("select name from sqlite_master where type = 'table'")
        for (table,) in tables.fetchall():
            rows = connection.execute(f'select * from "{table}"')  # noqa: S608  (its own names)
            names = [column[0] for column in rows.description]
            for row in rows:
                for column, value in zip(names, row, strict=True):
                    for name in found(str(value), marks):
                        places.setdefault(name, set()).add(f"{table}.{column}")
    return places
