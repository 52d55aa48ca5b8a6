"""Asking for a call: everything that can be judged at once is, and then it waits for an engine."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, Literal

from pydantic import AliasChoices, Field
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from cordboard.control.agents import service as agents
from cordboard.control.calls.showing import show_call
from cordboard.control.errors import (
    BadRequest,
    Conflict,
    Invalid,
    Place,
    Problem,
    TooManyCalls,
    collecting,
    raise_any,
)
from cordboard.control.fields import Fields, Json, NumberText, TextMap, given, validated
from cordboard.control.numbers.queries import number_of
from cordboard.control.numbers.service import stored
from cordboard.control.organisations.quotas import check_calls
from cordboard.control.unit import Caller, Unit
from cordboard.control.usage.service import check_limit
from cordboard.dial_policy import DialRequest, Refused, TrunkDialing, decide
from cordboard.ports import Direction
from cordboard.storage.agent_rows import AgentRows, agent_parts, api_agent
from cordboard.storage.plans import missing_keys, plan_of, standard_variables
from cordboard.storage.tables import Agent, Call, IdempotencyKey, Number, SipTrunk

WAITING_MAX: Final = 1_000
REDACTED: Final = "[redacted]"
SIP: Final = "sip"

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_SECONDS: Final = re.compile(r"[0-9]{1,3}")
_NOT_UDP: Final = re.compile(r"(?i)^sips:|;transport=(?!udp\b)")
_DIGITS: Final = re.compile(r"[0-9*#A-DwW,]{1,64}")


class CreateCallParams(Fields):
    """A call that is asked for, besides its agent (reference section 3.1)."""

    from_number: NumberText
    to_number: NumberText
    on_no_human_answer: Literal["continue", "hangup"] = Field(
        "continue",
        validation_alias=AliasChoices("on_no_human_answer", "on_machine_answer"),
    )
    run_do_not_call_detection: bool | None = None
    hipaa_compliant: bool = False
    context: TextMap | None = None
    telephony_params: TextMap | None = None


_KEEP_EMPTY: Final = frozenset({"context", "telephony_params"})


Adding = Callable[[Unit, Json], Awaitable[Call]]
"""Judges a request and puts its call on record, within a transaction."""


async def create(caller: Caller, body: Json, key: str | None) -> Json:
    """Put a call of an agent on record for an engine to place, and return it."""
    return await ask(caller, body, key, add)


async def ask(caller: Caller, body: Json, key: str | None, add: Adding) -> Json:
    """Put a call on record within the organisation's limits, and return it.

    The same ``key`` with the same body returns the same call; with another body it is refused.
    """
    body_hash = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    if key is not None and not _KEY.fullmatch(key):
        raise BadRequest("Idempotency-Key: must be 1 to 255 printable ASCII characters")
    try:
        async with caller.writing() as unit:
            shown = await _repeated(unit, key, body_hash)
            if shown is not None:
                return shown
            await check_limit(unit)
            await check_calls(unit)
            call = await add(unit, body)
            if key is not None:
                _remember(unit, call, key, body_hash)
            await unit.session.flush()
            shown = await show_call(unit, call)
    except IntegrityError:
        # Another process took the key between our look and our write.
        async with caller.reading() as unit:
            shown = await _repeated(unit, key, body_hash)
        if shown is None:
            raise
        return shown
    caller.services.call_wanted()
    return shown


async def _repeated(unit: Unit, key: str | None, body_hash: str) -> Json | None:
    if key is None:
        return None
    wanted = select(IdempotencyKey).where(
        IdempotencyKey.organisation_id == unit.organisation_id, IdempotencyKey.key == key
    )
    known = (await unit.session.scalars(wanted)).first()
    if known is None:
        return None
    if known.body_hash != body_hash:
        raise Conflict("Idempotency-Key: this key was used for another request")
    return await show_call(unit, await unit.session.get_one(Call, known.call_id))


def _remember(unit: Unit, call: Call, key: str, body_hash: str) -> None:
    services = unit.services
    unit.session.add(
        IdempotencyKey(
            id=services.randomness.uuid(),
            organisation_id=unit.organisation_id,
            created_at=services.clock.wall(),
            key=key,
            body_hash=body_hash,
            call_id=call.id,
        )
    )


async def add(unit: Unit, body: Json) -> Call:
    """Put a call on record within a transaction; errors as the API reports them."""
    new = given(body, _KEEP_EMPTY)
    problems: list[Problem] = []
    with collecting(problems):
        params = validated(CreateCallParams, new, ("body",))
    with collecting(problems):
        if new.get("agent") is None:
            raise Invalid.at(("body", "agent"), "Field required", "missing")
        agent = await agents.resolve(unit, new["agent"], ("body", "agent"))
    raise_any(problems)
    with collecting(problems):
        _check_params(params.telephony_params or {})
    with collecting(problems):
        ours, trunk = await _origin(unit, params.from_number)
        theirs = destination(unit, params.to_number, trunk, ("body", "to_number"))
    raise_any(problems)
    call = await _row(unit, params, agent, ours.number, theirs)
    await keep(unit, call, ours, trunk)
    return call


async def keep(unit: Unit, call: Call, ours: Number, trunk: SipTrunk | None) -> None:
    """Write a call's row, with who carries it, if it may wait its turn with the others."""
    await _check_room(unit)
    call.trunk_id = None if trunk is None else trunk.id
    call.telephony_account_connection_id = ours.telephony_account_connection_id
    call.carrier = call.telephony_provider = SIP if trunk is not None else ours.telephony_provider
    unit.session.add(call)
    # What else refers to the call needs its row to be there.
    await unit.session.flush()


