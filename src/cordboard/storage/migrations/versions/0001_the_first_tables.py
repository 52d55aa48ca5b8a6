"""The first tables: tenants, agents and their parts, numbers, trunks, calls and their records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, those that others refer to first."""
    op.create_table("organisations", _id(), _text("name", 200), _time("created_at", null=False))
    _organisation_tables()
    _resource_tables()
    _agent_tables()
    _number_table()
    _call_table()
    _call_record_tables()


def _organisation_tables() -> None:
    _tenant_table(
        "api_keys",
        _text("name", 200),
        _text("prefix", 32),
        _text("key_hash", 64),
        _text("role", 20),
        _time("last_used_at"),
        _time("revoked_at"),
        _unique("api_keys", "key_hash"),
        referable=False,
    )
    op.create_index("ix_api_keys_organisation_id", "api_keys", ["organisation_id"])
    _tenant_table(
        "sip_trunks",
        _text("name", 100),
        _json("fields"),
        _json("secrets"),
        _unique("sip_trunks", "organisation_id", "name"),
    )
    _newest_first("sip_trunks")


def _resource_tables() -> None:
    for table in (
        *("prompts", "voices", "actions"),
        *("webhooks", "vector_databases", "account_connections"),
    ):
        _tenant_table(table, _text("type", 40), _json("fields"), _json("secrets"))
        _newest_first(table)


def _agent_tables() -> None:
    _tenant_table(
        "agents",
        _json("fields"),
        _id("prompt_id"),
        _id("voice_id"),
        _id("webhook_id", null=True),
        _id("vector_database_id", null=True),
        _id("openai_account_connection_id", null=True),
        _within("agents", "prompt_id", "prompts"),
        _within("agents", "voice_id", "voices"),
        _within("agents", "webhook_id", "webhooks"),
        _within("agents", "vector_database_id", "vector_databases"),
        _within("agents", "openai_account_connection_id", "account_connections"),
    )
    _newest_first("agents")
    op.create_table(
        "agent_actions",
        _id("agent_id", key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        _id("organisation_id"),
        _id("action_id"),
        _within("agent_actions", "agent_id", "agents"),
        _within("agent_actions", "action_id", "actions"),
    )


def _number_table() -> None:
    _tenant_table(
        "numbers",
        _text("number", 64),
        sa.Column("label", sa.String(), nullable=False),
        _flag("active"),
        _flag("outbound_only"),
        _json("example_context", null=True),
        _text("telephony_provider", 20),
        _id("inbound_agent_id", null=True),
        _id("inbound_flow_id", null=True),
        _id("trunk_id", null=True),
        _id("telephony_account_connection_id", null=True),
        _unique("numbers", "organisation_id", "number"),
        _within("numbers", "inbound_agent_id", "agents"),
        _within("numbers", "trunk_id", "sip_trunks"),
        _within("numbers", "telephony_account_connection_id", "account_connections"),
    )
    _newest_first("numbers")
    op.create_index("ix_numbers_number", "numbers", ["number"])


def _call_table() -> None:
    _tenant_table(
        "calls",
        _text("operator", 20),
        _text("direction", 20),
        _text("status", 20),
        _text("stage", 40, null=True),
        _text("stage_outcome", 40, null=True),
        _text("end_reason", 40, null=True),
        sa.Column("error_message", sa.Text()),
        _text("from_number", 64),
        _text("to_number", 64),
        _text("agent_phone_number", 64),
        _id("agent_id", null=True),
        _json("agent"),
        _json("plan"),
        _text("carrier", 20),
        _id("trunk_id", null=True),
        *_call_api_columns(),
        sa.Column("transcript", sa.Text()),
        _flag("recording_available"),
        _time("started_at"),
        _time("ended_at"),
        _text("owner_engine", 64, null=True),
        _time("lease_until"),
    )
    _newest_first("calls")
    op.create_index("ix_calls_lease", "calls", ["status", "lease_until"])


def _call_api_columns() -> list[sa.Column[object]]:
    return [
        _text("telephony_provider", 20),
        _text("telephony_id", 255, null=True),
        _json("telephony_metadata", null=True),
        _id("telephony_account_connection_id", null=True),
        _json("telephony_params", null=True),
        _json("call_variables", null=True),
        _text("on_no_human_answer", 20, null=True),
        _flag("run_do_not_call_detection", null=True),
        _flag("hipaa_compliant"),
        _text("human_detection_result", 20, null=True),
        _flag("do_not_call_result", null=True),
    ]


def _call_record_tables() -> None:
    _tenant_table(
        "legs",
        _id("call_id"),
        _text("role", 20),
        _text("carrier", 20),
        _text("state", 20),
        _text("carrier_handle", 255),
        _json("dialog"),
        _within("legs", "call_id", "calls"),
    )
    op.create_index("ix_legs_call_id", "legs", ["call_id"])
    op.create_table(
        "call_events",
        _id("call_id", key=True),
        sa.Column("sequence", sa.Integer(), primary_key=True),
        _id("organisation_id"),
        _text("kind", 60),
        _time("at", null=False),
        sa.Column("at_ms", sa.Integer()),
        _json("content"),
        _organisation("call_events"),
        _within("call_events", "call_id", "calls"),
    )
    _tenant_table(
        "dial_attempts",
        _id("call_id"),
        _id("leg_id"),
        sa.Column("attempt", sa.Integer(), nullable=False),
        _unique("dial_attempts", "call_id", "leg_id", "attempt"),
        _within("dial_attempts", "call_id", "calls"),
        referable=False,
    )
    _tenant_table(
        "outbox",
        _id("call_id"),
        sa.Column("sequence", sa.Integer(), nullable=False),
        _text("type", 60),
        _json("payload"),
        _time("relayed_at"),
        _unique("outbox", "call_id", "sequence"),
        _within("outbox", "call_id", "calls"),
        referable=False,
    )
    op.create_index("ix_outbox_relayed_at", "outbox", ["relayed_at", "created_at"])


def _tenant_table(name: str, *parts: sa.schema.SchemaItem, referable: bool = True) -> None:
    keys = [_unique(name, "organisation_id", "id")] if referable else []
    op.create_table(
        name,
        _id(),
        _id("organisation_id"),
        _time("created_at", null=False),
        *parts,
        *keys,
        _organisation(name),
    )


def _newest_first(table: str) -> None:
    op.create_index(f"ix_{table}_newest", table, ["organisation_id", "created_at", "id"])


def _id(name: str = "id", *, null: bool = False, key: bool | None = None) -> sa.Column[object]:
    is_key = name == "id" if key is None else key
    return sa.Column(name, sa.String(36), primary_key=is_key, nullable=null)


def _text(name: str, length: int, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.String(length), nullable=null)


def _json(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(), nullable=null)


def _flag(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Boolean(), nullable=null)


def _time(name: str, *, null: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def _organisation(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_organisation_id"
    return sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=name)


def _within(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_organisation_id_{column}"
    targets = [f"{other}.organisation_id", f"{other}.id"]
    return sa.ForeignKeyConstraint(["organisation_id", column], targets, name=name)
