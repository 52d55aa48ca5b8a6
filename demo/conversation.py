"""Prints a running call as it goes, from the facts on its timeline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

POLL_S = 0.15


class Conversation:
    """Follows the newest call of a server."""

    def __init__(self, http: httpx.Client, tell: Callable[[str], None]) -> None:
        self.call_id = ""
        self._http = http
        self._tell = tell
        self._sequence = 0
        self._texts: dict[str, str] = {}
        self._stopped_ms: int | None = None

    def follow(self, until: Callable[[], bool], wait_s: float) -> None:
        """Print turn by turn until ``until`` says so, and what comes in the moment after."""
        end = time.monotonic() + wait_s
        while not until() and time.monotonic() < end:
            self._poll()
            time.sleep(POLL_S)  # noqa: TID251
        for _ in range(5):
            self._poll()
            time.sleep(POLL_S)  # noqa: TID251

    def _poll(self) -> None:
        if not self.call_id:
            calls = self._http.get("/v1/calls/list").json()["items"]
            if not calls:
                return
            self.call_id = calls[0]["id"]
        facts = self._http.get(
            f"/x/v1/calls/{self.call_id}/events", params={"after": self._sequence, "size": 100}
        ).json()["items"]
        for fact in facts:
            if fact["sequence"] > self._sequence:
                self._sequence = fact["sequence"]
                self._show(fact["kind"], fact["at_ms"], fact["content"])

    def _show(self, kind: str, at_ms: int | None, content: dict[str, Any]) -> None:
        at = "" if at_ms is None else f"{at_ms / 1000:6.2f}s"
        if kind == "utterance":
            self._texts[content["utterance_id"]] = content.get("text", "")
        elif kind == "turn_ended":
            self._stopped_ms = content["caller_stopped_at_ms"]
            self._tell(f"{at}  caller  {content['text']}")
        elif kind == "playout_started":
            delay = ""
            if self._stopped_ms is not None:
                delay = f"   ({content['at_ms'] - self._stopped_ms} ms after the caller stopped)"
                self._stopped_ms = None
            self._tell(f"{at}  agent   {self._texts.get(content['utterance_id'], '')}{delay}")
        elif kind == "action_started":
            self._tell(f"{at}  action  {content['function_name']} {content.get('arguments')}")
        elif kind == "action_finished":
            self._tell(f"{at}  action  {content['outcome_class']} {content.get('result')}")
        elif kind == "ended":
            self._tell(f"{at}  ended   {content['reason']}")
