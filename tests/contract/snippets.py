"""The snippets of the hosted service's pages (reference/seeds), as they run today."""

from __future__ import annotations

from typing import Final

SNIPPETS: Final[dict[str, str]] = {
    "External actions: the meeting assistant": """
action = vocode_client.actions.create_action(
    request=ExternalActionParams(
        type="action_external",
        config=ExternalActionConfig(
            name="Meeting_Booking_Assistant",
            description="Book a meeting for a 30 minute or 1 hour call.",
            url="https://example.com/book",
            speak_on_send=True,
            speak_on_receive=True,
            input_schema={
                "type": "object",
                "properties": {
                    "length": {"type": "string", "enum": ["30m", "1hr"]},
                    "time": {"type": "string", "pattern": r"^\\d{2}:\\d0[ap]m$"},
                },
            },
        ),
    )
)
""",
    "Using actions: end the conversation": """
action = vocode_client.actions.create_action(
    request=EndConversationActionParams(type="action_end_conversation")
)
""",
    "Using actions: DTMF": """
action = vocode_client.actions.create_action(request=DtmfActionParams(type="action_dtmf"))
""",
    "Using actions: transfer the call": """
action = vocode_client.actions.create_action(
    request=TransferCallActionParams(
        type="action_transfer_call",
        config=TransferCallConfig(phone_number="11234567890"),
    )
)
""",
    "Using actions: attach by id": """
number = vocode_client.numbers.update_number(
    phone_number="11234567890",
    inbound_agent=AgentUpdateParams(actions=[action.id]),
)
""",
    "Using actions: attach as raw payloads": """
number = vocode_client.numbers.update_number(
    phone_number="11234567890",
    inbound_agent=AgentUpdateParams(
        actions=[
            TransferCallActionUpdateParams(
                type="action_transfer_call",
                config=TransferCallConfig(phone_number="11234567890"),
            )
        ]
    ),
)
""",
    "Create call": """
call = vocode_client.calls.create_call(
    from_number="11234567890",
    to_number="12025550155",
    agent=number.inbound_agent.id,
    on_no_human_answer="continue",
    run_do_not_call_detection=True,
    hipaa_compliant=False,
    context={},
    telephony_params={},
)
""",
}
