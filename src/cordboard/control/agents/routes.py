"""``/v1/agents``."""

from __future__ import annotations

from cordboard.control.agents.service import AGENTS
from cordboard.control.resource_routes import resource_router

router = resource_router("/v1/agents", AGENTS)
