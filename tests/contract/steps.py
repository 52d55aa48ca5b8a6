"""What every release of the official client is asked to do: every method, every field.

Each step is ``{"name", "method", "with", "save", "refused"}``. ``with`` holds fields as the newest
release calls them; older ones are given what they know. ``$name`` stands for an id that an earlier
step saved, or for one that was prepared. ``refused`` is the status of a request that must fail.
"""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

UNKNOWN: Final = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
PHRASES: Final[Json] = {
    "type": "action_trigger_phrase_based",
    "config": {
        "phrase_triggers": [
            {"phrase": "good bye", "conditions": ["phrase_condition_type_contains"]}
        ]
    },
}
EXTERNAL: Final[Json] = {
    "processing_mode": "muted",
    "name": "book",
    "description": "Book a meeting.",
    "url": "https://example.com/book",
    "input_schema": {"type": "object", "properties": {"length": {"type": "string"}}},
    "speak_on_send": True,
    "speak_on_receive": True,
    "signature_secret": "MX/9/+iblnUoAAM2Jft8sgeY1bevJvuih2nr7XKPHIY=",
}
CALLEE: Final[Json] = {"phone_number": "12025550155"}
ACTIONS: Final[dict[str, Json]] = {
    "end_conversation": {"config": {}, "action_trigger": PHRASES},
    "dtmf": {"config": {}},
    "transfer_call": {"config": CALLEE},
    "add_to_conference": {"config": {**CALLEE, "place_primary_on_hold": True}},
    "set_hold": {"config": {}},
    "external": {"config": EXTERNAL},
}
VOICES: Final[dict[str, Json]] = {
    "azure": {"voice_name": "en-US-SteffanNeural", "pitch": 1, "rate": 10},
    "rime": {"speaker": "young_male_unmarked-1", "speed_alpha": 1.1, "model_id": "mist"},
    "eleven_labs": {
        "voice_id": "v",
        "stability": 0.5,
        "similarity_boost": 0.7,
        "api_key": "el-0123456789abcdef",
        "optimize_streaming_latency": 3,
        "model_id": "eleven_turbo_v2",
        "experimental_input_streaming": True,
    },
    "play_ht": {
        "voice_id": "s3://voice/manifest.json",
        "api_user_id": "user-0123456789abcdef",
        "api_key": "ph-0123456789abcdef",
        "version": "2",
        "speed": 1.1,
        "quality": "draft",
        "temperature": 0.5,
        "top_p": 0.5,
        "text_guidance": 1.5,
        "voice_guidance": 1.5,
        "experimental_remove_silence": True,
    },
    "vocode": {"voice_id": "joe"},
}
CONNECTIONS: Final[dict[str, Json]] = {
    "twilio": {
        "credentials": {
            "twilio_account_sid": "AC" + "0123456789abcdef" * 2,
            "twilio_auth_token": "0123456789abcdef" * 2,
        },
        "steering_pool": ["12025550190"],
        "account_supports_any_caller_id": True,
    },
    "openai": {"credentials": {"openai_api_key": "sk-0123456789abcdef"}},
}
PROMPT: Final[Json] = {
    "content": "You book meetings for ${name}.",
    "collect_fields": [
        {
            "field_type": "field_type_email",
            "label": "E-mail",
            "name": "email",
            "description": "where to send the invitation",
        }
    ],
    "context_endpoint": "https://example.com/context",
}
TEMPLATE: Final[Json] = {
    "id": UNKNOWN,
    "user_id": UNKNOWN,
    "label": "Greeting",
    "required_context_keys": ["name"],
}
WEBHOOK: Final[Json] = {
    "subscriptions": ["event_message", "event_phone_call_ended"],
    "url": "https://example.com/events",
    "method": "POST",
}
INDEX: Final[Json] = {
    "type": "vector_database_pinecone",
    "index": "i",
    "api_key": "pc-0123456789abcdef",
    "api_environment": "us-east1-gcp",
}
AGENT: Final[Json] = {
    "name": "Front desk",
    "language": "es",
    "initial_message": "Hello",
    "interrupt_sensitivity": "high",
    "context_endpoint": "https://example.com/context",
    "noise_suppression": True,
    "endpointing_sensitivity": "relaxed",
    "ivr_navigation_mode": "default",
    "conversation_speed": 1.25,
    "initial_message_delay": 0.5,
    "openai_model_name_override": "gpt-4",
    "ask_if_human_present_on_idle": True,
    "run_do_not_call_detection": True,
    "llm_temperature": 0.5,
    "llm_fallback": {"provider": "openai", "model_name": "gpt-4o-mini"},
    "deepgram_keywords": {"Cordboard": 1.5},
    "idle_time_seconds": 40,
}
PARTS: Final[Json] = {
    "prompt": "$prompt",
    "voice": "$voice_azure",
    "webhook": "$webhook",
    "vector_database": "$vector_database",
    "openai_account_connection": "$account_connection_openai",
}
PAGE: Final[Json] = {"page": 1, "size": 5, "sort_column": "created_at", "sort_desc": True}


