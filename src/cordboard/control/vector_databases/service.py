"""Rules of vector databases."""

from __future__ import annotations

from typing import Final

from cordboard.control.resources import Resource
from cordboard.control.vector_databases.queries import COLUMNS
from cordboard.control.vector_databases.schemas import MODELS, infer
from cordboard.storage.tables import VectorDatabase

VECTOR_DATABASES: Final = Resource(
    noun="vector database",
    table=VectorDatabase,
    models=MODELS,
    columns=COLUMNS,
    infer=infer,
    secrets={kind: [("api_key",)] for kind in MODELS},
)
