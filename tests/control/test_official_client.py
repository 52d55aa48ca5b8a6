"""The official client 0.0.48 configures an agent and a number, unchanged but for the base URL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.control.official import (
    Agent,
    AgentUpdateParams,
    ApiError,
    AsyncVocode,
    DtmfActionParams,
    DtmfActionUpdateParams,
    EndConversationActionParams,
    ExternalActionConfig,
    ExternalActionParams,
    OpenAiAccountConnectionParams,
    OpenAiCredentials,
    PhoneNumber,
    PhraseBasedActionTriggerConfig,
    PhraseBasedActionTriggerInput,
    PhraseTrigger,
    PromptParams,
    TransferCallActionParams,
    TransferCallActionUpdateParams,
    TransferCallConfig,
    UnprocessableEntityError,
    Vocode,
    VocodeVoiceParams,
)
from tests.control.server import OWNER_KEY, Server

pytestmark = pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecatedSince20")

# What the documentation's Meeting Assistant is made of (reference/seeds/000).
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "length": {"type": "string", "enum": ["30m", "1hr"]},
        "time": {"type": "string", "pattern": r"^\d{2}:\d0[ap]m$"},
        "title": {"type": "string", "title": "Title"},
    },
}
DESCRIPTION = "Book a meeting for a 30 minute or 1 hour call. Ünïcode “quoted” kept."


@pytest.fixture(scope="module")
def vocode(server: Server) -> Iterator[Vocode]:
    """Return the official client."""
    with httpx.Client(timeout=30) as transport:
        yield Vocode(token=OWNER_KEY, base_url=server.base_url, httpx_client=transport)


def external(url: str = "http://127.0.0.1:9000/book") -> ExternalActionParams:
    """Return the booking action."""
    return ExternalActionParams(
        type="action_external",
        config=ExternalActionConfig(
            name="Meeting_Booking_Assistant",
            description=DESCRIPTION,
            url=url,
            input_schema=SCHEMA,
            speak_on_send=True,
            speak_on_receive=True,
        ),
    )


def trunk_id(server: Server, name: str) -> str:
    """Make a trunk and return its id."""
    with server.client() as client:
        body = {"name": name, "networks": ["127.0.0.1"], "allow_any": True}
        answer = client.post("/x/v1/sip_trunks/create", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])


def test_the_meeting_assistant(server: Server, vocode: Vocode) -> None:
    """Voice, prompt, actions, agent and number are created, linked, read back and listed."""
    voice = vocode.voices.create_voice(
        request=VocodeVoiceParams(type="voice_vocode", voice_id="joe")
    )
    prompt = vocode.prompts.create_prompt(content="You book meetings.")
    booking = vocode.actions.create_action(request=external())
    goodbye = vocode.actions.create_action(
        request=EndConversationActionParams(type="action_end_conversation")
    )
    agent = vocode.agents.create_agent(
        name="Meeting Assistant",
        prompt=prompt.id,
        voice=voice.id,
        actions=[booking.id, goodbye.id],
        initial_message="Hello ${from_number}",
        interrupt_sensitivity="high",
    )
    assert agent.prompt.content == "You book meetings."
    assert [action.type for action in agent.actions] == [
        "action_external",
        "action_end_conversation",
    ]
    assert booking.type == "action_external"
    assert booking.config.input_schema == SCHEMA
    assert booking.config.description == DESCRIPTION
    assert booking.config.signature_secret is not None
    number = vocode.numbers.link_number(
        phone_number="+1 202 555 0123",
        telephony_account_connection=trunk_id(server, "link"),
        inbound_agent=agent.id,
    )
    assert number.number == "12025550123"
    assert number.telephony_provider == "sip"
    assert number.telephony_account_connection is None
    assert number.inbound_agent is not None
    assert number.inbound_agent.id == agent.id
    assert vocode.numbers.get_number(phone_number="+12025550123").id == number.id
    assert vocode.agents.get_agent(id=agent.id) == agent
    listed = vocode.agents.list_agents(size=1)
    assert listed.items[0].id == agent.id
    assert listed.items[0].actions == [booking.id, goodbye.id]
    assert vocode.actions.get_action(id=booking.id) == booking
    assert vocode.calls.list_calls().items == []
    assert vocode.numbers.list_numbers().items[0].inbound_agent == agent.id


def test_inline_objects_and_updates(vocode: Vocode) -> None:
    """Inline objects become stored ones; an update changes what it names and nothing else."""
    agent = vocode.agents.create_agent(
        prompt=PromptParams(content="Be brief."),
        voice=VocodeVoiceParams(type="voice_vocode", voice_id="joe"),
        actions=[
            DtmfActionParams(type="action_dtmf"),
            TransferCallActionParams(config=TransferCallConfig(phone_number="11234567890")),
        ],
    )
    assert [action.type for action in agent.actions] == ["action_dtmf", "action_transfer_call"]
    changed = vocode.agents.update_agent(id=agent.id, conversation_speed=1.5, name="Brief")
    assert changed.conversation_speed == 1.5
    assert changed.name == "Brief"
    assert changed.prompt == agent.prompt
    assert changed.actions == agent.actions
    cleared = vocode.agents.update_agent(id=agent.id, name=None, actions=[])
    assert cleared.name is None
    assert cleared.actions == []
    assert cleared.conversation_speed == 1.5
    assert vocode.agents.update_agent(id=agent.id) == cleared


def test_nested_agent_update(server: Server, vocode: Vocode) -> None:
    """``numbers/update`` with part of an agent changes the attached agent."""
    number = vocode.numbers.link_number(
        phone_number="12025550150", telephony_account_connection=trunk_id(server, "nested")
    )
    assert number.inbound_agent is not None
    assert number.inbound_agent.voice.type == "voice_vocode"
    updated = vocode.numbers.update_number(
        phone_number="12025550150",
        label="front desk",
        inbound_agent=AgentUpdateParams(initial_message="Hi", actions=[]),
    )
    assert updated.label == "front desk"
    assert updated.inbound_agent is not None
    assert updated.inbound_agent.id == number.inbound_agent.id
    assert updated.inbound_agent.initial_message == "Hi"
    lost = AgentUpdateParams(
        actions=[TransferCallActionUpdateParams(config=TransferCallConfig(phone_number="100"))]
    )
    (action,) = _agent(
        vocode.numbers.update_number(phone_number="12025550150", inbound_agent=lost)
    ).actions
    assert action.type == "action_transfer_call"
    ambiguous = AgentUpdateParams(actions=[DtmfActionUpdateParams()])
    with pytest.raises(UnprocessableEntityError) as refused:
        vocode.numbers.update_number(phone_number="12025550150", inbound_agent=ambiguous)
    place = ["body", "inbound_agent", "actions", 0, "type"]
    assert refused.value.body.detail[0].loc == place
    detached = vocode.numbers.update_number(phone_number="12025550150", inbound_agent=None)
    assert detached.inbound_agent is None
    assert detached.label == "front desk"


def _agent(number: PhoneNumber) -> Agent:
    assert number.inbound_agent is not None
    return number.inbound_agent


def test_no_body(vocode: Vocode) -> None:
    """A client call without any field sends no body, which counts as an empty object."""
    assert vocode.prompts.create_prompt().content == ""
    with pytest.raises(ApiError) as refused:
        vocode.numbers.buy_number()
    assert refused.value.status_code == 400
    assert "link" in refused.value.body["detail"]


def test_errors_parse(vocode: Vocode) -> None:
    """What is refused arrives as the client's own errors."""
    with pytest.raises(UnprocessableEntityError) as invalid:
        vocode.actions.create_action(request=external(url="http://10.0.0.1/x"))
    assert invalid.value.body.detail[0].loc == ["body", "config", "url"]
    assert "CORDBOARD_OPEN_NETWORKS" in invalid.value.body.detail[0].msg
    with pytest.raises(ApiError) as missing:
        vocode.agents.get_agent(id="3c90c3cc-0d44-4b50-8888-8dd25736052a")
    assert missing.value.status_code == 404
    with pytest.raises(UnprocessableEntityError) as create:
        vocode.calls.create_call(from_number="1", to_number="2", agent="x")
    assert create.value.body.detail[0].loc == ["body", "agent"]


