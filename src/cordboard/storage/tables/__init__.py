"""The schema of the database; one module per noun, all of it importable from here."""

from __future__ import annotations

from cordboard.storage.tables.agents import (
    AccountConnection,
    Action,
    Agent,
    AgentAction,
    Prompt,
    PromptTemplate,
    ResourceRow,
    VectorDatabase,
    Voice,
    Webhook,
)
from cordboard.storage.tables.calls import Call, CallEvent, DialAttempt, Leg, OutboxEvent
from cordboard.storage.tables.deliveries import Delivery, DeliveryAttempt, WebhookHealth
from cordboard.storage.tables.flows import Flow
from cordboard.storage.tables.idempotency import IdempotencyKey
from cordboard.storage.tables.key_checks import KeyCheck
from cordboard.storage.tables.numbers import Number, NumberWish, SipTrunk
from cordboard.storage.tables.organisations import ApiKey, Organisation
from cordboard.storage.tables.rows import JsonObject, Row, TenantRow, UtcTime

__all__ = [
    "AccountConnection",
    "Action",
    "Agent",
    "AgentAction",
    "ApiKey",
    "Call",
    "CallEvent",
    "Delivery",
    "DeliveryAttempt",
    "DialAttempt",
    "Flow",
    "IdempotencyKey",
    "JsonObject",
    "KeyCheck",
    "Leg",
    "Number",
    "NumberWish",
    "Organisation",
    "OutboxEvent",
    "Prompt",
    "PromptTemplate",
    "ResourceRow",
    "Row",
    "SipTrunk",
    "TenantRow",
    "UtcTime",
    "VectorDatabase",
    "Voice",
    "Webhook",
    "WebhookHealth",
]
