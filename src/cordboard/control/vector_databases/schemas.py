"""What vector databases hold, by type (reference section 10)."""

from __future__ import annotations

from cordboard.control.fields import Fields


class PineconeFields(Fields):
    """``vector_database_pinecone``."""

    index: str
    api_key: str
    api_environment: str


MODELS: dict[str, type[Fields]] = {"vector_database_pinecone": PineconeFields}


def infer(value: dict[str, object]) -> str | None:
    """Return the type of a vector database that lost it."""
    return "vector_database_pinecone" if "index" in value else None