async def test_async_client(server: Server) -> None:
    """The asynchronous client works as well."""
    async with httpx.AsyncClient() as transport:
        vocode = AsyncVocode(token=OWNER_KEY, base_url=server.base_url, httpx_client=transport)
        prompt = await vocode.prompts.create_prompt(content="async")
        agent = await vocode.agents.create_agent(
            prompt=prompt.id, voice=VocodeVoiceParams(type="voice_vocode", voice_id="joe")
        )
        assert (await vocode.agents.get_agent(id=agent.id)).prompt == prompt
        assert (await vocode.prompts.update_prompt(id=prompt.id, content="new")).content == "new"
        assert (await vocode.prompts.list_prompts(sort_column="content")).total >= 1


def test_phrase_triggers(vocode: Vocode) -> None:
    """A phrase trigger that lost its ``type`` inside its action gets it back."""
    agent = vocode.agents.create_agent(
        prompt=PromptParams(content="p"),
        voice=VocodeVoiceParams(type="voice_vocode", voice_id="joe"),
        actions=[
            EndConversationActionParams(
                type="action_end_conversation",
                action_trigger=PhraseBasedActionTriggerInput(
                    config=PhraseBasedActionTriggerConfig(
                        phrase_triggers=[
                            PhraseTrigger(
                                phrase="bye", conditions=["phrase_condition_type_contains"]
                            )
                        ]
                    )
                ),
            ),
            TransferCallActionParams(config=TransferCallConfig(phone_number="11234567890")),
            ExternalActionParams(config=external().config),
        ],
    )
    assert [action.type for action in agent.actions] == [
        *("action_end_conversation", "action_transfer_call", "action_external"),
    ]
    assert agent.actions[0].action_trigger is not None
    assert agent.actions[0].action_trigger.type == "action_trigger_phrase_based"


