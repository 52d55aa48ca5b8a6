"""``cordboard templates``: texts that prompts are made from, and what they need of a call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cordboard.cli.call_lines import printable
from cordboard.cli.installation import DataDir, in_transaction, table

if TYPE_CHECKING:
    from cordboard.control.fields import Json
    from cordboard.control.unit import Unit

app = typer.Typer(help="Prompt templates.", no_args_is_help=True)

TemplateId = Annotated[str, typer.Argument(help="The template's id.")]
Content = Annotated[
    Path | None, typer.Option(help="File with the text; `${name}` stands for a value.")
]
Required = Annotated[
    list[str] | None, typer.Option(help="A name that every call must give; may be repeated.")
]


@app.command("add")
def add(
    label: Annotated[str, typer.Argument(help="What to call the template.")],
    content: Content = None,
    require: Required = None,
    data_dir: DataDir = None,
) -> None:
    """Add a template and print its id."""
    body: Json = {
        "label": label,
        "content": _text(content) or "",
        "required_context_keys": require or [],
    }

    async def work(unit: Unit) -> str:
        from cordboard.control.prompt_templates.service import PROMPT_TEMPLATES

        return str((await PROMPT_TEMPLATES.create(unit, body))["id"])

    typer.echo(in_transaction(data_dir, work))


@app.command("list")
def list_templates(data_dir: DataDir = None) -> None:
    """List all templates."""

    async def work(unit: Unit) -> list[tuple[str, ...]]:
        from cordboard.control.prompt_templates.queries import all_templates

        return [
            (row.id, row.fields["label"], ",".join(row.fields["required_context_keys"]))
            for row in await all_templates(unit)
        ]

    rows = [tuple(map(printable, row)) for row in in_transaction(data_dir, work)]
    table([("id", "label", "requires"), *rows])


@app.command("show")
def show(template_id: TemplateId, data_dir: DataDir = None) -> None:
    """Print a template's text."""

    async def work(unit: Unit) -> str:
        from cordboard.control.prompt_templates.service import PROMPT_TEMPLATES

        return str((await PROMPT_TEMPLATES.get(unit, template_id))["content"])

    for line in in_transaction(data_dir, work).splitlines():
        # Whole, as it may be long, but nothing that steers the terminal.
        typer.echo("".join(char if char.isprintable() else " " for char in line))


@app.command("update")
def update(
    template_id: TemplateId,
    label: Annotated[str | None, typer.Option(help="Another label.")] = None,
    content: Content = None,
    require: Required = None,
    data_dir: DataDir = None,
) -> None:
    """Change a template; calls from now on go by it."""
    asked = {"label": label, "content": _text(content), "required_context_keys": require}
    body: Json = {name: value for name, value in asked.items() if value is not None}

    async def work(unit: Unit) -> None:
        from cordboard.control.prompt_templates.service import PROMPT_TEMPLATES

        await PROMPT_TEMPLATES.update(unit, template_id, body)

    in_transaction(data_dir, work)


@app.command("delete")
def delete(template_id: TemplateId, data_dir: DataDir = None) -> None:
    """Delete a template that no prompt is made from."""

    async def work(unit: Unit) -> None:
        from cordboard.control.prompt_templates.service import PROMPT_TEMPLATES

        await PROMPT_TEMPLATES.delete(unit, template_id)

    in_transaction(data_dir, work)


def _text(path: Path | None) -> str | None:
    """Return a file's text, without the line end that editors add."""
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as problem:
        raise typer.BadParameter(f"{path}: {problem}", param_hint="--content") from None
