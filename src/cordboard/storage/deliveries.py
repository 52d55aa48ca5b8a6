"""Deliveries as SQL: made from announced events, claimed when due, and what came of each attempt.

Every function works within the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Select,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cordboard.storage.tables import Call, Delivery, DeliveryAttempt, OutboxEvent, WebhookHealth
from cordboard.storage.vault import SecretPlace, SecretUnreadable, Vault

WAITING, DELIVERED, FAILED = "waiting", "delivered", "failed"
KEPT_DAYS: Final = 30
OLD_SECRET_HOURS: Final = 24
RELAY_COUNT: Final = 200
_PURGE_COUNT: Final = 500


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery that is ``worker``'s to attempt; ``attempts_count`` counts this attempt."""

    event_id: str
    organisation_id: str
    webhook_id: str
    sequence: int
    type: str
    url: str
    method: str
    body: str
    attempts_count: int
    worker: str
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of an attempt: ``wait`` is None where there is none after it."""

    at: datetime
    duration_ms: int
    status: int | None
    failure: str | None
    answer: str
    delivered: bool
    gone: bool
    wait: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLimits:
    """Who claims, and what keeps a delivery that is due from being claimed.

    ``hold`` is how long an event waits for earlier ones, ``per_webhook_count`` how many attempts
    may be under way to a webhook, in all processes; ``busy`` webhooks and deliveries that are
    ``under_way`` are left alone.
    """

    worker: str
    lease: timedelta
    hold: timedelta
    per_webhook_count: int
    busy: Collection[str] = ()
    under_way: Collection[str] = ()


async def anything(session: AsyncSession, now: datetime) -> tuple[bool, bool]:
    """Tell whether there is an event to turn into a delivery, and whether a delivery is due that
    nobody is at.
    """
    announced = select(OutboxEvent.id).where(OutboxEvent.relayed_at.is_(None)).limit(1)
    due = select(Delivery.id).where(*_due(now)).limit(1)
    return (
        (await session.execute(announced)).first() is not None,
        (await session.execute(due)).first() is not None,
    )


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    unleased = or_(Delivery.lease_until.is_(None), Delivery.lease_until < now)
    return Delivery.state == WAITING, Delivery.due_at <= now, unleased


async def relay(
    session: AsyncSession,
    now: datetime,
    body_of: Callable[[OutboxEvent], str],
    new_secret: Callable[[str, str], str],
) -> int:
    """Turn announced events into deliveries; returns how many were looked at.

    ``new_secret`` (organisation id, webhook id) returns a fresh sealed secret.
    """
    waiting = (
        select(OutboxEvent)
        .where(OutboxEvent.relayed_at.is_(None))
        .order_by(OutboxEvent.created_at, OutboxEvent.call_id, OutboxEvent.sequence)
        .limit(RELAY_COUNT)
        .with_for_update(skip_locked=True)
    )
    events = (await session.scalars(waiting)).all()
    webhooks: dict[str, dict[str, Any] | None] = {}
    for event in events:
        event.relayed_at = now
        if event.call_id not in webhooks:
            agent = await session.scalar(select(Call.agent).where(Call.id == event.call_id))
            webhooks[event.call_id] = (agent or {}).get("webhook")
        webhook = webhooks[event.call_id]
        if webhook is None:
            continue
        health = await _health(session, event.organisation_id, webhook["id"], new_secret)
        session.add(
            Delivery(
                id=event.id,
                organisation_id=event.organisation_id,
                created_at=event.created_at,
                call_id=event.call_id,
                sequence=event.sequence,
                webhook_id=webhook["id"],
                type=event.type,
                url=webhook["url"],
                method=webhook.get("method") or "POST",
                body=body_of(event),
                state=FAILED if health.disabled_at else WAITING,
                finished_at=now if health.disabled_at else None,
                attempts_count=0,
                due_at=now,
            )
        )
    return len(events)


async def _health(
    session: AsyncSession,
    organisation_id: str,
    webhook_id: str,
    new_secret: Callable[[str, str], str],
) -> WebhookHealth:
    health = await session.get(WebhookHealth, webhook_id)
    if health is None:
        health = WebhookHealth(
            webhook_id=webhook_id,
            organisation_id=organisation_id,
            secret=new_secret(organisation_id, webhook_id),
        )
        session.add(health)
        await session.flush()
    return health


async def claim(
    session: AsyncSession, now: datetime, limits: ClaimLimits, vault: Vault
) -> DueDelivery | None:
    """Claim the delivery that has been due longest, of a webhook that ``limits`` leave room for.

    An event waits for the earlier ones of its call: until they are deliveries, and then up to
    ``limits.hold`` from their first attempt. All of it holds over any number of processes.
    """
    statement = (
        select(Delivery)
        .where(
            *_due(now),
            Delivery.id.not_in(limits.under_way),
            Delivery.webhook_id.not_in(limits.busy),
            Delivery.webhook_id.not_in(_crowded(now, limits)),
            ~_waits_for_earlier(now, limits),
        )
        .order_by(Delivery.due_at, Delivery.created_at, Delivery.sequence)
        .limit(1)
        .with_for_update(skip_locked=True, of=Delivery)
    )
    row = (await session.scalars(statement)).first()
    if row is None:
        return None
    row.lease_until, row.worker = now + limits.lease, limits.worker
    row.first_at = row.first_at or now
    health = await session.get_one(WebhookHealth, row.webhook_id)
    return DueDelivery(
        event_id=row.id,
        organisation_id=row.organisation_id,
        webhook_id=row.webhook_id,
        sequence=row.sequence,
        type=row.type,
        url=row.url,
        method=row.method,
        body=row.body,
        attempts_count=row.attempts_count + 1,
        worker=limits.worker,
        secrets=_readable_secrets(health, vault, now),
    )


def _readable_secrets(health: WebhookHealth, vault: Vault, now: datetime) -> tuple[str, ...]:
    """Return no secrets where they do not open: that webhook has failed, and no other waits."""
    try:
        return secrets_of(health, vault, now)
    except SecretUnreadable:
        return ()


def _waits_for_earlier(now: datetime, limits: ClaimLimits) -> ColumnElement[bool]:
    """Whether an earlier event of the call is no delivery yet, or holds this one back."""
    unrelayed = exists().where(
        OutboxEvent.call_id == Delivery.call_id,
        OutboxEvent.sequence < Delivery.sequence,
        OutboxEvent.relayed_at.is_(None),
    )
    earlier = aliased(Delivery)
    held_back = exists().where(
        earlier.call_id == Delivery.call_id,
        earlier.sequence < Delivery.sequence,
        earlier.state == WAITING,
        or_(earlier.first_at.is_(None), earlier.first_at > now - limits.hold),
    )
    return or_(unrelayed, held_back)


def _crowded(now: datetime, limits: ClaimLimits) -> Select[str]:
    """The webhooks that have as many attempts under way, in all processes, as they may."""
    leased = aliased(Delivery)
    return (
        select(leased.webhook_id)
        .where(leased.lease_until >= now)
        .group_by(leased.webhook_id)
        .having(func.count() >= limits.per_webhook_count)
    )


async def renew(
    session: AsyncSession, worker: str, under_way: Collection[str], lease_until: datetime
) -> None:
    """Keep deliveries that a worker is at from being taken over; those it has lost stay lost."""
    await session.execute(
        update(Delivery)
        .where(Delivery.id.in_(under_way), Delivery.worker == worker)
        .values(lease_until=lease_until)
        .execution_options(synchronize_session=False)
    )


def secret_place(organisation_id: str, webhook_id: str) -> SecretPlace:
    """Return the place that a webhook's secrets are bound to."""
    return SecretPlace(organisation_id, "webhook_health", "secret", webhook_id)


