"""Runs inside an environment of one release of the official client, as a program of its users.

It imports nothing but the client. Its work comes as JSON on standard input: the server, and for
each mode (``sync``, ``async``) a key, names that are known beforehand, and the steps. What came of
each step goes to standard output as JSON, with the methods and models the client turned out to
have. A step is left out (``absent``) when the client has no such method or cannot express it.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import sys
import typing
import warnings
from typing import Any

Json = dict[str, Any]

# Stands for a field that this release of the client does not know.
UNSEEN = object()


class Absent(Exception):
    """This release of the client cannot say that."""


def library() -> Any:
    """Return the pydantic that the client's models are made with."""
    agent = importlib.import_module("vocode.types.agent").Agent
    modules = [kind.__module__ for kind in agent.__mro__]
    old = any(name.startswith("pydantic.v1") for name in modules)
    return importlib.import_module("pydantic.v1" if old else "pydantic")


def parsed(kind: Any, value: Any) -> Any:
    """Return ``value`` as the client's own typed object."""
    pydantic = library()
    try:
        return pydantic.parse_obj_as(kind, value)
    except pydantic.ValidationError as error:
        raise Absent(str(error)[:300]) from None


def plain(value: Any) -> Any:
    """Return a typed object as the JSON that the client makes of it."""
    encode = importlib.import_module("vocode.core.jsonable_encoder").jsonable_encoder
    return json.loads(json.dumps(encode(value), default=str))


def missing_in(sent: Any, wanted: Any, place: str = "") -> list[str]:
    """Return the places of ``wanted`` that ``sent`` has lost."""
    if isinstance(wanted, dict) and isinstance(sent, dict):
        lost: list[str] = []
        for name, item in wanted.items():
            where = f"{place}.{name}" if place else name
            lost += missing_in(sent[name], item, where) if name in sent else [where]
        return lost
    if isinstance(wanted, list) and isinstance(sent, list) and len(sent) == len(wanted):
        pairs = zip(sent, wanted, strict=True)
        return [p for n, (a, b) in enumerate(pairs) for p in missing_in(a, b, f"{place}.{n}")]
    return [] if sent == wanted else [place]


