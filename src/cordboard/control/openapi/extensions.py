"""What Vocode has not: ``/x/v1``, the flow protocol's call, and whether the server is well."""

from __future__ import annotations

from typing import Final

from cordboard.control.calls.links import SECONDS_MAX
from cordboard.control.deliveries.service import STATES
from cordboard.control.openapi.operations import ID, ONCE, PAGE, Parameter, four, operation
from cordboard.control.openapi.shapes import (
    COUNT,
    NOTHING,
    TEXT,
    UUID,
    Shape,
    either,
    one_of,
    or_nothing,
    ref,
)
from cordboard.control.scopes import CALLING

_BASE: Final = "/x/v1"
_CALL: Final = [Parameter("call_id", UUID, True, "path")]
_ANY_ID: Final[Shape] = either(UUID, NOTHING)
_OPEN: Final[Shape] = {"security": []}
_MP3: Final = "audio/mpeg"
_SOUND: Final[Shape] = {"type": "string", "format": "binary"}


def extension_paths() -> Shape:
    """Return the operations that are ours alone."""
    return {
        **_configuring_paths(),
        **_access_paths(),
        **_delivery_paths(),
        **_call_paths(),
        **_recording_paths(),
        **_health_paths(),
    }


def _get(name: str, answer: str, *takes: Parameter) -> Shape:
    return {"get": operation(name, ref(answer), takes=takes)}


def _post(name: str, answer: str, *takes: Parameter, body: str | None = None) -> Shape:
    asked = None if body is None else ref(body)
    return {"post": operation(name, ref(answer), takes=takes, body=asked)}


def _configuring_paths() -> Shape:
    nouns = {
        "flows": ("flow", "Flow"),
        "prompt_templates": ("prompt_template", "PromptTemplate"),
        "sip_trunks": ("sip_trunk", "SipTrunk"),
    }
    paths: Shape = {}
    for many, (one, name) in nouns.items():
        paths |= four(f"{_BASE}/{many}", one, many, name)
        paths[f"{_BASE}/{many}/delete"] = _post(f"delete_{one}", name, *ID)
    return paths


def _access_paths() -> Shape:
    keys, organisations = f"{_BASE}/keys", f"{_BASE}/organizations"
    changed_name = "OrganizationUpdateParams"
    return {
        f"{keys}/list": _get("list_keys", "KeyList"),
        f"{keys}/create": _post("create_key", "NewKey", body="KeyParams"),
        f"{keys}/revoke": _post("revoke_key", "Key", *ID),
        organisations: _get("get_organization", "Organization", Parameter("id", _ANY_ID)),
        f"{organisations}/list": _get("list_organizations", "OrganizationList"),
        f"{organisations}/create": _post(
            "create_organization", "NewOrganization", body="OrganizationParams"
        ),
        f"{organisations}/update": _post(
            "update_organization", "Organization", *ID, body=changed_name
        ),
    }


def _delivery_paths() -> Shape:
    deliveries, webhooks = f"{_BASE}/deliveries", f"{_BASE}/webhooks"
    state = Parameter("state", or_nothing(one_of(*STATES)))
    of_call = Parameter("call_id", _ANY_ID)
    return {
        deliveries: _get("get_delivery", "WholeDelivery", *ID),
        f"{deliveries}/list": _get("list_deliveries", "DeliveryPage", *PAGE, state, of_call),
        f"{deliveries}/replay": _post("replay", "Replayed", body="ReplayRequest"),
        f"{webhooks}/health": _get("get_webhook_health", "WebhookHealth", *ID),
        f"{webhooks}/health/list": _get("list_webhook_health", "WebhookHealthPage", *PAGE),
        f"{webhooks}/secret": _post("show_webhook_secret", "WebhookSecret", *ID),
        f"{webhooks}/rotate_secret": _post("rotate_webhook_secret", "WebhookSecret", *ID),
    }


def _call_paths() -> Shape:
    calls = f"{_BASE}/calls"
    after = Parameter("after", {**COUNT, "default": -1, "minimum": -1, "maximum": 2**31 - 1})
    size = Parameter("size", {**COUNT, "default": 1000, "minimum": 1, "maximum": 1000})
    resumed = Parameter("last-event-id", TEXT, False, "header")
    flow = Parameter("flow_id", UUID, True, "path")
    stream = operation("stream_flow", TEXT, takes=[flow, resumed], kind="text/event-stream")
    # By the flow protocol: any text stands for a flow that is not there.
    caller = Parameter("flow_id", TEXT, True, "path")
    asked, answer = ref("FlowCallRequest"), ref("FlowCall")
    called = operation("call_flow", answer, takes=[caller, *ONCE], body=asked, status="201")
    return {
        calls: _get("get_call_record", "CallRecord", *ID),
        f"{calls}/list": _get("list_call_records", "CallRecordPage", *PAGE),
        f"{calls}/end": _post("end_any_call", "CallRecord", *ID),
        f"{calls}/{{call_id}}/events": _get("list_events", "CallFactList", *_CALL, after, size),
        f"{_BASE}/flows/{{flow_id}}/events": {"get": stream},
        f"{CALLING}{{flow_id}}/call": {"post": called},
    }


def _recording_paths() -> Shape:
    """Return the ways to a recording besides the public one; a link has its key in its address."""
    calls = f"{_BASE}/calls"
    seconds = {**COUNT, "default": SECONDS_MAX, "minimum": 1, "maximum": SECONDS_MAX}
    signed = [Parameter(name, TEXT) for name in ("organization", "until", "signature")]
    link = Parameter("call_id", TEXT, True, "path")
    linked = operation("get_linked_recording", _SOUND, takes=[link, *signed], kind=_MP3)
    return {
        "/v1/calls/recording/{call_id}": {
            "get": operation("get_recording_by_path", _SOUND, takes=_CALL, kind=_MP3)
        },
        f"{calls}/recording": {"get": operation("get_any_recording", _SOUND, takes=ID, kind=_MP3)},
        f"{calls}/{{call_id}}/recording_url": _get(
            "get_recording_url", "RecordingUrl", *_CALL, Parameter("seconds", seconds)
        ),
        f"{_BASE}/recordings/{{call_id}}": {"get": linked | _OPEN},
    }


def _health_paths() -> Shape:
    alive, ready = operation("healthz", ref("Health")), operation("readyz", ref("Readiness"))
    ready["responses"]["503"]["content"] = ready["responses"]["200"]["content"]
    return {"/healthz": {"get": alive | _OPEN}, "/readyz": {"get": ready | _OPEN}}