def secrets_of(health: WebhookHealth, vault: Vault, now: datetime) -> tuple[str, ...]:
    """Return what a webhook's requests are signed with now: its secret, and for a day the old."""
    place = secret_place(health.organisation_id, health.webhook_id)
    secrets = [vault.open(health.secret, place)]
    if health.old_secret and health.old_until and health.old_until > now:
        secrets.append(vault.open(health.old_secret, place))
    return tuple(secrets)


def rotate(health: WebhookHealth, fresh: str, now: datetime) -> None:
    """Give a webhook another sealed secret; the one it had signs too for a day."""
    health.old_secret, health.secret = health.secret, fresh
    health.old_until = now + timedelta(hours=OLD_SECRET_HOURS)


async def record(
    session: AsyncSession, due: DueDelivery, attempt: Attempt, disabled_after: timedelta
) -> str | None:
    """Write what came of an attempt; returns why the webhook is disabled, if it was by this.

    An attempt whose lease was lost in between is written down; it changes nothing that is over,
    nor when somebody else's attempt is followed by another.
    """
    row = await session.get_one(Delivery, due.event_id)
    number = row.attempts_count + 1
    session.add(
        DeliveryAttempt(
            delivery_id=row.id,
            number=number,
            at=attempt.at,
            duration_ms=attempt.duration_ms,
            status=attempt.status,
            failure=attempt.failure,
            answer=attempt.answer,
        )
    )
    row.attempts_count = number
    ours = row.worker in (None, due.worker)
    if ours:
        row.lease_until = row.worker = None
    if row.state == WAITING and (ours or attempt.delivered):
        if attempt.wait is not None:
            row.due_at = attempt.at + attempt.wait
        else:
            row.state = DELIVERED if attempt.delivered else FAILED
            row.finished_at = attempt.at
    return await _fare(session, row.webhook_id, attempt, disabled_after)


