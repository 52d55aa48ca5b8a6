"""A front desk on ``cordboard.flowapp``, over webhook and WebSocket alike.

    FLOW_TOKEN=secret python examples/front_desk.py --port 9003
    cordboard flow try http://127.0.0.1:9003/ --token secret

It asks for a name, puts the caller through, takes a message where nobody is there, and texts it.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass

from cordboard.flowapp import (
    Answer,
    AssistantSpeechEnded,
    DtmfReceived,
    FlowApp,
    FlowCall,
    Hangup,
    SendSms,
    SessionStart,
    SmsFailed,
    Speak,
    Transfer,
    UserInputTimeout,
    UserSpeak,
    Vad,
)

COLLEAGUE = "+12025550142"


@dataclass
class Visit:
    """What is known of one caller."""

    name: str = ""
    takes_message: bool = False
    leaving: bool = False


app = FlowApp(token=os.environ.get("FLOW_TOKEN", ""), state=Visit)


@app.on_session_start
def greet(event: SessionStart, call: FlowCall[Visit]) -> Answer:
    """Ask for the name; where a transfer failed, offer to take a message."""
    if call.came_back:
        call.state.takes_message = True
        # A message has pauses: a turn ends later from here on.
        return Speak(
            text="Nobody is at the desk now. What may I tell them?",
            vad=Vad(end_of_turn_silence_ms=1_500),
        )
    return Speak(text="Front desk. Who is calling, please?", user_input_timeout_seconds=10)


@app.on_user_speak
async def heard(event: UserSpeak, call: FlowCall[Visit]) -> Answer:
    """Take the name, then the wish, then the message."""
    visit = call.state
    if visit.takes_message:
        visit.leaving = True
        note = SendSms(phone_number=COLLEAGUE, message=f"{visit.name}: {event.text}")
        return [note, "Thank you, I will pass it on. Goodbye."]
    if not visit.name:
        visit.name = event.text.strip(" .")
        return f"Thank you, {visit.name}. I am putting you through."
    return "One moment, please."


@app.on_assistant_speech_ended
def spoken(event: AssistantSpeechEnded, call: FlowCall[Visit]) -> Answer:
    """After the right sentence comes the transfer, or the end."""
    visit = call.state
    if visit.leaving:
        return Hangup()
    if visit.name and not visit.takes_message:
        return Transfer(target_phone_number=COLLEAGUE, caller_id_name=visit.name, timeout=20)
    return None


@app.on_dtmf_received
def pressed(event: DtmfReceived) -> Answer:
    """Zero ends the call."""
    return ["Goodbye.", Hangup()] if event.digit == "0" else None


@app.on_user_input_timeout
def silent(event: UserInputTimeout) -> Answer:
    """Ask once more."""
    return "Please tell me your name, or press zero to hang up."


@app.on_sms_failed
def not_sent(event: SmsFailed, call: FlowCall[Visit]) -> Answer:
    """The message did not get through; say so if the caller is still there."""
    return "I could not pass on the message, please try again later."


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9003)
    app.run(port=parser.parse_args().port)
