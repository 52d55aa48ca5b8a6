"""``/v1/actions``."""

from __future__ import annotations

from cordboard.control.actions.service import ACTIONS
from cordboard.control.resource_routes import resource_router

router = resource_router("/v1/actions", ACTIONS)
