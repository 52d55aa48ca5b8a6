"""What numbers hold (reference section 2.8)."""

from __future__ import annotations

from typing import Literal

from cordboard.control.fields import Fields, NumberText, TextMap

# The carrier that clients assume: what they are told where they do not know the true one.
ASSUMED_PROVIDER = "vonage"
KNOWN_PROVIDERS = ("vonage", "twilio")
SIP = "sip"
# Older clients know a closed list of carriers, without SIP.
FIRST_VERSION_WITH_SIP = (0, 0, 48)


class NumberFields(Fields):
    """What an update may set besides the agent."""

    label: str = ""
    outbound_only: bool = False
    example_context: TextMap | None = None


class LinkParams(Fields):
    """A number to take over. ``telephony_account_connection`` is a SIP trunk's id here."""

    phone_number: NumberText
    telephony_account_connection: str
    outbound_only: bool = False


class BuyParams(Fields):
    """A number to be bought."""

    area_code: NumberText | None = None
    telephony_provider: Literal["vonage", "twilio"] = "vonage"
    telephony_account_connection: str | None = None


KEEP_EMPTY = frozenset({"example_context"})


def shown_provider(stored: str, client_version: tuple[int, ...] | None) -> str:
    """Return the carrier's name as the client that asks can read it."""
    if client_version is None or client_version >= FIRST_VERSION_WITH_SIP:
        return stored
    return stored if stored in KNOWN_PROVIDERS else ASSUMED_PROVIDER