def _check_params(params: dict[str, str]) -> None:
    """Judge the parameters that every carrier honours; others are kept and not used."""
    seconds, digits = params.get("Timeout"), params.get("SendDigits")
    place = ("body", "telephony_params")
    if seconds is not None and not (_SECONDS.fullmatch(seconds) and 1 <= int(seconds) <= 600):
        raise Invalid.at((*place, "Timeout"), "must be a whole number of seconds from 1 to 600")
    if digits and not _DIGITS.fullmatch(digits):
        raise Invalid.at(
            (*place, "SendDigits"), "must be up to 64 of 0-9 * # A-D w , and nothing else"
        )


async def _origin(unit: Unit, from_number: str) -> tuple[Number, SipTrunk | None]:
    """Return the organisation's number that calls, and its trunk."""
    place = ("body", "from_number")
    row = await number_of(unit, stored(unit, from_number, place))
    if row is None or not row.active:
        raise Invalid.at(place, "is no phone number of this organisation; link it first")
    return row, await trunk_of(unit, row, place)


async def trunk_of(unit: Unit, row: Number, place: Place) -> SipTrunk | None:
    """Return the trunk that carries a number's calls out; None where a linked account does.

    Raises:
        Invalid: it carries none, as it stands.

    """
    if row.telephony_account_connection_id is not None:
        return None
    trunk = None if row.trunk_id is None else await unit.session.get(SipTrunk, row.trunk_id)
    if trunk is None or not trunk.fields.get("target"):
        raise Invalid.at(place, "its SIP trunk has no `target` to send calls to")
    _check_transport(trunk, place)
    return trunk


def _check_transport(trunk: SipTrunk, place: Place) -> None:
    """Refuse a trunk that needs what we do not speak."""
    transport = trunk.fields.get("transport")
    if transport != "udp":
        raise Invalid.at(
            place, f"its SIP trunk has the `transport` {transport}; only udp is spoken so far"
        )
    if _NOT_UDP.search(str(trunk.fields.get("target"))):
        raise Invalid.at(
            place, "its SIP trunk's `target` asks for tcp or tls; only udp is spoken so far"
        )
    if trunk.fields.get("srtp") == "require":
        raise Invalid.at(
            place, "its SIP trunk requires `srtp`, which is not spoken so far; set it to off"
        )


def destination(unit: Unit, to_number: str, trunk: SipTrunk | None, place: Place) -> str:
    """Return the number to dial in its stored form, if it may be dialled as things stand.

    Raises:
        Invalid: it may not.

    """
    dialing = TrunkDialing() if trunk is None else trunk_dialing(trunk)
    decision = decide(DialRequest(number=to_number, trunk=dialing), unit.services.dial_rules)
    if isinstance(decision, Refused):
        setting = decision.setting or "the trunk's `dial_prefixes` and `allow_any`"
        raise Invalid.at(place, f"{decision.message} ({setting})", f"dial_{decision.code}")
    return stored(unit, decision.number, place)


def trunk_dialing(trunk: SipTrunk) -> TrunkDialing:
    """Return what a trunk adds to the dial policy."""
    return TrunkDialing(
        allow_any=bool(trunk.fields.get("allow_any")),
        prefixes=tuple(trunk.fields.get("dial_prefixes") or ()),
    )


async def _check_room(unit: Unit) -> None:
    waiting = select(func.count()).where(
        Call.organisation_id == unit.organisation_id,
        Call.status == "not_started",
        Call.direction == Direction.OUTBOUND.value,
        Call.owner_engine.is_(None),
    )
    if (await unit.session.scalar(waiting) or 0) >= WAITING_MAX:
        raise TooManyCalls(f"{WAITING_MAX} calls wait to be placed already")


def _check_keys(missing: Sequence[str], parts: AgentRows) -> None:
    """Refuse a call that lacks what its prompt's template requires, naming each key."""
    label = (parts.prompt.fields["prompt_template"] or {}).get("label", "") if missing else ""
    message = f"Field required by the prompt template {label!r}"
    place = ("body", "context")
    raise_any([Problem((*place, key), message, "missing") for key in missing])


async def _row(unit: Unit, params: CreateCallParams, agent: Agent, ours: str, theirs: str) -> Call:
    services = unit.services
    now = services.clock.wall()
    await unit.session.flush()
    parts = await agent_parts(unit.session, agent)
    variables = {**standard_variables(ours, theirs, now), **(params.context or {})}
    _check_keys(missing_keys(parts, variables), parts)
    wish = params.run_do_not_call_detection
    plan = replace(
        plan_of(
            parts, variables, replace(services.plan_options(params.hipaa_compliant), is_placed=True)
        ),
        on_no_human=params.on_no_human_answer,
        detects_do_not_call=agent.fields["run_do_not_call_detection"] if wish is None else wish,
    )
    shown = api_agent(parts)
    if params.hipaa_compliant:
        shown["prompt"] = {**shown["prompt"], "content": REDACTED}
    return Call(
        id=services.randomness.uuid(),
        organisation_id=unit.organisation_id,
        created_at=now,
        direction=Direction.OUTBOUND.value,
        status="not_started",
        stage="created",
        from_number=ours,
        to_number=theirs,
        agent_phone_number=ours,
        agent_id=agent.id,
        agent=shown,
        plan=plan.to_json(),
        carrier=SIP,
        telephony_provider=SIP,
        telephony_params=params.telephony_params,
        call_variables=params.context,
        on_no_human_answer=params.on_no_human_answer,
        run_do_not_call_detection=params.run_do_not_call_detection,
        hipaa_compliant=params.hipaa_compliant,
        recording_available=False,
    )
