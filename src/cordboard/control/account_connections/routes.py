"""``/v1/account_connections``."""

from __future__ import annotations

from cordboard.control.account_connections.service import ACCOUNT_CONNECTIONS
from cordboard.control.resource_routes import resource_router

router = resource_router("/v1/account_connections", ACCOUNT_CONNECTIONS)
