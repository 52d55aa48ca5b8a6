"""The document: every operation of ``/v1``, what it takes and what it answers."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from cordboard.control.openapi.calls import call_schemas
from cordboard.control.openapi.resources import resource_schemas
from cordboard.control.openapi.shapes import NOTHING, UUID, Shape, either, record, ref

router = APIRouter()

_ID: Final = [("id", UUID, True)]
_NUMBER: Final = [("phone_number", {"type": "string"}, True)]
_PAGE: Final = [
    ("page", {"type": "integer", "default": 1, "minimum": 1}, False),
    ("size", {"type": "integer", "default": 10, "minimum": 1}, False),
    ("sort_column", either({"type": "string"}, NOTHING), False),
    ("sort_desc", {**either({"type": "boolean"}, NOTHING), "default": False}, False),
]

_RESOURCES: Final = {
    "account_connections": "AccountConnection",
    "actions": "Action",
    "agents": "Agent",
    "prompts": "Prompt",
    "vector_databases": "VectorDatabase",
    "voices": "Voice",
    "webhooks": "Webhook",
}
_REFUSALS: Final = {
    "400": "What is asked for cannot be done here.",
    "401": "No key, or none that is in force.",
    "403": "The key may not do this.",
    "404": "There is no such thing.",
    "409": "The state of things does not allow it.",
    "413": "The body is too long.",
    "429": "Too much at once; Retry-After says when to come again.",
    "503": "Something does not answer now; Retry-After says when to come again.",
}


def _operation(
    operation_id: str,
    answer: Shape,
    *,
    query: list[tuple[str, Shape, bool]] | None = None,
    body: Shape | None = None,
    kind: str = "application/json",
) -> Shape:
    operation: Shape = {
        "operationId": operation_id,
        "responses": {
            "200": {"description": "Done.", "content": {kind: {"schema": answer}}},
            "422": {
                "description": "What is wrong, and where.",
                "content": {"application/json": {"schema": ref("HTTPValidationError")}},
            },
            **{status: _refusal(text) for status, text in _REFUSALS.items()},
        },
    }
    if query:
        operation["parameters"] = [
            {"name": name, "in": "query", "required": required, "schema": schema}
            for name, schema, required in query
        ]
    if body is not None:
        # A client that has nothing to say sends no body, which counts as an empty object.
        content = {"application/json": {"schema": body}}
        operation["requestBody"] = {"required": False, "content": content}
    return operation


def _refusal(text: str) -> Shape:
    content = {"application/json": {"schema": ref("Refusal")}}
    return {"description": text, "content": content}


def _resource_paths() -> Shape:
    paths: Shape = {}
    for noun, name in _RESOURCES.items():
        base, one = f"/v1/{noun}", noun.removesuffix("s")
        paths |= {
            base: {"get": _operation(f"get_{one}", ref(name), query=_ID)},
            f"{base}/list": {"get": _operation(f"list_{noun}", ref(f"{name}Page"), query=_PAGE)},
            f"{base}/create": {
                "post": _operation(f"create_{one}", ref(name), body=ref(f"{name}Params"))
            },
            f"{base}/update": {
                "post": _operation(
                    f"update_{one}", ref(name), query=_ID, body=ref(f"{name}UpdateParams")
                )
            },
        }
    return paths


def _number_paths() -> Shape:
    number, base = ref("PhoneNumber"), "/v1/numbers"
    link, buy = ref("LinkPhoneNumberRequest"), ref("BuyPhoneNumberRequest")
    change = ref("UpdateNumberRequest")
    return {
        base: {"get": _operation("get_number", number, query=_NUMBER)},
        f"{base}/list": {"get": _operation("list_numbers", ref("PhoneNumberPage"), query=_PAGE)},
        f"{base}/link": {"post": _operation("link_number", number, body=link)},
        f"{base}/buy": {"post": _operation("buy_number", number, body=buy)},
        f"{base}/update": {"post": _operation("update_number", number, query=_NUMBER, body=change)},
        f"{base}/cancel": {"post": _operation("cancel_number", number, query=_NUMBER)},
    }


def _call_paths() -> Shape:
    call, base = ref("Call"), "/v1/calls"
    sound = {"type": "string", "format": "binary"}
    steering = "/v1/account_connections/{}_steering_pool"
    account = ref("AccountConnection")
    recording = _operation("get_recording", sound, query=_ID, kind="audio/mpeg")
    more = either(ref("AddToSteeringPoolRequest"), NOTHING)
    less = ref("RemoveFromSteeringPoolRequest")
    return {
        base: {"get": _operation("get_call", call, query=_ID)},
        f"{base}/list": {"get": _operation("list_calls", ref("CallPage"), query=_PAGE)},
        f"{base}/create": {"post": _operation("create_call", call, body=ref("CreateCallRequest"))},
        f"{base}/end": {"post": _operation("end_call", call, query=_ID)},
        f"{base}/recording": {"get": recording},
        "/v1/usage": {"get": _operation("get_usage", ref("Usage"))},
        "/metrics": {"get": _operation("get_metrics", {"type": "string"}, kind="text/plain")},
        steering.format("add_to"): {
            "post": _operation("add_to_steering_pool", account, query=_ID, body=more)
        },
        steering.format("remove_from"): {
            "post": _operation("remove_from_steering_pool", account, query=_ID, body=less)
        },
    }


@cache
def document() -> dict[str, Any]:
    """Return the document (OpenAPI 3.1)."""
    place = either({"type": "string"}, {"type": "integer"})
    problem = {
        "loc": {"type": "array", "items": place},
        "msg": {"type": "string"},
        "type": {"type": "string"},
    }
    refusals = {
        "ValidationError": record(problem, list(problem)),
        "HTTPValidationError": record(
            {"detail": {"type": "array", "items": ref("ValidationError")}}, []
        ),
        "Refusal": record({"detail": {"type": "string"}}, ["detail"]),
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Cordboard", "version": "1"},
        "paths": {**_resource_paths(), **_number_paths(), **_call_paths()},
        "components": {
            "schemas": {**resource_schemas(), **call_schemas(), **refusals},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    }


@router.get("/openapi.json", include_in_schema=False)
async def openapi() -> Response:
    """Return the document; it holds nothing secret."""
    return JSONResponse(document())