async def _fare(
    session: AsyncSession, webhook_id: str, attempt: Attempt, disabled_after: timedelta
) -> str | None:
    health = await session.get_one(WebhookHealth, webhook_id)
    if attempt.delivered:
        health.failing_since = None
        return None
    health.failing_since = health.failing_since or attempt.at
    if health.disabled_at is not None:
        return None
    if attempt.gone:
        health.disabled_why = "gone"
    elif attempt.at - health.failing_since >= disabled_after:
        health.disabled_why = "only_failures"
    else:
        return None
    health.disabled_at = attempt.at
    await session.execute(
        update(Delivery)
        .where(Delivery.webhook_id == webhook_id, Delivery.state == WAITING)
        .values(state=FAILED, finished_at=attempt.at, lease_until=None, worker=None)
    )
    return health.disabled_why


async def replay(
    session: AsyncSession, organisation_id: str, now: datetime, which: ColumnElement[bool]
) -> int:
    """Send deliveries that are over once more, with the id and body they had; returns how many.

    Their webhooks are enabled again.
    """
    mine = (Delivery.organisation_id == organisation_id, Delivery.state != WAITING, which)
    webhooks = select(Delivery.webhook_id).where(*mine).distinct()
    await session.execute(
        update(WebhookHealth)
        .where(WebhookHealth.webhook_id.in_(webhooks))
        .values(disabled_at=None, disabled_why=None, failing_since=None)
        .execution_options(synchronize_session=False)
    )
    changed: CursorResult[Any] = await session.execute(  # type: ignore[assignment]
        update(Delivery)
        .where(*mine)
        .values(
            state=WAITING,
            due_at=now,
            first_at=None,
            finished_at=None,
            lease_until=None,
            worker=None,
        )
        .execution_options(synchronize_session=False)
    )
    return int(changed.rowcount)


async def attempts_of(session: AsyncSession, delivery_id: str) -> Sequence[DeliveryAttempt]:
    """Return the attempts of a delivery, in order."""
    wanted = select(DeliveryAttempt).where(DeliveryAttempt.delivery_id == delivery_id)
    return (await session.scalars(wanted.order_by(DeliveryAttempt.number))).all()


async def purge(session: AsyncSession, now: datetime) -> int:
    """Forget some of what was over long ago; returns how many deliveries went."""
    old = (
        select(Delivery.id)
        .where(Delivery.state != WAITING, Delivery.finished_at < now - timedelta(days=KEPT_DAYS))
        .limit(_PURGE_COUNT)
    )
    gone = list(await session.scalars(old))
    if gone:
        await session.execute(delete(DeliveryAttempt).where(DeliveryAttempt.delivery_id.in_(gone)))
        await session.execute(delete(Delivery).where(Delivery.id.in_(gone)))
        await session.execute(delete(OutboxEvent).where(OutboxEvent.id.in_(gone)))
    return len(gone)
