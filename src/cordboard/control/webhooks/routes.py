"""``/v1/webhooks``."""

from __future__ import annotations

from cordboard.control.resource_routes import resource_router
from cordboard.control.webhooks.service import WEBHOOKS

router = resource_router("/v1/webhooks", WEBHOOKS)
