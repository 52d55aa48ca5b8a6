"""Webhook events, written in the transaction that makes them true.

An event's id follows from what it tells, so that a batch that is written twice announces once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cordboard.ports import Fact
from cordboard.storage.tables import Call, OutboxEvent

Json = dict[str, Any]

_SPOKEN: Final = {"turn_ended": "human", "caller_turn": "human", "heard": "bot"}
_ACTIONS: Final = ("action_started", "action_finished")
HUMAN_RESULTS: Final = {"human_answered": "human", "machine_answered": "no_human"}
"""What a fact says of who picked up."""

TOLD_KINDS: Final = (*_SPOKEN, *_ACTIONS, *HUMAN_RESULTS)

_SUBSCRIBED: Final = Call.agent["webhook"]["subscriptions"]

_UNCONNECTED_STATUS: Final = {
    "busy": "busy",
    "no_answer": "no-answer",
    "caller_cancelled": "canceled",
    "api_ended": "canceled",
}


@dataclass(frozen=True, slots=True)
class Announcement:
    """An event before it has its place in the call's order; ``key`` is its own within the call."""

    key: str
    type: str
    payload: Json
    at: datetime


async def announce_facts(session: AsyncSession, told: Sequence[tuple[str, Fact]]) -> None:
    """Announce facts, each with the id of its call: words, actions, and who picked up."""
    by_call: dict[str, list[Fact]] = {}
    for call_id, fact in told:
        if fact.kind in TOLD_KINDS:
            by_call.setdefault(call_id, []).append(fact)
    if not by_call:
        return
    found = await session.execute(select(Call.id, _SUBSCRIBED).where(Call.id.in_(list(by_call))))
    for call_id, subscribed in found:
        if subscribed:
            events = [event for event in map(_of_fact, by_call[call_id]) if event is not None]
            await announce(session, call_id, events)


async def announce(
    session: AsyncSession, call_id: str, events: Iterable[Announcement]
) -> Sequence[OutboxEvent]:
    """Append those events of a call that its webhook subscribed to; returns the new ones."""
    found = await session.execute(
        select(Call.organisation_id, _SUBSCRIBED).where(Call.id == call_id)
    )
    row = found.one_or_none()
    if row is None or not row[1]:
        return []
    wanted = {_event_id(call_id, event): event for event in events if event.type in row[1]}
    if not wanted:
        return []
    known = set(
        await session.scalars(select(OutboxEvent.id).where(OutboxEvent.id.in_(list(wanted))))
    )
    last = await session.scalar(
        select(func.max(OutboxEvent.sequence)).where(OutboxEvent.call_id == call_id)
    )
    new = [(event_id, event) for event_id, event in wanted.items() if event_id not in known]
    rows = [
        OutboxEvent(
            id=event_id,
            organisation_id=row[0],
            created_at=event.at,
            call_id=call_id,
            sequence=(last or 0) + 1 + place,
            type=event.type,
            payload=event.payload,
        )
        for place, (event_id, event) in enumerate(new)
    ]
    session.add_all(rows)
    await session.flush()
    return rows


def connected(to_number: str, from_number: str, at: datetime) -> Announcement:
    """Return what is told when a call is answered."""
    payload = {"to_phone_number": to_number, "from_phone_number": from_number}
    return Announcement("connected", "event_phone_call_connected", payload, at)


def closing(row: Call) -> list[Announcement]:
    """Return what is told of a call that has just been closed; its one terminal event is last."""
    assert row.ended_at is not None
    at = row.ended_at
    events = []
    if row.transcript:
        payload: Json = {"transcript": row.transcript}
        events.append(Announcement("transcript", "event_transcript", payload, at))
    if row.recording_available:
        events.append(Announcement("recording", "event_recording", {}, at))
    if row.started_at is None:
        status = _UNCONNECTED_STATUS.get(row.end_reason or "", "failed")
        told = {"telephony_status": status}
        events.append(Announcement("terminal", "event_phone_call_did_not_connect", told, at))
    else:
        minutes = max(0.0, (at - row.started_at).total_seconds() / 60)
        ended = {"conversation_minutes": round(minutes, 4)}
        events.append(Announcement("terminal", "event_phone_call_ended", ended, at))
    return events


def _event_id(call_id: str, event: Announcement) -> str:
    return str(uuid5(NAMESPACE_OID, f"{call_id} {event.key}"))


def _of_fact(fact: Fact) -> Announcement | None:
    key = f"fact {fact.sequence}"
    if fact.kind in _ACTIONS:
        payload = _of_action(fact.kind, fact.content)
        return None if payload is None else Announcement(key, "event_action", payload, fact.at)
    if (result := HUMAN_RESULTS.get(fact.kind)) is not None:
        return Announcement("human", "event_human_detection", {"result": result}, fact.at)
    text = " ".join(str(fact.content.get("text") or "").split())
    if not text:
        return None
    if turn_id := fact.content.get("turn_id"):
        key = f"turn {turn_id}"  # a turn that was taken up again is told once, as in the transcript
    spoken = {"text": text, "sender": _SPOKEN[fact.kind], "timestamp": fact.at.timestamp()}
    return Announcement(key, "event_message", spoken, fact.at)


def _of_action(kind: str, content: Mapping[str, object]) -> Json | None:
    about = {"action_type": content.get("function_name"), "params": content.get("arguments")}
    if kind == "action_started":
        return {"action_input": _plain(about), "action_output": None}
    output = {"action_type": content.get("function_name"), "response": content.get("result")}
    return {"action_input": None, "action_output": _plain(output)}


def _plain(value: Mapping[str, object]) -> Json:
    copied: Json = json.loads(json.dumps(dict(value), default=str))
    return copied
