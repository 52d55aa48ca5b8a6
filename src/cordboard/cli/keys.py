"""``cordboard keys``: make, list and revoke API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cordboard.cli.installation import DataDir, ForOrganisation, in_transaction, key_making, table

if TYPE_CHECKING:
    from cordboard.control.unit import Unit

app = typer.Typer(help="API keys.", no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")] = "",
    role: Annotated[
        str, typer.Option(help="owner, developer, viewer, or operator of all organizations.")
    ] = "developer",
    scope: Annotated[
        list[str] | None,
        typer.Option(help="All it may reach, such as calls:read; once for each. Default: all."),
    ] = None,
    organisation: ForOrganisation = None,
    data_dir: DataDir = None,
) -> None:
    """Make a key and print it: it is shown this once."""

    async def work(unit: Unit) -> str:
        from cordboard.control.keys.service import check_role
        from cordboard.control.scopes import parse_scopes

        checked = check_role(role)
        scopes = parse_scopes(scope, ("body", "scope"))
        making = key_making(unit.services)
        return making.add(unit.session, unit.organisation_id, name, checked, scopes)

    typer.echo(in_transaction(data_dir, work, organisation))


@app.command("list")
def list_keys(organisation: ForOrganisation = None, data_dir: DataDir = None) -> None:
    """List all keys, the revoked ones included."""

    async def work(unit: Unit) -> list[dict[str, object]]:
        from cordboard.control.keys.queries import keys_of
        from cordboard.control.keys.service import shown

        return [shown(row) for row in await keys_of(unit.session, unit.organisation_id)]

    columns = ("id", "prefix", "role", "name", "scopes", "last_used_at", "revoked_at")
    keys = in_transaction(data_dir, work, organisation)
    rows = [tuple(_cell(key[name]) for name in columns) for key in keys]
    table([columns, *rows])


@app.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.")],
    organisation: ForOrganisation = None,
    data_dir: DataDir = None,
) -> None:
    """Take a key out of force; a running server refuses it from then on."""

    async def work(unit: Unit) -> None:
        from cordboard.control.keys.service import revoke

        await revoke(unit.session, unit.organisation_id, key_id, unit.services.clock.wall())

    in_transaction(data_dir, work, organisation)
    typer.echo(f"Revoked {key_id}")


def _cell(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value or "")
