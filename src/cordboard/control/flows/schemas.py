"""What a flow holds besides its references; most of it is of the protocol's section 7.1."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cordboard.call.barge_in import BargeInStrategy
from cordboard.call.flow.plan import Waiting
from cordboard.control.fields import Fields, NumberText

LANGUAGE_PATTERN = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"
# What can stand in a header.
HEADER_TEXT = r"^[!-~]{1,4096}$"

Word = Annotated[str, Field(min_length=1, max_length=100)]


class BargeIn(Fields):
    """What may interrupt a sentence whose action does not say."""

    strategy: BargeInStrategy = BargeInStrategy.MINIMUM_CHARACTERS
    minimum_characters: int = Field(default=3, ge=1, le=100)
    allow_after_ms: int = Field(default=0, ge=0, le=10_000)


class Transcription(Fields):
    """Who listens at first, and the words to be listened for."""

    provider: Literal["auto", "azure", "deepgram", "eleven_labs"] = "auto"
    vocabulary: list[Word] = Field(default_factory=list, max_length=500)


class FlowFields(Fields):
    """A flow's own fields; voice and webhook are references."""

    name: str = Field(min_length=1, max_length=100)
    url: str = Field(min_length=1, max_length=4096)
    transport: Literal["http", "websocket"] = "http"
    token: str | None = Field(None, pattern=HEADER_TEXT)
    language: str = Field("en", pattern=LANGUAGE_PATTERN)
    transcription: Transcription = Transcription()
    barge_in: BargeIn = BargeIn()
    end_of_turn_silence_ms: int | None = Field(None, ge=100, le=10_000)
    answer_within_ms: int = Field(10_000, ge=500, le=60_000)
    answer_delay_ms: int = Field(0, ge=0, le=30_000)
    assistant_speak_at: Literal["start", "end"] = "start"
    waiting: Waiting = Waiting.COMFORT
    fallback_text: str = Field("", max_length=2_000)
    fallback_number: NumberText | None = None
    digits_only: bool = False
    send_user_barge_in: bool = False
    send_transcript_field: bool = False

    @model_validator(mode="before")
    @classmethod
    def _transport_of_url(cls, value: object) -> object:
        """Tell the transport from the URL where it is not given."""
        if isinstance(value, dict) and value.get("transport") is None:
            rest = {key: item for key, item in value.items() if key != "transport"}
            return {**rest, "transport": "websocket" if _is_socket(rest.get("url")) else "http"}
        return value

    @model_validator(mode="after")
    def _transport_fits(self) -> Self:
        if (self.transport == "websocket") != _is_socket(self.url):
            raise ValueError("transport: http takes an http:// or https:// url, websocket ws(s)://")
        return self


def _is_socket(url: object) -> bool:
    return isinstance(url, str) and url.strip().lower().startswith(("ws:", "wss:"))
