"""What was asked for and has no effect on a call, for its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cordboard.call.do_not_call import can_tell
from cordboard.control.numbers.schemas import SIP
from cordboard.ports import Direction
from cordboard.storage.tables import Call

HONOURED: Final = frozenset({"Timeout", "SendDigits"})
"""The ``telephony_params`` that every carrier honours; a linked account's takes most others too."""

SPOKEN_VOICES: Final = ("voice_vocode", "voice_eleven_labs")
"""The types of voice that there is a synthesizer for; others speak with the server's own."""

UNRUN_ACTIONS: Final = ("action_add_to_conference", "action_set_hold")
"""The types of action that can be stored and are not run yet."""

# Fields of an agent, and the values with which nothing is asked for.
_UNUSED: Final[Mapping[str, object]] = {
    "noise_suppression": False,
    "vector_database": None,
}
_UNUSED_OF_ACCOUNTS: Final[Mapping[str, object]] = {
    "steering_pool": [],
    "account_supports_any_caller_id": False,
}


NEVER_SENT: Final = frozenset(
    {
        *("twiml", "url", "to", "from", "applicationsid", "method"),
        *("statuscallback", "statuscallbackevent", "statuscallbackmethod"),
        *("asyncamdstatuscallback", "asyncamdstatuscallbackmethod"),
    }
)
"""``telephony_params``, in lower case, that no linked account is given: they would lead the call
away from us.
"""


def left_out(row: Call, account: Mapping[str, Any]) -> list[str]:
    """Return the names of the fields that have no effect: of the request, of its agent as it was
    when the call began, and of the linked ``account``.
    """
    # In a flow's call it is the flow that stands there, and all of it is of use.
    agent: Mapping[str, Any] = {} if row.flow_id is not None else row.agent or {}
    names = _of_agent(agent)
    if row.direction == Direction.INBOUND.value and agent.get("ivr_navigation_mode") == "default":
        names.append("agent.ivr_navigation_mode")
    names += [
        f"telephony_account_connection.{name}"
        for name, nothing in _UNUSED_OF_ACCOUNTS.items()
        if account.get(name, nothing) != nothing
    ]
    wanted = row.run_do_not_call_detection
    if wanted is None and row.direction == Direction.OUTBOUND.value:
        wanted = bool(agent.get("run_do_not_call_detection"))
    if wanted and not can_tell(str(agent.get("language") or "en")):
        names.append("run_do_not_call_detection")
    unused = [
        name
        for name in row.telephony_params or {}
        if (name not in HONOURED if row.carrier == SIP else name.lower() in NEVER_SENT)
    ]
    return names + [f"telephony_params.{name}" for name in unused]


def _of_agent(agent: Mapping[str, Any]) -> list[str]:
    names = [
        f"agent.{name}" for name, nothing in _UNUSED.items() if agent.get(name, nothing) != nothing
    ]
    voice = (agent.get("voice") or {}).get("type")
    if voice is not None and voice not in SPOKEN_VOICES:
        names.append("agent.voice")
    if agent.get("openai_model_name_override") and not agent.get("openai_account_connection"):
        names.append("agent.openai_model_name_override")
    for index, action in enumerate(agent.get("actions") or ()):
        if action.get("type") in UNRUN_ACTIONS:
            names.append(f"agent.actions.{index}")
    return names
