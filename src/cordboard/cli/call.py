"""``cordboard call``: have a running server call somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cordboard.cli.installation import DataDir, in_transaction
from cordboard.cli.named import agent_id

if TYPE_CHECKING:
    from cordboard.control.fields import Json
    from cordboard.control.unit import Unit


def call(
    number: Annotated[str, typer.Argument(help="Whom to call.")],
    agent: Annotated[str, typer.Option(help="The agent that speaks: its id or name.")],
    from_number: Annotated[
        str | None,
        typer.Option("--from", help="Our number; without it, the only one that can call out."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Call NUMBER; the server that runs on this data directory places the call within a second."""

    async def work(unit: Unit) -> tuple[str, str]:
        from cordboard.control.calls.create import add

        body: Json = {
            "from_number": from_number or await _only_number(unit),
            "to_number": number,
            "agent": await agent_id(unit, agent),
        }
        row = await add(unit, body)
        return row.id, row.to_number

    call_id, dialled = in_transaction(data_dir, work)
    typer.echo(f"{dialled} is called: cordboard calls show {call_id}")


async def _only_number(unit: Unit) -> str:
    from cordboard.control.errors import BadRequest
    from cordboard.control.numbers.queries import all_numbers
    from cordboard.control.sip_trunks.queries import all_trunks

    reachable = {trunk.id for trunk in await all_trunks(unit) if trunk.fields.get("target")}
    able = [row for row in await all_numbers(unit) if row.active and row.trunk_id in reachable]
    if not able:
        raise BadRequest("There is no number that can call out: give its trunk a target")
    if len(able) > 1:
        raise BadRequest("Several numbers can call out: name one with --from")
    return able[0].number
