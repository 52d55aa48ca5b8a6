"""The delivery worker of a process: events of calls on their way to webhooks."""

from __future__ import annotations

from cordboard.delivery.worker import DeliveryParts, DeliveryWorker
from cordboard.egress import Egress
from cordboard.wiring.ground import Ground


def delivery_worker(ground: Ground, egress: Egress, http_port: int) -> DeliveryWorker:
    """Return the worker; ``http_port`` is the one that was taken."""
    public_url = ground.settings.public_url.replace("{http_port}", str(http_port))
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