def filled(value: Any, names: Json) -> Any:
    """Return ``value`` with every ``$name`` replaced."""
    if isinstance(value, dict):
        return {key: filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    if isinstance(value, str) and value.startswith("$"):
        if value[1:] not in names:
            raise Absent(f"needs {value[1:]}")
        return names[value[1:]]
    return value


def declared_by(kind: Any) -> list[str] | None:
    """Return the names of a model's fields; None for anything that is no single model."""
    fields = getattr(kind, "model_fields", None) or getattr(kind, "__fields__", None)
    return list(fields) if isinstance(fields, dict) else None


def parameters_of(method: Any) -> list[str]:
    """Return what a method can be given, whether as arguments or in one request object."""
    names = [name for name in inspect.signature(method).parameters if name != "request_options"]
    if "request" in names:
        names.remove("request")
        names += declared_by(typing.get_type_hints(method)["request"]) or ["request"]
    return names


def arguments(method: Any, wanted: Json, names: Json) -> tuple[Json, list[str]]:
    """Return what to call ``method`` with, and the names of what it cannot take."""
    hints = typing.get_type_hints(method)
    known = inspect.signature(method).parameters
    here = {name: item for name, item in wanted.items() if name in known}
    rest = {name: item for name, item in wanted.items() if name not in known}
    lost = list(rest)
    if "request" in known and (rest or known["request"].default is inspect.Parameter.empty):
        fields = declared_by(hints["request"])
        lost = [] if fields is None else [name for name in rest if name not in fields]
        here["request"] = {name: item for name, item in rest.items() if name not in lost}
    for name, plainly in here.items():
        value = here[name] = filled(plainly, names)
        if value is not None:
            typed = parsed(hints[name], value)
            said = plain(typed)
            # A type without fields reads any object; a script would pass the plain object then.
            here[name] = value if said == {} else typed
            gone = [] if said == {} else missing_in(said, value)
            lost += gone if name == "request" else [f"{name}.{place}" for place in gone]
    return here, lost


def fields_of(value: Any) -> tuple[list[str], Any] | None:
    """Return the declared fields of a model and those that the answer held."""
    kind = type(value)
    declared = declared_by(kind)
    if declared is None:
        return None
    held = getattr(value, "model_fields_set", None)
    return declared, (value.__fields_set__ if held is None else held)


def note_models(value: Any, models: dict[str, Json]) -> None:
    """Note for each model in an answer which of its declared fields the answer held."""
    if isinstance(value, list):
        for item in value:
            note_models(item, models)
        return
    found = fields_of(value)
    if found is None:
        return
    declared, held = found
    kind = type(value)
    name = kind.__name__
    if "_" in name and len(kind.__mro__) > 1:
        name = kind.__mro__[1].__name__
    known = models.setdefault(name, {})
    for field in declared:
        known[field] = known.get(field, True) and field in held
        note_models(getattr(value, field, None), models)


def fate(sent: Any, shown: Any) -> str:
    """Return what became of a value that was sent: kept, masked, changed, or not to be seen."""
    if sent == shown or (isinstance(shown, dict) and shown.get("id") == sent):
        return "kept"
    if shown is UNSEEN:
        return "unseen"
    if isinstance(shown, str) and shown.startswith("****"):
        return "masked"
    if isinstance(sent, dict) and isinstance(shown, dict):
        fates = {fate(v, shown.get(k, UNSEEN)) for k, v in sent.items() if v != {}}
    elif isinstance(sent, list) and isinstance(shown, list) and len(sent) == len(shown):
        fates = {fate(a, b) for a, b in zip(sent, shown, strict=True)}
    else:
        return "changed"
    for worst in ("changed", "unseen", "masked"):
        if worst in fates:
            return worst
    return "kept"


def fates(method: str, sent: Json, shown: Any) -> Json:
    """Return what became of each field that a request set, by its name in the protocol."""
    if not method.split(".")[1].startswith(("create_", "update_", "link_", "buy_")):
        return {}
    request = sent.get("request")
    flat = {**sent, **request} if isinstance(request, dict) else sent
    flat.pop("request", None)
    names = [name for name in flat if name not in ("id", "phone_number")]
    if not isinstance(shown, dict):
        return {}
    return {name: fate(flat[name], shown.get(name, UNSEEN)) for name in names}


def failure(error: Exception) -> Json:
    """Return an error as far as a program sees it."""
    body = getattr(error, "body", None)
    detail = getattr(body, "detail", None)
    loc = [str(part) for part in detail[0].loc] if isinstance(detail, list) and detail else None
    return {
        "error": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "loc": loc,
        "text": str(body if body is not None else error)[:300],
    }


async def consumed(result: Any) -> Any:
    """Return what a method gave, waited for and read to its end."""
    if inspect.isawaitable(result):
        result = await result
    later, now = inspect.isasyncgen(result), inspect.isgenerator(result)
    if later:
        return b"".join([chunk async for chunk in result])
    return b"".join(result) if now else result


async def run_step(client: Any, step: Json, names: Json, models: dict[str, Json]) -> Json:
    """Run a step and return what came of it."""
    resource, name = step["method"].split(".")
    method = getattr(getattr(client, resource, None), name, None)
    try:
        if method is None:
            raise Absent("no such method")
        known, lost = arguments(method, step["with"], names)
        if lost and "refused" in step:
            raise Absent(f"cannot say {lost}")
    except Absent as absent:
        return {"outcome": "absent", "why": str(absent)}
    try:
        result = await consumed(method(**known))
    except Exception as error:  # noqa: BLE001 - whatever a program of the user would see
        return {"outcome": "refused", "lost": lost, **failure(error)}
    note_models(result, models)
    if isinstance(result, bytes):
        return {"outcome": "answered", "lost": lost, "bytes": len(result)}
    shown = plain(result)
    if "save" in step:
        names[step["save"]] = shown["id"]
    became = fates(step["method"], plain(known), shown)
    return {"outcome": "answered", "lost": lost, "fates": became, "shown": shown}


def methods_of(client: Any) -> Json:
    """Return every method of the client with the names of its parameters."""
    found: Json = {}
    for resource, part in vars(client).items():
        if resource.startswith("_"):
            continue
        for name, method in inspect.getmembers(part, inspect.ismethod):
            if not name.startswith("_"):
                found[f"{resource}.{name}"] = parameters_of(method)
    return found


async def main() -> None:
    """Run all steps in both modes."""
    warnings.simplefilter("ignore")
    module = importlib.import_module("vocode.client")
    work = json.load(sys.stdin)
    report: Json = {"modes": {}, "models": {}}
    for mode, kind in (("sync", module.Vocode), ("async", module.AsyncVocode)):
        task = work["modes"].get(mode)
        if task is None:
            continue
        client = kind(token=task["key"], base_url=work["base_url"])
        report["methods"] = methods_of(client)
        names = dict(task["names"])
        outcomes = {}
        for step in work["steps"]:
            outcomes[step["name"]] = await run_step(client, step, names, report["models"])
        report["modes"][mode] = outcomes
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