def test_everything_else_an_agent_may_have(vocode: Vocode) -> None:
    """Webhook, vector database and account connection are stored, shown masked, and attached."""
    webhook = vocode.webhooks.create_webhook(
        subscriptions=["event_transcript"], url="https://example.com/hook"
    )
    database = vocode.vector_databases.create_vector_database(
        index="i", api_key="pc-0123456789", api_environment="e"
    )
    connection = vocode.account_connections.create_account_connection(
        request=OpenAiAccountConnectionParams(
            type="account_connection_openai",
            credentials=OpenAiCredentials(openai_api_key="sk-0123456789abcdef"),
        )
    )
    assert database.api_key == "****6789"
    agent = vocode.agents.create_agent(
        prompt="3c90c3cc is no id, so it is the prompt itself",
        voice=VocodeVoiceParams(type="voice_vocode", voice_id="joe"),
        webhook=webhook.id,
        vector_database=database.id,
        openai_account_connection=connection.id,
        deepgram_keywords={"Cordboard": 1.5},
        idle_time_seconds=30,
    )
    assert agent.webhook == webhook
    assert agent.vector_database == database
    assert agent.openai_account_connection == connection
    assert connection.type == "account_connection_openai"
    assert connection.credentials.openai_api_key == "****cdef"
    (item,) = [found for found in vocode.agents.list_agents().items if found.id == agent.id]
    assert (item.webhook, item.vector_database) == (webhook.id, database.id)
    cleared = vocode.agents.update_agent(id=agent.id, webhook=None, vector_database=None)
    assert cleared.webhook is None
    assert cleared.vector_database is None
    assert cleared.openai_account_connection == connection
