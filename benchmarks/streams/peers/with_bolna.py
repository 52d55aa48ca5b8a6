"""Bolna: its assistant on its own handlers for this carrier, every delay at its default.

It has no model for voice activity: turns end by its transcriber. Left out: the Redis that keeps
agents' configurations. Its synthesizer insists on TLS, which is taken away.
"""

from __future__ import annotations

import json
import logging
import os
from typing import Any
from urllib.parse import urlsplit

VENDORS = os.environ["BENCH_FAKES"]
_HOST = urlsplit(VENDORS).netloc
os.environ |= {
    "DEEPGRAM_HOST": _HOST, "DEEPGRAM_HOST_PROTOCOL": "ws", "DEEPGRAM_AUTH_TOKEN": "none",
    "ELEVENLABS_API_HOST": _HOST, "ELEVENLABS_API_KEY": "none",
    "OPENAI_API_KEY": "none", "OPENAI_BASE_URL": f"{VENDORS}/v1",
    "AZURE_OPENAI_API_KEY": "none", "AZURE_OPENAI_ENDPOINT": VENDORS,
    "AZURE_OPENAI_API_VERSION": "2024-12-01-preview",
    "TWILIO_ACCOUNT_SID": "none", "TWILIO_AUTH_TOKEN": "none",
}  # fmt: skip

import uvicorn  # noqa: E402
from bolna.agent_manager.assistant_manager import AssistantManager  # noqa: E402
from bolna.models import AgentModel  # noqa: E402
from bolna.synthesizer.elevenlabs_synthesizer import ElevenlabsSynthesizer  # noqa: E402
from fastapi import FastAPI, WebSocket  # noqa: E402

logging.disable(logging.CRITICAL)
app = FastAPI()
_with_tls = ElevenlabsSynthesizer.__init__


def _without_tls(self: Any, *arguments: Any, **named: Any) -> None:
    _with_tls(self, *arguments, **named)
    self.ws_url = self.ws_url.replace("wss:", "ws:")
    self.api_url = self.api_url.replace("https:", "http:")


ElevenlabsSynthesizer.__init__ = _without_tls


def _agent(name: str) -> Any:
    """Return an agent; the call's name goes to the transcriber as a keyword."""
    phone = {"provider": "twilio", "format": "wav"}
    model = {
        "provider": "openai", "family": "openai", "model": "gpt-4o-mini",
        "base_url": f"{VENDORS}/v1", "llm_key": "none", "max_tokens": 150,
    }  # fmt: skip
    voice = {"voice": "v", "voice_id": "v", "model": "eleven_flash_v2_5"}
    tools = {
        "input": phone,
        "output": phone,
        "api_tools": None,
        "llm_agent": {
            "agent_flow_type": "streaming", "agent_type": "simple_llm_agent", "llm_config": model,
        },
        "synthesizer": {
            "provider": "elevenlabs", "stream": True, "audio_format": "wav", "buffer_size": 40,
            "caching": False, "provider_config": voice,
        },
        "transcriber": {
            "provider": "deepgram", "model": "nova-2", "language": "en", "stream": True,
            "sampling_rate": 8000, "encoding": "mulaw", "endpointing": 300, "keywords": name,
        },
    }  # fmt: skip
    steps = {"execution": "parallel", "pipelines": [["transcriber", "llm", "synthesizer"]]}
    behaviour = {
        "hangup_after_silence": 120, "call_terminate": 600, "check_if_user_online": False,
        "incremental_delay": 900, "number_of_words_for_interruption": 1,
    }  # fmt: skip
    task = {
        "task_type": "conversation", "toolchain": steps, "task_config": behaviour,
        "tools_config": tools,
    }  # fmt: skip
    agent = AgentModel(
        agent_name="bench", agent_type="other", agent_welcome_message="", tasks=[task]
    )
    return agent.model_dump()


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
    """Have one conversation."""
    await socket.accept()
    read = [await socket.receive_text(), await socket.receive_text()]
    name = json.loads(read[-1])["start"]["callSid"]
    assistant = AssistantManager(
        _agent(name),
        _Again(socket, read),
        assistant_id="bench",
        context_data={"recipient_data": {"call_sid": name}},
        prompt_responses={"task_1": {"system_prompt": "You are a receptionist on the phone."}},
    )
    async for _ in assistant.run(local=True):
        pass


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="error")
