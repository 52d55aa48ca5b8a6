"""What account connections hold, by type (reference section 2.7)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from cordboard.control.fields import Fields, NumberText


class TwilioCredentials(Fields):
    """An account at a carrier."""

    twilio_account_sid: str
    twilio_auth_token: str


class OpenAICredentials(Fields):
    """An account at a provider of language."""

    openai_api_key: str


class TwilioFields(Fields):
    """``account_connection_twilio``."""

    credentials: TwilioCredentials
    steering_pool: list[NumberText] = Field(default_factory=list)
    account_supports_any_caller_id: bool = False


class OpenAIFields(Fields):
    """``account_connection_openai``."""

    credentials: OpenAICredentials


CARRIER_TYPE = "account_connection_twilio"
LANGUAGE_TYPE = "account_connection_openai"
MODELS: dict[str, type[Fields]] = {CARRIER_TYPE: TwilioFields, LANGUAGE_TYPE: OpenAIFields}
SECRETS = {
    CARRIER_TYPE: [("credentials", "twilio_auth_token")],
    LANGUAGE_TYPE: [("credentials", "openai_api_key")],
}


def carrier_of(kind: str) -> str:
    """Return the carrier's name, as numbers and calls have it, of a type of connection."""
    return kind.removeprefix("account_connection_")


def infer(value: dict[str, Any]) -> str | None:
    """Return the type of a connection that lost it, where its credentials tell."""
    credentials = value.get("credentials")
    if not isinstance(credentials, dict):
        return None
    if "twilio_account_sid" in credentials:
        return CARRIER_TYPE
    return LANGUAGE_TYPE if "openai_api_key" in credentials else None
