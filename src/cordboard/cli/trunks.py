"""``cordboard trunks``: SIP peers that calls come from and go to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cordboard.cli.installation import DataDir, in_transaction, table

if TYPE_CHECKING:
    from cordboard.control.fields import Json
    from cordboard.control.unit import Unit

app = typer.Typer(help="SIP trunks.", no_args_is_help=True)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="A name to call the trunk by.")],
    network: Annotated[
        list[str] | None, typer.Option(help="Where calls may come from (CIDR); may be repeated.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Digest user that may call us.")] = None,
    password: Annotated[str | None, typer.Option(help="The digest user's password.")] = None,
    digest: Annotated[
        str, typer.Option(help="sha-256, or md5 for telephones that know no better.")
    ] = "sha-256",
    target: Annotated[str | None, typer.Option(help="SIP URI that our calls go to.")] = None,
    dial_prefix: Annotated[
        list[str] | None,
        typer.Option(help="How numbers begin that may be dialled; may be repeated."),
    ] = None,
    allow_any: Annotated[
        bool, typer.Option("--allow-any", help="Let any number be dialled: for a test bench.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Add a trunk and print its id."""
    body: Json = {
        "name": name,
        "networks": network or [],
        "user": user,
        "password": password,
        "digest": digest,
        "target": target,
        "dial_prefixes": dial_prefix or [],
        "allow_any": allow_any,
    }

    async def work(unit: Unit) -> str:
        from cordboard.control.sip_trunks.service import SIP_TRUNKS

        made = await SIP_TRUNKS.create(unit, body)
        return str(made["id"])

    typer.echo(in_transaction(data_dir, work))


@app.command("list")
def list_trunks(data_dir: DataDir = None) -> None:
    """List all trunks; passwords are masked."""

    async def work(unit: Unit) -> list[Json]:
        from cordboard.control.sip_trunks.queries import all_trunks
        from cordboard.control.sip_trunks.service import show

        return [show(row) for row in await all_trunks(unit)]

    rows = [
        (
            trunk["id"],
            trunk["name"],
            ",".join(trunk["networks"]),
            trunk["user"] or "",
            trunk["target"] or "",
        )
        for trunk in in_transaction(data_dir, work)
    ]
    table([("id", "name", "networks", "user", "target"), *rows])
