"""``/v1/prompts``."""

from __future__ import annotations

from cordboard.control.prompts.service import PROMPTS
from cordboard.control.resource_routes import resource_router

router = resource_router("/v1/prompts", PROMPTS)
