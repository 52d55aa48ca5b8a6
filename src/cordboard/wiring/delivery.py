"""The delivery worker of a process: events of calls on their way to webhooks."""

from __future__ import annotations

from cordboard.delivery.worker import DeliveryParts, DeliveryWorker
from cordboard.egress import Egress
from cordboard.wiring.ground import Ground


def delivery_worker(ground: Ground, egress: Egress, public_url: str) -> DeliveryWorker:
    """Return the worker; ``public_url`` begins the links that events hold."""
    return DeliveryWorker(
        DeliveryParts(
            database=ground.database,
            vault=ground.vault,
            sender=egress,
            clock=ground.clock,
            random_bytes=ground.randomness.random_bytes,
            chance=ground.randomness.random,
            public_url=public_url,
        )
    )
