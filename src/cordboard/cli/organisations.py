"""``cordboard organizations``: make tenants, and say what each may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cordboard.cli.installation import DataDir, in_transaction, table

if TYPE_CHECKING:
    from cordboard.control.unit import Unit

app = typer.Typer(help="Organizations: the tenants of this server.", no_args_is_help=True)

_LIFTED = "none"

Limit = Annotated[str | None, typer.Option(help="At most so many; `none` lifts the quota.")]


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    calls: Limit = None,
    calls_per_day: Limit = None,
    requests_per_minute: Limit = None,
    data_dir: DataDir = None,
) -> None:
    """Make an organization, and print its id and its first owner's key: it is shown this once."""
    quotas = _quotas(calls, calls_per_day, requests_per_minute)

    async def work(unit: Unit) -> dict[str, object]:
        from cordboard.control.organisations import service

        return await service.create(unit, {"name": name, "quotas": quotas})

    made = in_transaction(data_dir, work)
    typer.echo(f"{made['id']}\n{made['key']}")


@app.command("update")
def update(
    organisation: Annotated[str, typer.Argument(help="Its id or name.")],
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    calls: Limit = None,
    calls_per_day: Limit = None,
    requests_per_minute: Limit = None,
    data_dir: DataDir = None,
) -> None:
    """Change an organization's name and quotas; a running server goes by them from then on."""
    quotas = _quotas(calls, calls_per_day, requests_per_minute)

    async def work(unit: Unit) -> None:
        from cordboard.control.organisations import service

        body = {"quotas": quotas} | ({} if name is None else {"name": name})
        await service.update(unit, unit.organisation_id, body)

    in_transaction(data_dir, work, organisation)


@app.command("list")
def list_organisations(data_dir: DataDir = None) -> None:
    """List all organizations with their quotas."""

    async def work(unit: Unit) -> list[dict[str, object]]:
        from cordboard.control.organisations import service

        items: list[dict[str, object]] = (await service.list_all(unit))["items"]
        return [{**item, **item["quotas"]} for item in items if isinstance(item["quotas"], dict)]

    from cordboard.control.organisations.service import QUOTAS

    columns = ("id", "name", *QUOTAS)
    rows = [
        tuple("" if row[name] is None else str(row[name]) for name in columns)
        for row in in_transaction(data_dir, work)
    ]
    table([columns, *rows])


def _quotas(
    calls: str | None, calls_per_day: str | None, requests_per_minute: str | None
) -> dict[str, str | None]:
    given = {
        "calls_max_count": calls,
        "calls_per_day_max_count": calls_per_day,
        "requests_per_minute_max_count": requests_per_minute,
    }
    return {
        name: None if text == _LIFTED else text for name, text in given.items() if text is not None
    }
