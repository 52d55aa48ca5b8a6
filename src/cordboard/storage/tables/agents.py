"""Agents and what they are made of.

``fields`` holds a resource's own fields in the public API's form; references to other resources
and secrets are never in it. ``secrets`` maps a field's path to its encrypted value; ``fields``
then holds the mask that readers see.
"""

from __future__ import annotations

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from cordboard.storage.tables.rows import (
    ID,
    JsonObject,
    Row,
    TenantRow,
    tenant_key,
    within_organisation,
)


def _newest_first(table: str) -> Index:
    return Index(f"ix_{table}_newest", "organisation_id", "created_at", "id")


class ResourceRow(TenantRow):
    """A resource that refers to no other; ``type`` is its noun where the public API has none."""

    __abstract__ = True

    type: Mapped[str] = mapped_column(String(40))
    fields: Mapped[JsonObject]
    secrets: Mapped[JsonObject]


class Prompt(ResourceRow):
    """Instructions to a language model."""

    __tablename__ = "prompts"
    __table_args__ = (tenant_key(), _newest_first("prompts"))


class PromptTemplate(ResourceRow):
    """A text that prompts are made from."""

    __tablename__ = "prompt_templates"
    __table_args__ = (tenant_key(), _newest_first("prompt_templates"))


class Voice(ResourceRow):
    """How an agent sounds."""

    __tablename__ = "voices"
    __table_args__ = (tenant_key(), _newest_first("voices"))


class Action(ResourceRow):
    """What an agent may do besides talking."""

    __tablename__ = "actions"
    __table_args__ = (tenant_key(), _newest_first("actions"))


class Webhook(ResourceRow):
    """Where events of a call are sent."""

    __tablename__ = "webhooks"
    __table_args__ = (tenant_key(), _newest_first("webhooks"))


class VectorDatabase(ResourceRow):
    """Where documents for an agent's answers are looked up."""

    __tablename__ = "vector_databases"
    __table_args__ = (tenant_key(), _newest_first("vector_databases"))


class AccountConnection(ResourceRow):
    """An account of the organisation's own at a carrier or provider."""

    __tablename__ = "account_connections"
    __table_args__ = (tenant_key(), _newest_first("account_connections"))


class Agent(TenantRow):
    """Who answers: prompt, voice and dials; its actions are rows of ``agent_actions``."""

    __tablename__ = "agents"
    __table_args__ = (
        tenant_key(),
        _newest_first("agents"),
        within_organisation("prompt_id", "prompts"),
        within_organisation("voice_id", "voices"),
        within_organisation("webhook_id", "webhooks"),
        within_organisation("vector_database_id", "vector_databases"),
        within_organisation("openai_account_connection_id", "account_connections"),
    )

    fields: Mapped[JsonObject]
    prompt_id: Mapped[str] = mapped_column(ID)
    voice_id: Mapped[str] = mapped_column(ID)
    webhook_id: Mapped[str | None] = mapped_column(ID)
    vector_database_id: Mapped[str | None] = mapped_column(ID)
    openai_account_connection_id: Mapped[str | None] = mapped_column(ID)


class AgentAction(Row):
    """One action of an agent's list, in the list's order."""

    __tablename__ = "agent_actions"
    __table_args__ = (
        within_organisation("agent_id", "agents"),
        within_organisation("action_id", "actions"),
    )

    agent_id: Mapped[str] = mapped_column(ID, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ID)
    action_id: Mapped[str] = mapped_column(ID)
