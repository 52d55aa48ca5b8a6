"""What voices hold, by type (reference section 8)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from cordboard.control.fields import Fields

Score = Annotated[float | None, Field(ge=-1e6, le=1e6)]


class AzureVoice(Fields):
    """``voice_azure``; pitch and rate in per cent."""

    voice_name: str
    pitch: int = Field(0, ge=-1000, le=1000)
    rate: int = Field(15, ge=-1000, le=1000)


class RimeVoice(Fields):
    """``voice_rime``; an empty object as model stands for none, as in the protocol."""

    speaker: str
    speed_alpha: Score = None
    model_id: Annotated[
        Literal["mist", "v1"] | None, BeforeValidator(lambda value: None if value == {} else value)
    ] = None


class ElevenLabsVoice(Fields):
    """``voice_eleven_labs``."""

    voice_id: str
    stability: Score = None
    similarity_boost: Score = None
    api_key: str | None = None
    optimize_streaming_latency: int | None = Field(None, ge=0, le=4)
    model_id: str | None = None
    experimental_input_streaming: bool = False

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.stability is None) != (self.similarity_boost is None):
            raise ValueError("stability and similarity_boost must be set together")
        return self


class PlayHtVoice(Fields):
    """``voice_play_ht``."""

    voice_id: str
    api_user_id: str | None = None
    api_key: str | None = None
    version: Literal["1", "2"] = "2"
    speed: Score = None
    quality: Literal["faster", "draft", "low", "medium", "high", "premium"] | None = None
    temperature: Score = None
    top_p: Score = None
    text_guidance: Score = None
    voice_guidance: Score = None
    experimental_remove_silence: bool = False


class VocodeVoice(Fields):
    """``voice_vocode``: the server's default voice."""

    voice_id: Literal["joe"]


MODELS: dict[str, type[Fields]] = {
    "voice_azure": AzureVoice,
    "voice_rime": RimeVoice,
    "voice_eleven_labs": ElevenLabsVoice,
    "voice_play_ht": PlayHtVoice,
    "voice_vocode": VocodeVoice,
}
DEFAULT_TYPE = "voice_vocode"
DEFAULT_VOICE = {"type": DEFAULT_TYPE, "voice_id": "joe"}


def infer(value: dict[str, object]) -> str | None:
    """Return the type of a voice that lost it, where its fields tell."""
    if "speaker" in value:
        return "voice_rime"
    if "voice_name" in value:
        return "voice_azure"
    return None
