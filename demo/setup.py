"""Creates the meeting assistant with the official client, as its documentation shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
from vocode import (
    EndConversationActionParams,
    ExternalActionConfig,
    ExternalActionParams,
    VocodeVoiceParams,
)
from vocode.client import Vocode

NUMBER = "+12025550142"

INPUT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "length": {"type": "string", "enum": ["30m", "1hr"]},
        "time": {"type": "string", "pattern": r"^\d{2}:\d0[ap]m$"},
    },
}


@dataclass(frozen=True)
class Assistant:
    """What was created."""

    agent_id: str
    number: str
    signature_secret: str


def create(base_url: str, key: str, booking_url: str) -> Assistant:
    """Create voice, prompt, actions and agent, and give the agent a number on a trunk."""
    client = Vocode(token=key, base_url=base_url)
    voice = client.voices.create_voice(
        request=VocodeVoiceParams(type="voice_vocode", voice_id="joe")
    )
    prompt = client.prompts.create_prompt(
        content="You help people to set up a meeting. Be brief and friendly."
    )
    book = client.actions.create_action(
        request=ExternalActionParams(
            type="action_external",
            config=ExternalActionConfig(
                processing_mode="muted",
                name="Meeting_Assistant",
                description="Book a meeting for a 30 minute or 1 hour call.",
                url=booking_url,
                input_schema=INPUT_SCHEMA,
                speak_on_send=True,
                speak_on_receive=True,
            ),
        )
    )
    goodbye = client.actions.create_action(
        request=EndConversationActionParams(type="action_end_conversation")
    )
    agent = client.agents.create_agent(
        name="Meeting assistant",
        prompt=prompt.id,
        voice=voice.id,
        actions=[book.id, goodbye.id],
        initial_message="Hello, this is the meeting assistant. Shall I set up a meeting for you?",
    )
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=base_url, headers=headers) as http:
        made = http.post(
            "/x/v1/sip_trunks/create",
            json={"name": "loopback", "networks": ["127.0.0.0/8"], "allow_any": True},
        )
        trunk = made.raise_for_status().json()
    client.numbers.link_number(
        phone_number=NUMBER, telephony_account_connection=trunk["id"], inbound_agent=agent.id
    )
    assert isinstance(book.config, ExternalActionConfig)
    return Assistant(agent.id, NUMBER, str(book.config.signature_secret))
