"""``cordboard deliveries``: events on their way to webhooks, and sending them once more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cordboard.cli.call_lines import printable
from cordboard.cli.installation import DataDir, in_transaction, table

if TYPE_CHECKING:
    from cordboard.control.unit import Unit

app = typer.Typer(help="Events on their way to webhooks.", no_args_is_help=True)


@app.command("list")
def list_deliveries(
    state: Annotated[str | None, typer.Option(help="waiting, delivered or failed.")] = None,
    count: Annotated[int, typer.Option(min=1, max=100, help="How many to show.")] = 20,
    data_dir: DataDir = None,
) -> None:
    """List deliveries, the newest first."""

    async def work(unit: Unit) -> list[dict[str, Any]]:
        from cordboard.control.deliveries.service import listed
        from cordboard.control.requests import PageQuery

        page = await listed(unit, PageQuery(1, count, None, sort_desc=False), _state(state), None)
        items: list[dict[str, Any]] = page["items"]
        return items

    columns = ("id", "created_at", "type", "state", "attempts_count", "due_at", "url")
    found = in_transaction(data_dir, work)
    rows = [tuple(printable(str(each[name] or "")) for name in columns) for each in found]
    table([columns, *rows])


@app.command("show")
def show(
    delivery_id: Annotated[str, typer.Argument(help="The delivery's id.")],
    data_dir: DataDir = None,
) -> None:
    """Show a delivery, its body and every attempt."""

    async def work(unit: Unit) -> dict[str, Any]:
        from cordboard.control.deliveries.service import whole

        return await whole(unit, delivery_id)

    found = in_transaction(data_dir, work)
    attempts = found.pop("attempts")
    for name, value in found.items():
        typer.echo(f"{name:<14} {printable(str(value))}")
    columns = ("number", "at", "duration_ms", "status", "failure", "answer")
    rows = [tuple(printable(str(each[name] or "")) for name in columns) for each in attempts]
    table([columns, *rows])


@app.command("health")
def health(
    count: Annotated[int, typer.Option(min=1, max=100, help="How many to show.")] = 20,
    data_dir: DataDir = None,
) -> None:
    """Show how webhooks fare: working, failing, disabled, and how much waits for them."""

    async def work(unit: Unit) -> list[dict[str, Any]]:
        from cordboard.control.deliveries.service import healths
        from cordboard.control.requests import PageQuery

        page = await healths(unit, PageQuery(1, count, None, sort_desc=False))
        items: list[dict[str, Any]] = page["items"]
        return items

    counts = ("waiting_count", "delivered_count", "failed_count")
    columns = ("id", "state", "failing_since", "disabled_why", *counts, "url")
    found = in_transaction(data_dir, work)
    rows = [tuple(printable(str(each[name] or "")) for name in columns) for each in found]
    table([columns, *rows])


@app.command("replay")
def replay(
    delivery_id: Annotated[str | None, typer.Argument(help="One delivery's id.")] = None,
    since: Annotated[datetime | None, typer.Option(help="All failed ones since (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="… and until (UTC).")] = None,
    data_dir: DataDir = None,
) -> None:
    """Send one delivery once more, or all that failed in a range of time."""
    asked = {
        "id": delivery_id,
        "since": since.replace(tzinfo=UTC).isoformat() if since else None,
        "until": until.replace(tzinfo=UTC).isoformat() if until else None,
    }

    async def work(unit: Unit) -> int:
        from cordboard.control.deliveries.schemas import Replay
        from cordboard.control.deliveries.service import replayed
        from cordboard.control.fields import validated

        done = await replayed(unit, validated(Replay, asked, ()))
        return int(done["count"])

    typer.echo(f"{in_transaction(data_dir, work)} will be sent once more")


def _state(text: str | None) -> Any:
    if text not in (None, "waiting", "delivered", "failed"):
        raise typer.BadParameter("must be waiting, delivered or failed", param_hint="--state")
    return text
