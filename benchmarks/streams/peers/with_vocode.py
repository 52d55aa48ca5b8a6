"""Vocode: its own conversation on a media stream, with its transcriber, agent and synthesizer.

Left out: the Redis that keeps a call's configuration between webhook and socket. Replaced: two
tokenizers that would fetch their data from the network, by splitting at spaces (which is cheaper).
"""

from __future__ import annotations

import json
import os
from typing import Any

import tiktoken
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from loguru import logger

VENDORS = os.environ["BENCH_FAKES"]
NO_KEY = "none"


class _Words:
    """Splits at spaces."""

    name = "words"

    def encode(self, text: str, **_: object) -> list[str]:
        return text.split()


tiktoken.encoding_for_model = tiktoken.get_encoding = lambda _: _Words()

from vocode.streaming.agent.chat_gpt_agent import ChatGPTAgent  # noqa: E402
from vocode.streaming.models.agent import ChatGPTAgentConfig  # noqa: E402
from vocode.streaming.models.synthesizer import ElevenLabsSynthesizerConfig  # noqa: E402
from vocode.streaming.models.telephony import TwilioConfig  # noqa: E402
from vocode.streaming.models.transcriber import DeepgramTranscriberConfig  # noqa: E402
from vocode.streaming.synthesizer import base_synthesizer, eleven_labs_synthesizer  # noqa: E402
from vocode.streaming.telephony.conversation.twilio_phone_conversation import (  # noqa: E402
    TwilioPhoneConversation,
)
from vocode.streaming.transcriber.deepgram_transcriber import (  # noqa: E402
    DeepgramEndpointingConfig,
    DeepgramTranscriber,
)

base_synthesizer.word_tokenize = str.split
eleven_labs_synthesizer.ELEVEN_LABS_BASE_URL = f"{VENDORS}/v1/"
os.environ["DEEPGRAM_API_KEY"] = NO_KEY
logger.remove()
app = FastAPI()


class _Parts:
    """The factory of all three parts, which sends them to our vendors."""

    def create_agent(self, config: Any) -> Any:
        agent = ChatGPTAgent(config)
        agent.openai_client.base_url = f"{VENDORS}/v1/"
        return agent

    def create_transcriber(self, config: Any) -> Any:
        transcriber = DeepgramTranscriber(config)
        transcriber.ws_url = VENDORS.replace("http", "ws", 1)
        return transcriber

    def create_synthesizer(self, config: Any) -> Any:
        return eleven_labs_synthesizer.ElevenLabsSynthesizer(config)


class _Again:
    """A socket whose first messages are read once more."""

    def __init__(self, socket: WebSocket, read: list[str]) -> None:
        self._socket, self._read = socket, read

    async def receive_text(self) -> str:
        return self._read.pop(0) if self._read else await self._socket.receive_text()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


@app.get("/healthz")
async def healthz() -> None:
    """Say that we are up."""


@app.websocket("/ws")
async def talk(socket: WebSocket) -> None:
    """Have one conversation; the call's name goes to the transcriber as a version."""
    await socket.accept()
    read = [await socket.receive_text(), await socket.receive_text()]
    name = json.loads(read[-1])["start"]["callSid"]
    parts = _Parts()
    conversation = TwilioPhoneConversation(
        direction="inbound",
        from_phone="+12025550100",
        to_phone="+12025550101",
        base_url="localhost",
        config_manager=None,
        twilio_sid=name,
        twilio_config=TwilioConfig(account_sid=NO_KEY, auth_token=NO_KEY),
        agent_config=ChatGPTAgentConfig(
            prompt_preamble="You are a receptionist on the phone.",
            openai_api_key=NO_KEY,
            interrupt_sensitivity="high",  # with "low" two words are no interruption
        ),
        transcriber_config=DeepgramTranscriberConfig.from_telephone_input_device(
            endpointing_config=DeepgramEndpointingConfig(vad_threshold_ms=300),
            version=name,
            api_key=NO_KEY,
        ),
        synthesizer_config=ElevenLabsSynthesizerConfig.from_telephone_output_device(
            api_key=NO_KEY, voice_id="v"
        ),
        agent_factory=parts,
        transcriber_factory=parts,
        synthesizer_factory=parts,
    )
    try:
        await conversation.attach_ws_and_start(_Again(socket, read))
    except (WebSocketDisconnect, RuntimeError):
        await conversation.terminate()


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="error")
