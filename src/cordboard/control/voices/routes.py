"""``/v1/voices``."""

from __future__ import annotations

from cordboard.control.resource_routes import resource_router
from cordboard.control.voices.service import VOICES

router = resource_router("/v1/voices", VOICES)
