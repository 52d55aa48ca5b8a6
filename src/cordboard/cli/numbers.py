"""``cordboard numbers``: telephone numbers, the trunks they come through, and who answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cordboard.cli.installation import DataDir, in_transaction, table
from cordboard.cli.named import agent_id, flow_id, trunk_id

if TYPE_CHECKING:
    from cordboard.control.fields import Json
    from cordboard.control.unit import Unit

app = typer.Typer(help="Telephone numbers.", no_args_is_help=True)


@app.command("add")
def add(
    number: Annotated[str, typer.Argument(help="A telephone number, or a SIP user part.")],
    trunk: Annotated[str, typer.Option(help="The trunk's name or id.")],
    agent: Annotated[
        str | None, typer.Option(help="The agent's name or id; without it, a default agent.")
    ] = None,
    flow: Annotated[
        str | None, typer.Option(help="The flow's name or id, in place of an agent.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Have an agent, or a flow, answer a number that is reached through a trunk."""

    async def work(unit: Unit) -> Json:
        from cordboard.control.numbers.service import link

        body: Json = {
            "phone_number": number,
            "telephony_account_connection": await trunk_id(unit, trunk),
        }
        if agent is not None:
            body["inbound_agent"] = await agent_id(unit, agent)
        if flow is not None:
            body["inbound_flow"] = await flow_id(unit, flow)
        return await link(unit, body, None)

    added = in_transaction(data_dir, work)
    who = f"flow {added['inbound_flow']}" if flow is not None else f"agent {added['agent_id']}"
    typer.echo(f"{added['number']} is answered by {who}")


@app.command("list")
def list_numbers(data_dir: DataDir = None) -> None:
    """List all numbers."""

    async def work(unit: Unit) -> list[tuple[str, ...]]:
        from cordboard.control.numbers.queries import all_numbers

        return [
            (
                *(row.number, row.label, "yes" if row.active else "no"),
                *(row.trunk_id or "", row.inbound_agent_id or "", row.inbound_flow_id or ""),
            )
            for row in await all_numbers(unit)
        ]

    table(
        [("number", "label", "active", "trunk", "agent", "flow"), *in_transaction(data_dir, work)]
    )