def step(name: str, method: str, with_: Json | None = None, **more: Any) -> Json:
    """Return a step."""
    return {"name": name, "method": method, "with": with_ or {}, **more}


def noun(singular: str, fields: Json, changed: Json, plural: str = "") -> list[Json]:
    """Return the four steps of a resource: create, get, update, list."""
    plural = plural or f"{singular}s"
    kept = {"id": f"${singular}"}
    return [
        step(f"{singular}: create", f"{plural}.create_{singular}", fields, save=singular),
        step(f"{singular}: get", f"{plural}.get_{singular}", kept),
        step(f"{singular}: update", f"{plural}.update_{singular}", {**kept, **changed}),
        step(f"{singular}: list", f"{plural}.list_{plural}", PAGE),
    ]


def typed(singular: str, kinds: dict[str, Json]) -> list[Json]:
    """Return the steps of a resource of several types: each is made, read, and updated whole."""
    steps = []
    for kind, fields in kinds.items():
        name = f"{singular}_{kind}"
        whole = {"type": name, **fields}
        kept = {"id": f"${name}"}
        plural = f"{singular}s"
        steps += [
            step(f"{name}: create", f"{plural}.create_{singular}", whole, save=name),
            step(f"{name}: get", f"{plural}.get_{singular}", kept),
            step(f"{name}: update", f"{plural}.update_{singular}", {**kept, **whole}),
        ]
    return [*steps, step(f"{singular}: list", f"{singular}s.list_{singular}s", PAGE)]


def _connections() -> list[Json]:
    made = [
        item
        for item in typed("account_connection", CONNECTIONS)
        if item["name"] != "account_connection_twilio: update"
    ]
    new = {"type": "account_connection_twilio", "credentials": CONNECTIONS["twilio"]["credentials"]}
    kept = {"id": "$account_connection_twilio"}
    method = "account_connections.update_account_connection"
    return [*made, step("account_connection_twilio: update", method, {**kept, **new})]


def _numbers() -> list[Json]:
    linked = {
        "phone_number": "$number",
        "telephony_account_connection": "$trunk",
        "outbound_only": False,
    }
    changed = {"label": "desk", "outbound_only": False, "example_context": {"name": "Ada"}}
    here = {"phone_number": "$outbound_number"}
    attached = {"actions": ["$action_dtmf"]}
    raw = {"actions": [{"type": "action_transfer_call", "config": CALLEE}]}
    update = "numbers.update_number"
    return [
        step(
            "number: link",
            "numbers.link_number",
            {**linked, "inbound_agent": "$agent"},
            save="linked",
        ),
        step("number: get", "numbers.get_number", here),
        step("number: update", update, {**here, **changed, "inbound_agent": "$agent"}),
        step("number: action by id", update, {**here, "inbound_agent": attached}),
        step("number: raw action", update, {**here, "inbound_agent": raw}),
        step("number: list", "numbers.list_numbers", PAGE),
    ]


