"""What an agent holds besides its references (reference section 2.1)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cordboard.control.fields import Fields


class LlmFallback(Fields):
    """The model to take when the first one fails."""

    provider: Literal["openai", "azure"]
    model_name: str


class AgentFields(Fields):
    """An agent's own fields; prompt, voice, actions and the like are references."""

    name: str | None = None
    language: Literal["en", "es", "de", "hi", "pt", "fr", "nl", "id", "it", "ja", "ko"] = "en"
    initial_message: str | None = None
    interrupt_sensitivity: Literal["low", "high"] = "low"
    context_endpoint: str | None = None
    noise_suppression: bool = False
    endpointing_sensitivity: Literal["auto", "relaxed", "sensitive"] = "auto"
    ivr_navigation_mode: Literal["default", "off"] = "off"
    conversation_speed: float = Field(1.0, gt=0, le=100)
    initial_message_delay: float = Field(0.0, ge=0, le=3600)
    openai_model_name_override: str | None = None
    ask_if_human_present_on_idle: bool = False
    run_do_not_call_detection: bool = False
    llm_fallback: LlmFallback | None = None
    deepgram_keywords: dict[str, int | float] | None = None
    idle_time_seconds: int | None = Field(None, ge=0, le=86_400)
    llm_temperature: float = Field(0.0, ge=0, le=10)


# An empty object is the empty map here, not "leave as is".
KEEP_EMPTY = frozenset({"deepgram_keywords"})

DEFAULT_AGENT = {
    "prompt": {"content": "The assistant is having a pleasant conversation about life."},
}
