"""Pipecat: the pipeline of its own template for this carrier, its neural voice activity and its
model for the end of a turn included.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.services.elevenlabs.tts import ElevenLabsTTSService
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

VENDORS = os.environ["BENCH_FAKES"]
SOCKETS = VENDORS.replace("http", "ws", 1)
RATE_HZ = 8000
logger.remove()
logger.add(sys.stderr, level="ERROR")
app = FastAPI()


@app.get("/healthz")
async def healthz() -> None:
    """Say that we are up."""


def _transport(socket: WebSocket, call: dict[str, str]) -> Any:
    """Return the carrier's end of the pipeline."""
    serializer = TwilioFrameSerializer(
        stream_sid=call["stream_id"],
        call_sid=call["call_id"],
        params=TwilioFrameSerializer.InputParams(auto_hang_up=False),
    )
    return FastAPIWebsocketTransport(
        websocket=socket,
        params=FastAPIWebsocketParams(
            audio_in_enabled=True,
            audio_out_enabled=True,
            add_wav_header=False,
            serializer=serializer,
        ),
    )


@app.websocket("/ws")
async def talk(socket: WebSocket) -> None:
    """Have one conversation; the call's name goes to the transcriber as a tag."""
    await socket.accept()
    _, call = await parse_telephony_websocket(socket)
    transport = _transport(socket, call)
    model = OpenAILLMService.Settings(
        model="fixed", system_instruction="You are a receptionist on the phone."
    )
    user, assistant = LLMContextAggregatorPair(
        LLMContext(), user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
    )
    steps = [
        transport.input(),
        DeepgramSTTService(api_key="none", base_url=SOCKETS, tag=call["call_id"]),
        user,
        OpenAILLMService(api_key="none", base_url=f"{VENDORS}/v1", settings=model),
        ElevenLabsTTSService(
            api_key="none", url=SOCKETS, settings=ElevenLabsTTSService.Settings(voice="v")
        ),
        transport.output(),
        assistant,
    ]
    worker = PipelineWorker(
        Pipeline(steps),
        params=PipelineParams(
            audio_in_sample_rate=RATE_HZ,
            audio_out_sample_rate=RATE_HZ,
            enable_metrics=True,
            enable_usage_metrics=True,
        ),
    )

    @transport.event_handler("on_client_disconnected")
    async def gone(_: object, __: object) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="error")
