"""``cordboard flows``: users' own apps that answer numbers."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cordboard.cli.installation import DataDir, in_transaction, table
from cordboard.cli.named import flow_id

if TYPE_CHECKING:
    from cordboard.control.fields import Json
    from cordboard.control.unit import Unit
    from cordboard.settings import Settings
    from cordboard.storage.database import Database
    from cordboard.storage.tables import CallEvent

_POLL_S: Final = 0.2

FlowName = Annotated[str, typer.Argument(help="The flow's name or id.")]

app = typer.Typer(help="Flows: apps of your own that answer numbers.", no_args_is_help=True)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="A name to call the flow by.")],
    url: Annotated[
        str, typer.Argument(help="The app's URL: http(s):// for a webhook, ws(s):// for a socket.")
    ],
    token: Annotated[str | None, typer.Option(help="What proves to the app who calls it.")] = None,
    language: Annotated[str, typer.Option(help="The language that is spoken at first.")] = "en",
    voice: Annotated[str | None, typer.Option(help="A voice's id; else the server's own.")] = None,
    webhook: Annotated[
        str | None, typer.Option(help="The id of a webhook that is told of calls.")
    ] = None,
    waiting: Annotated[
        str, typer.Option(help="What callers hear while the app thinks: comfort, phrase, nothing.")
    ] = "comfort",
    fallback_text: Annotated[
        str, typer.Option(help="What is said where the app is gone, before the call ends.")
    ] = "",
    fallback_number: Annotated[
        str | None, typer.Option(help="Who is rung where the app is gone.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Add a flow and print its id. All its other fields: /x/v1/flows/update."""
    body: Json = {
        "name": name,
        "url": url,
        "token": token,
        "language": language,
        "voice": voice,
        "webhook": webhook,
        "waiting": waiting,
        "fallback_text": fallback_text,
        "fallback_number": fallback_number,
    }

    async def work(unit: Unit) -> str:
        from cordboard.control.flows.service import FLOWS

        return str((await FLOWS.create(unit, body))["id"])

    typer.echo(in_transaction(data_dir, work))


@app.command("list")
def list_flows(data_dir: DataDir = None) -> None:
    """List all flows."""

    async def work(unit: Unit) -> list[tuple[str, ...]]:
        from cordboard.control.flows.queries import all_flows

        names = ("name", "transport", "url", "language")
        return [
            (row.id, *(str(row.fields[name]) for name in names)) for row in await all_flows(unit)
        ]

    heading = ("id", "name", "transport", "url", "language")
    table([heading, *in_transaction(data_dir, work)])


@app.command("show")
def show(flow: FlowName, data_dir: DataDir = None) -> None:
    """Show a flow's fields; its token is masked."""

    async def work(unit: Unit) -> Json:
        from cordboard.control.flows.service import FLOWS

        return await FLOWS.get(unit, await flow_id(unit, flow))

    for name, value in in_transaction(data_dir, work).items():
        typer.echo(f"{name:<24}{'' if value is None else value}".rstrip())


@app.command("delete")
def delete(flow: FlowName, data_dir: DataDir = None) -> None:
    """Take a flow away that no number leads to."""

    async def work(unit: Unit) -> str:
        from cordboard.control.flows.service import FLOWS

        return str((await FLOWS.delete(unit, await flow_id(unit, flow)))["name"])

    typer.echo(f"Deleted flow {in_transaction(data_dir, work)}")


@app.command("call")
def call(
    flow: FlowName,
    number: Annotated[str, typer.Argument(help="Whom to call.")],
    data_dir: DataDir = None,
) -> None:
    """Have the flow's app call NUMBER from the number that leads to it, within a second."""

    async def work(unit: Unit) -> tuple[str, str]:
        from cordboard.control.flows import calling
        from cordboard.control.flows.service import NOUN
        from cordboard.control.rows import find
        from cordboard.storage.tables import Flow

        row = await calling.add(
            unit, await find(unit, Flow, await flow_id(unit, flow), NOUN), number
        )
        return row.id, row.to_number

    call_id, dialled = in_transaction(data_dir, work)
    typer.echo(f"{dialled} is called: cordboard calls show {call_id}")


@app.command("tail")
def tail(flow: FlowName, data_dir: DataDir = None) -> None:
    """Show a flow's events and actions, and all else on its calls, until interrupted."""
    from cordboard.cli.calls import on_database

    async def found(unit: Unit) -> tuple[str, str]:
        return unit.organisation_id, await flow_id(unit, flow)

    organisation_id, row_id = in_transaction(data_dir, found)

    async def work(database: Database, _settings: Settings) -> None:
        from cordboard.storage.flow_tail import FlowTail

        following = FlowTail(organisation_id, row_id, datetime.now(UTC))
        while True:
            async with database.read() as rows:
                facts = await following.step(rows, datetime.now(UTC))
            for fact in facts:
                typer.echo(_line(fact))
            await asyncio.sleep(_POLL_S)

    try:
        on_database(data_dir, work)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _line(fact: CallEvent) -> str:
    """Return a fact in a line: the time in UTC, the beginning of the call's id, what and how."""
    from cordboard.cli.call_lines import printable

    told = json.dumps(fact.content, ensure_ascii=False) if fact.content else ""
    return printable(f"{fact.at:%H:%M:%S.%f}"[:-3] + f" {fact.call_id[:4]} {fact.kind} {told}")
