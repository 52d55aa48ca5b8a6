"""The schemas of what is ours alone: flows, trunks, templates, keys, deliveries and more."""

from __future__ import annotations

from cordboard.control.deliveries.schemas import Replay
from cordboard.control.deliveries.service import STATES
from cordboard.control.flows.calling import FlowCallParams
from cordboard.control.flows.schemas import FlowFields
from cordboard.control.keys.schemas import KeyParams
from cordboard.control.openapi.calls import call_schemas
from cordboard.control.openapi.resources import plain_resource
from cordboard.control.openapi.shapes import (
    COUNT,
    FLAG,
    LEFT_AS_IT_IS,
    MOMENT,
    NOTHING,
    TEXT,
    UUID,
    Shape,
    changed,
    either,
    fields_of,
    one_of,
    or_nothing,
    page_of,
    record,
    ref,
    whole,
)
from cordboard.control.organisations.schemas import OrganisationParams
from cordboard.control.prompt_templates.schemas import TemplateFields
from cordboard.control.scopes import NOUNS, READ, WRITE
from cordboard.control.sip_trunks.schemas import TrunkFields, TrunkName
from cordboard.storage.keys import ROLES


def extension_schemas() -> Shape:
    """Return the schemas of everything that is ours alone."""
    return {
        **_configured(),
        **_accesses(),
        **_delivered(),
        **_calls(),
        "Health": record({"status": TEXT}, ["status"]),
        "Readiness": record({"status": TEXT, "detail": TEXT}, ["status"]),
    }


def _items(name: str) -> Shape:
    return whole({"items": {"type": "array", "items": ref(name)}})


def _configured() -> Shape:
    made = {"created_at": MOMENT}
    template = fields_of(TemplateFields)
    whole_template = fields_of(TemplateFields, answered=True)["properties"]
    name = fields_of(TrunkName)
    trunk = {**name["properties"], **fields_of(TrunkFields)["properties"]}
    whole_trunk = {**name["properties"], **fields_of(TrunkFields, answered=True)["properties"]}
    seen = whole({**whole_trunk, **made})
    # A trunk from before this was noted does not have it.
    seen["properties"]["by_operator"] = FLAG
    reference = {"voice": either(UUID, NOTHING), "webhook": either(UUID, NOTHING)}
    asked = {noun: either(UUID, LEFT_AS_IT_IS, NOTHING) for noun in reference}
    own = fields_of(FlowFields, answered=True)["properties"]
    flow = fields_of(FlowFields)
    flow["properties"] |= asked
    return {
        **plain_resource("PromptTemplate", template, whole({**whole_template, **made})),
        **plain_resource("SipTrunk", record(trunk, ["name"]), seen),
        **plain_resource("Flow", flow, whole({**own, **reference, **made})),
    }


def _accesses() -> Shape:
    scopes = [f"{noun}:{verb}" for noun in sorted(NOUNS) for verb in (READ, WRITE)]
    scope_list = or_nothing({"type": "array", "items": one_of(*scopes)})
    role = one_of(*ROLES)
    key = {
        "id": UUID,
        "user_id": UUID,
        "name": TEXT,
        "prefix": TEXT,
        "role": role,
        "scopes": scope_list,
        "created_at": MOMENT,
        "last_used_at": or_nothing(MOMENT),
        "revoked_at": or_nothing(MOMENT),
    }
    quotas = fields_of(OrganisationParams, answered=True)["properties"]["quotas"]
    organisation = {"id": UUID, "name": TEXT, "created_at": MOMENT, "quotas": quotas}
    params = fields_of(OrganisationParams)
    return {
        "KeyParams": fields_of(KeyParams, {"role": {**role, "default": "developer"}}),
        "Key": whole(key),
        "NewKey": whole({**key, "key": TEXT}),
        "KeyList": _items("Key"),
        "OrganizationParams": params,
        "OrganizationUpdateParams": changed(params),
        "Organization": whole(organisation),
        "NewOrganization": whole({**organisation, "key": TEXT}),
        "OrganizationList": _items("Organization"),
    }


def _delivered() -> Shape:
    delivery = {
        "id": UUID,
        "user_id": UUID,
        "call_id": UUID,
        "sequence": COUNT,
        "type": TEXT,
        "webhook": UUID,
        "url": TEXT,
        "method": TEXT,
        "state": one_of(*STATES),
        "attempts_count": COUNT,
        "created_at": MOMENT,
        "due_at": or_nothing(MOMENT),
        "finished_at": or_nothing(MOMENT),
    }
    attempt = {
        "number": COUNT,
        "at": MOMENT,
        "duration_ms": COUNT,
        "status": or_nothing(COUNT),
        "failure": or_nothing(TEXT),
        "answer": TEXT,
    }
    attempts = {"type": "array", "items": whole(attempt)}
    disabled = {"disabled_at": or_nothing(MOMENT), "disabled_why": or_nothing(TEXT)}
    health = {
        "id": UUID,
        "user_id": UUID,
        "url": TEXT,
        "state": one_of("ok", "failing", "disabled"),
        "failing_since": or_nothing(MOMENT),
        **disabled,
        **{f"{state}_count": COUNT for state in STATES},
    }
    secret = {"id": UUID, "secret": TEXT, "old_secret": or_nothing(TEXT)}
    return {
        "Delivery": whole(delivery),
        "WholeDelivery": whole({**delivery, "body": TEXT, "attempts": attempts}),
        "DeliveryPage": page_of(ref("Delivery")),
        "ReplayRequest": fields_of(Replay),
        "Replayed": whole({"count": COUNT}),
        "WebhookHealth": whole(health),
        "WebhookHealthPage": page_of(ref("WebhookHealth")),
        "WebhookSecret": whole({**secret, "old_until": or_nothing(MOMENT), **disabled}),
    }


def _calls() -> Shape:
    """Return the schemas of calls of agents and of flows, and of their timelines."""
    known = call_schemas()
    flow = _configured()["Flow"]["properties"]
    gone: Shape = {"type": "object", "additionalProperties": False}
    told = {
        "flow": either(ref("FlowOfCall"), gone, NOTHING),
        "direction": one_of("inbound", "outbound"),
        "operator": one_of("agent", "flow"),
        "end_reason": or_nothing(TEXT),
        "created_at": MOMENT,
        "left_out": {"type": "array", "items": TEXT},
    }
    record_ = {**known["Call"]["properties"], **told, "agent": either(ref("Agent"), NOTHING)}
    listed = {**known["NormalizedCall"]["properties"], **told}
    fact = {
        "sequence": COUNT,
        "kind": TEXT,
        "at": MOMENT,
        "at_ms": or_nothing(COUNT),
        "content": {"type": "object"},
    }
    return {
        "FlowOfCall": whole({**flow, "webhook": either(ref("Webhook"), NOTHING)}),
        "CallRecord": whole(record_),
        "ListedCallRecord": whole(listed),
        "CallRecordPage": page_of(ref("ListedCallRecord")),
        "CallFact": whole(fact),
        "CallFactList": _items("CallFact"),
        "FlowCallRequest": fields_of(FlowCallParams),
        "FlowCall": whole({"session_id": UUID}),
        "RecordingUrl": whole({"url": TEXT, "expires_at": MOMENT}),
    }
