"""Commands that need the server's package: `sfc up`, `sfc down`, `sfc status`, `sfc deploy`, `sfc undeploy`."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serve.cluster import deploy, undeploy
from serve.kafka_options import (
    KafkaOption,
    KafkaPrefixOption,
    KafkaPropertyOption,
    KafkaTopicOption,
    SchemaRegistryOption,
    kafka_settings,
)
from serve.options import (
    DEFAULT_DATA,
    BlueprintsOption,
    DataOption,
    HandlersOption,
    HostOption,
    LambdaOption,
    PortOption,
    WorkersOption,
    blueprints_directory,
    handler_modules,
    warn_if_open,
)
from sfc.cli.inputs import AwsEndpointOption, AwsRegionOption, MapFilesOption, aws_settings, map_roots, read_text
from sfc.cli.output import Failed, JsonOption, print_facts, print_json, say

if TYPE_CHECKING:
    from serve.settings import Settings

app = typer.Typer(rich_markup_mode=None)

_DOWN_S = 90.0

app.command()(deploy)
app.command()(undeploy)


@app.command()
def up(
    port: PortOption = 8000,
    host: HostOption = "127.0.0.1",
    data: DataOption = DEFAULT_DATA,
    store: Annotated[str | None, typer.Option(help="URL of a database instead of SQLite in --data.")] = None,
    lambda_endpoint: LambdaOption = None,
    aws_endpoint: AwsEndpointOption = None,
    aws_region: AwsRegionOption = None,
    map_files: MapFilesOption = None,
    handlers: HandlersOption = None,
    workers: WorkersOption = 2,
    blueprints: BlueprintsOption = None,
    mocks: Annotated[
        Path | None, typer.Option(help="Mock configuration file: `stateMachineArn#Case` starts a test case of it.")
    ] = None,
    kafka: KafkaOption = None,
    kafka_property: KafkaPropertyOption = None,
    kafka_prefix: KafkaPrefixOption = "sfc",
    kafka_topic: KafkaTopicOption = None,
    schema_registry: SchemaRegistryOption = None,
    no_ray: Annotated[bool, typer.Option("--no-ray", help="Engine and handlers in this one process.")] = False,
) -> None:
    """Run the server; stays in the foreground until Ctrl-C, SIGTERM or `sfc down`."""
    from serve.settings import Settings

    if store is not None and not store.startswith("sqlite:////"):
        raise typer.BadParameter("only sqlite:////ABSOLUTE/PATH is supported", param_hint="--store")
    aws_settings(aws_endpoint, aws_region)  # tells now what is wrong with it
    settings = Settings(
        data=str(data.absolute()),
        host=host,
        port=port,
        store=store,
        lambda_endpoint=lambda_endpoint,
        aws_endpoints=tuple(aws_endpoint or ()),
        aws_region=aws_region,
        map_files=map_roots(map_files),
        handlers=handler_modules(handlers),
        workers=workers,
        mocks=None if mocks is None else str(_checked_mocks(mocks).absolute()),
        kafka=kafka_settings(kafka, kafka_property, kafka_prefix, schema_registry, kafka_topic),
        blueprints=blueprints_directory(blueprints),
    )
    warn_if_open(host, port)
    _run(settings, no_ray=no_ray)


def _checked_mocks(path: Path) -> Path:
    """The file, when the engine will be able to read it. Raises InvalidMocks."""
    from sfc.tasks.mocks import read_mocks

    read_mocks(read_text(path))
    return path


def _run(settings: "Settings", *, no_ray: bool) -> None:
    from serve.platform.up import Supervisor, claim

    began = time.monotonic()
    with _progress() as tell:

        def report(text: str) -> None:
            tell(f"{time.monotonic() - began:5.1f} s  {text}")

        try:
            claim(settings, report)
        except OSError as error:
            raise Failed(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from None
        if no_ray:
            from serve.local import run_local

            run_local(settings, report)
        else:
            Supervisor(settings, report).run()
    say("stopped")


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Takes lines for stderr; on a terminal the last one spins until the next comes, or until all is ready."""
    if not sys.stderr.isatty():
        yield say
        return
    from rich.console import Console

    console = Console(stderr=True, highlight=False, markup=False)
    with console.status("") as spinner:

        def tell(text: str) -> None:
            console.print(text)
            if "ready at" in text:
                spinner.stop()
            else:
                spinner.update(text)
                spinner.start()

        yield tell


@app.command()
def down(data: DataOption = DEFAULT_DATA) -> None:
    """End the `sfc up` that works on this data, and nothing else."""
    from serve.platform.state import is_locked, read_state

    state = read_state(data.absolute())
    process = state.up.find() if state else None
    if process is None or not is_locked(data.absolute()):
        raise Failed(f"no `sfc up` runs on {data}")
    os.kill(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + _DOWN_S
    while is_locked(data.absolute()):
        if time.monotonic() > deadline:
            raise Failed(f"`sfc up` (pid {process.pid}) has not ended within {_DOWN_S:.0f} s")
        time.sleep(0.1)


@app.command()
def status(data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Whether `sfc up` runs on this data, and how it fares."""
    from serve.platform.state import is_locked, read_state

    state = read_state(data.absolute())
    if state is None or not is_locked(data.absolute()):
        raise Failed(f"no `sfc up` runs on {data}")
    facts: dict[str, object] = {"url": state.url, "pid": state.up.pid, "ray": state.ray_address, **_health(state.url)}
    if as_json:
        print_json(facts)
    else:
        print_facts(facts)


def _health(url: str) -> dict[str, object]:
    from sfc.cli.client import Client

    try:
        return {**Client(url).call("GET", "/health"), **Client(url).call("GET", "/api/stats")}
    except Failed as error:
        return {"status": str(error)}
