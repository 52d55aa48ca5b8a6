"""All commands, put together. A command's modules are imported when it runs."""

from __future__ import annotations

import typer

from cordboard.cli import (
    call,
    calls,
    database,
    deliveries,
    doctor,
    flow,
    flows,
    keys,
    numbers,
    organisations,
    run,
    serve,
    softphone,
    templates,
    trunks,
)

app = typer.Typer(
    name="cordboard",
    help="Gives phone numbers a voice agent.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("serve")(serve.serve)
app.command("doctor")(doctor.doctor)
app.command("call")(call.call)
app.command("run")(run.run)
app.command("softphone")(softphone.softphone)
app.add_typer(numbers.app, name="numbers")
app.add_typer(trunks.app, name="trunks")
app.add_typer(templates.app, name="templates")
app.add_typer(flow.app, name="flow")
app.add_typer(flows.app, name="flows")
app.add_typer(keys.app, name="keys")
app.add_typer(organisations.app, name="organizations")
app.add_typer(calls.app, name="calls")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(database.app, name="database")