def _calls() -> list[Json]:
    wanted = {
        "from_number": "$outbound_number",
        "to_number": "12025550155",
        "agent": "$agent",
        "on_no_human_answer": "hangup",
        "run_do_not_call_detection": True,
        "hipaa_compliant": True,
        "context": {"name": "Ada"},
        "telephony_params": {"Timeout": "30"},
    }
    inline = {**wanted, "agent": {"prompt": {"content": "Say hello."}}}
    inline["hipaa_compliant"] = False
    old = {"id": "$ended_call"}
    return [
        step("call: create", "calls.create_call", wanted, save="call"),
        step("call: create with an inline agent", "calls.create_call", inline),
        step("call: get", "calls.get_call", {"id": "$call"}),
        step("call: end", "calls.end_call", {"id": "$call"}),
        step("call: get, ended", "calls.get_call", old),
        step("call: recording", "calls.get_recording", old),
        step("call: list", "calls.list_calls", PAGE),
    ]


def _refusals() -> list[Json]:
    return [
        step("unknown id", "agents.get_agent", {"id": UNKNOWN}, refused=404),
        step("no id", "agents.get_agent", {"id": "x"}, refused=422, loc=["query", "id"]),
        step(
            "bad field",
            "agents.create_agent",
            {"prompt": "$prompt", "voice": "$voice_azure", "conversation_speed": -1.0},
            refused=422,
            loc=["body", "conversation_speed"],
        ),
        step(
            "bad reference",
            "calls.create_call",
            {"from_number": "$outbound_number", "to_number": "12025550155", "agent": "x"},
            refused=422,
            loc=["body", "agent"],
        ),
        step("number not ours", "numbers.cancel_number", {"phone_number": "1"}, refused=404),
    ]


def _sold() -> list[Json]:
    pool = {"id": "$account_connection_twilio"}
    wanted = {"area_code": "415", "telephony_provider": "vonage", "inbound_agent": "$agent"}
    number = {"phone_number": "12025550191"}
    return [
        step("usage", "usage.get_usage"),
        step("number: buy", "numbers.buy_number", wanted),
        step(
            "number: buy from a trunk",
            "numbers.buy_number",
            {"telephony_account_connection": "$trunk"},
        ),
        step(
            "pool: add",
            "account_connections.add_to_steering_pool",
            {**pool, "request": number, **number},
        ),
        step("pool: remove", "account_connections.remove_from_steering_pool", {**pool, **number}),
        step("number: cancel", "numbers.cancel_number", {"phone_number": "$spare"}),
    ]


STEPS: Final[list[Json]] = [
    *typed("action", ACTIONS),
    *typed("voice", VOICES),
    *_connections(),
    *noun("prompt", PROMPT, {**PROMPT, "content": "new"}),
    *noun("webhook", WEBHOOK, {**WEBHOOK, "method": "GET"}),
    *noun("vector_database", INDEX, {**INDEX, "index": "j"}),
    *noun(
        "agent",
        {**AGENT, **PARTS, "actions": ["$action_dtmf", "$action_end_conversation"]},
        {**AGENT, **PARTS, "language": "en", "actions": ["$action_dtmf"]},
    ),
    step("prompt: create with a template", "prompts.create_prompt", {"prompt_template": TEMPLATE}),
    step(
        "prompt: take a template away",
        "prompts.update_prompt",
        {"id": "$prompt", "prompt_template": None},
    ),
    step(
        "agent: create, inline",
        "agents.create_agent",
        {
            "prompt": {"content": "p"},
            "voice": {"type": "voice_azure", **VOICES["azure"]},
            "actions": [{"type": "action_transfer_call", "config": CALLEE}],
            "webhook": WEBHOOK,
            "vector_database": INDEX,
        },
    ),
    *_numbers(),
    *_calls(),
    *_refusals(),
    *_sold(),
]
