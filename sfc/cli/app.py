"""The tree of commands. Other packages' join by the entry point group `sfc.commands` when they may be meant."""

import sys

import typer

from sfc.cli import (
    blueprints,
    check,
    dead_letters,
    executions,
    pauses,
    pools,
    run,
    start,
    task_metas,
    tasks,
    testing,
    teststate,
    top,
    triggers,
)
from sfc.cli.output import Failed
from sfc.errors import SfcError

app = typer.Typer(
    name="sfc",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Durable flows in Amazon States Language.",
)
app.command("run")(run.run)
app.command("validate")(check.validate)
app.command("test")(testing.run_cases)
app.command("test-state")(teststate.try_state)
app.command("start")(start.start)
app.add_typer(executions.app, name="executions")
app.add_typer(blueprints.app, name="blueprints")
pauses.add_commands(blueprints.app, "blueprint")
app.add_typer(pauses.app, name="groups")
app.add_typer(tasks.app, name="task")
tasks.app.command("list")(task_metas.list_tasks)
tasks.app.command("show")(task_metas.show)
tasks.app.command("deploy")(task_metas.deploy)
tasks.app.command("delete")(task_metas.delete)
app.add_typer(triggers.app, name="trigger")
app.add_typer(dead_letters.kafka, name="kafka")
app.add_typer(pools.app, name="pool")
app.command("top")(top.top)

_OWN = (
    "run", "validate", "test", "test-state", "start", "executions", "blueprints", "groups", "task", "trigger", "kafka",
    "pool", "top",
)  # fmt: skip


def main() -> None:
    """Entry of the script. Errors are one line on stderr; exit codes: 1 it failed, 2 it was called wrongly."""
    if sys.argv[1:2] and sys.argv[1] not in _OWN:
        _join()
    try:
        app()
    except (SfcError, Failed) as error:
        sys.exit(f"sfc: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)


def _join() -> None:
    from importlib.metadata import entry_points

    for entry in entry_points(group="sfc.commands"):
        app.add_typer(entry.load())
