"""``/v1/vector_databases``."""

from __future__ import annotations

from cordboard.control.resource_routes import resource_router
from cordboard.control.vector_databases.service import VECTOR_DATABASES

router = resource_router("/v1/vector_databases", VECTOR_DATABASES)
