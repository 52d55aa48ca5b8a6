"""Rules of deliveries: how they are shown, and sending them once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cordboard.control.deliveries.queries import (
    counts_of,
    healths_of,
    page_of_deliveries,
    wanted,
)
from cordboard.control.deliveries.schemas import Replay, State
from cordboard.control.errors import Invalid
from cordboard.control.fields import Json
from cordboard.control.requests import PageQuery
from cordboard.control.rows import find, page_of
from cordboard.control.unit import Unit
from cordboard.control.webhooks.service import WEBHOOKS
from cordboard.delivery.signing import new_secret
from cordboard.storage import deliveries
from cordboard.storage.tables import Delivery, DeliveryAttempt, Webhook, WebhookHealth

NOUN: Final = "delivery"
STATES: Final = (deliveries.WAITING, deliveries.DELIVERED, deliveries.FAILED)
_PREFIX: Final = "whsec_"


async def listed(unit: Unit, page: PageQuery, state: State | None, call_id: str | None) -> Json:
    """Return a page of deliveries, without their bodies."""
    rows, total = await page_of_deliveries(unit, page, state, call_id)
    return page.envelope([show(row) for row in rows], total)


async def whole(unit: Unit, delivery_id: str) -> Json:
    """Return a delivery with its body and every attempt."""
    row = await find(unit, Delivery, delivery_id, NOUN)
    attempts = await deliveries.attempts_of(unit.session, row.id)
    return {**show(row), "body": row.body, "attempts": [_attempt(each) for each in attempts]}


async def replayed(unit: Unit, replay: Replay) -> Json:
    """Send deliveries once more; those that still wait are left as they are."""
    if replay.id is None and replay.since is None and replay.webhook is None:
        raise Invalid.at(("body", "id"), "Say which: id, or since (and until), or webhook")
    if replay.id is not None:
        await find(unit, Delivery, str(replay.id), NOUN)
    now = unit.services.clock.wall()
    count = await deliveries.replay(unit.session, unit.organisation_id, now, wanted(replay))
    return {"count": count}


async def secret(unit: Unit, webhook_id: str, *, rotate: bool) -> Json:
    """Return what a webhook's requests are signed with; ``rotate`` makes a new one first.

    For a day after that requests carry both signatures.
    """
    row = await find(unit, Webhook, webhook_id, WEBHOOKS.noun)
    services, now = unit.services, unit.services.clock.wall()
    place = deliveries.secret_place(row.organisation_id, row.id)
    fresh = services.vault.seal(new_secret(services.randomness.random_bytes), place)
    health = await unit.session.get(WebhookHealth, row.id)
    if health is None:
        health = WebhookHealth(webhook_id=row.id, organisation_id=row.organisation_id, secret=fresh)
        unit.session.add(health)
    elif rotate:
        deliveries.rotate(health, fresh, now)
    current, *old = deliveries.secrets_of(health, services.vault, now)
    return {
        "id": row.id,
        "secret": _PREFIX + current,
        "old_secret": _PREFIX + old[0] if old else None,
        "old_until": health.old_until.isoformat() if old and health.old_until else None,
        "disabled_at": health.disabled_at.isoformat() if health.disabled_at else None,
        "disabled_why": health.disabled_why,
    }


async def health(unit: Unit, webhook_id: str) -> Json:
    """Return how one webhook fares."""
    row = await find(unit, Webhook, webhook_id, WEBHOOKS.noun)
    (shown,) = await _faring(unit, [row])
    return shown


async def healths(unit: Unit, page: PageQuery) -> Json:
    """Return a page of how webhooks fare."""
    rows, total = await page_of(unit, Webhook, page, WEBHOOKS.columns)
    return page.envelope(await _faring(unit, rows), total)


async def _faring(unit: Unit, rows: Sequence[Webhook]) -> list[Json]:
    ids = [row.id for row in rows]
    known, counts = await healths_of(unit, ids), await counts_of(unit, ids)
    return [_health(row, known.get(row.id), counts) for row in rows]


def _health(
    row: Webhook, health: WebhookHealth | None, counts: Mapping[tuple[str, str], int]
) -> Json:
    failing_since = health.failing_since if health else None
    disabled_at = health.disabled_at if health else None
    state = "disabled" if disabled_at else "failing" if failing_since else "ok"
    return {
        "id": row.id,
        "user_id": row.organisation_id,
        "url": row.fields["url"],
        "state": state,
        "failing_since": failing_since.isoformat() if failing_since else None,
        "disabled_at": disabled_at.isoformat() if disabled_at else None,
        "disabled_why": health.disabled_why if health else None,
        **{f"{name}_count": counts.get((row.id, name), 0) for name in STATES},
    }


def show(row: Delivery) -> Json:
    """Return a delivery as the API shows it."""
    return {
        "id": row.id,
        "user_id": row.organisation_id,
        "call_id": row.call_id,
        "sequence": row.sequence,
        "type": row.type,
        "webhook": row.webhook_id,
        "url": row.url,
        "method": row.method,
        "state": row.state,
        "attempts_count": row.attempts_count,
        "created_at": row.created_at.isoformat(),
        "due_at": row.due_at.isoformat() if row.state == deliveries.WAITING else None,
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
    }


def _attempt(attempt: DeliveryAttempt) -> Json:
    return {
        "number": attempt.number,
        "at": attempt.at.isoformat(),
        "duration_ms": attempt.duration_ms,
        "status": attempt.status,
        "failure": attempt.failure,
        "answer": attempt.answer,
    }
