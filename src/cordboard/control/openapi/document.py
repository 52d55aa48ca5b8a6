"""The document: every operation, what it takes and what it answers."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from cordboard.control.openapi.calls import call_schemas
from cordboard.control.openapi.extension_schemas import extension_schemas
from cordboard.control.openapi.extensions import extension_paths
from cordboard.control.openapi.operations import ID, ONCE, PAGE, Parameter, four, operation
from cordboard.control.openapi.resources import resource_schemas
from cordboard.control.openapi.shapes import NOTHING, TEXT, Shape, either, record, ref

router = APIRouter()

_NUMBER: Final = [Parameter("phone_number", TEXT, True)]
_RESOURCES: Final = {
    "account_connections": "AccountConnection",
    "actions": "Action",
    "agents": "Agent",
    "prompts": "Prompt",
    "vector_databases": "VectorDatabase",
    "voices": "Voice",
    "webhooks": "Webhook",
}


def _resource_paths() -> Shape:
    paths: Shape = {}
    for noun, name in _RESOURCES.items():
        paths |= four(f"/v1/{noun}", noun.removesuffix("s"), noun, name)
    return paths


def _number_paths() -> Shape:
    number, base = ref("PhoneNumber"), "/v1/numbers"
    link, buy = ref("LinkPhoneNumberRequest"), ref("BuyPhoneNumberRequest")
    change = ref("UpdateNumberRequest")
    return {
        base: {"get": operation("get_number", number, takes=_NUMBER)},
        f"{base}/list": {"get": operation("list_numbers", ref("PhoneNumberPage"), takes=PAGE)},
        f"{base}/link": {"post": operation("link_number", number, body=link)},
        f"{base}/buy": {"post": operation("buy_number", number, body=buy)},
        f"{base}/update": {"post": operation("update_number", number, takes=_NUMBER, body=change)},
        f"{base}/cancel": {"post": operation("cancel_number", number, takes=_NUMBER)},
    }


def _call_paths() -> Shape:
    call, base = ref("Call"), "/v1/calls"
    asked = ref("CreateCallRequest")
    sound = {"type": "string", "format": "binary"}
    recording = operation("get_recording", sound, takes=ID, kind="audio/mpeg")
    return {
        base: {"get": operation("get_call", call, takes=ID)},
        f"{base}/list": {"get": operation("list_calls", ref("CallPage"), takes=PAGE)},
        f"{base}/create": {"post": operation("create_call", call, takes=ONCE, body=asked)},
        f"{base}/end": {"post": operation("end_call", call, takes=ID)},
        f"{base}/recording": {"get": recording},
        "/v1/usage": {"get": operation("get_usage", ref("Usage"))},
        "/metrics": {"get": operation("get_metrics", TEXT, kind="text/plain")},
    }


def _pool_paths() -> Shape:
    steering = "/v1/account_connections/{}_steering_pool"
    account = ref("AccountConnection")
    more = either(ref("AddToSteeringPoolRequest"), NOTHING)
    less = ref("RemoveFromSteeringPoolRequest")
    return {
        steering.format("add_to"): {
            "post": operation("add_to_steering_pool", account, takes=ID, body=more)
        },
        steering.format("remove_from"): {
            "post": operation("remove_from_steering_pool", account, takes=ID, body=less)
        },
    }


@cache
def document() -> dict[str, Any]:
    """Return the document (OpenAPI 3.1)."""
    place = either(TEXT, {"type": "integer"})
    problem = {"loc": {"type": "array", "items": place}, "msg": TEXT, "type": TEXT}
    refusals = {
        "ValidationError": record(problem, list(problem)),
        "HTTPValidationError": record(
            {"detail": {"type": "array", "items": ref("ValidationError")}}, []
        ),
        "Refusal": record({"detail": TEXT}, ["detail"]),
    }
    served = [_resource_paths(), _number_paths(), _call_paths(), _pool_paths(), extension_paths()]
    schemas = [resource_schemas(), call_schemas(), extension_schemas(), refusals]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Cordboard", "version": "1"},
        "paths": {path: item for paths in served for path, item in paths.items()},
        "components": {
            "schemas": {name: shape for part in schemas for name, shape in part.items()},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    }


@router.get("/openapi.json", include_in_schema=False)
async def openapi() -> Response:
    """Return the document; it holds nothing secret."""
    return JSONResponse(document())
