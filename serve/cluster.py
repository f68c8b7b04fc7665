"""`sfc deploy` and `sfc undeploy`: the application on a Ray cluster that runs already, which other commands started."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
from sfc.cli.inputs import AwsEndpointOption, AwsRegionOption, MapFilesOption, aws_settings, map_roots
from sfc.cli.output import Failed, say

if TYPE_CHECKING:
    from serve.settings import Settings

AddressOption = Annotated[
    str, typer.Option(envvar="RAY_ADDRESS", help="HOST:PORT of the cluster's head; auto: the one this machine is in.")
]
TimeoutOption = Annotated[float, typer.Option(min=1, help="Seconds after which it has failed.")]


def deploy(
    port: PortOption = 8000,
    host: HostOption = "127.0.0.1",
    data: DataOption = DEFAULT_DATA,
    lambda_endpoint: LambdaOption = None,
    aws_endpoint: AwsEndpointOption = None,
    aws_region: AwsRegionOption = None,
    map_files: MapFilesOption = None,
    handlers: HandlersOption = None,
    workers: WorkersOption = 2,
    headroom_cpus: Annotated[
        float, typer.Option(min=0, help="CPUs that pools may ask for beyond what the cluster has: more nodes for them.")
    ] = 0.0,
    kafka: KafkaOption = None,
    kafka_property: KafkaPropertyOption = None,
    kafka_prefix: KafkaPrefixOption = "sfc",
    kafka_topic: KafkaTopicOption = None,
    schema_registry: SchemaRegistryOption = None,
    blueprints: BlueprintsOption = None,
    address: AddressOption = "auto",
    timeout_s: TimeoutOption = 300.0,
) -> None:
    """Run the server on a Ray cluster, on its head; returns when it takes requests. Again: with these settings."""
    from serve.settings import Settings

    aws_settings(aws_endpoint, aws_region)  # tells now what is wrong with it
    settings = Settings(
        data=str(data.absolute()),
        host=host,
        port=port,
        lambda_endpoint=lambda_endpoint,
        aws_endpoints=tuple(aws_endpoint or ()),
        aws_region=aws_region,
        map_files=map_roots(map_files),
        handlers=handler_modules(handlers),
        workers=workers,
        headroom_cpus=headroom_cpus,
        kafka=kafka_settings(kafka, kafka_property, kafka_prefix, schema_registry, kafka_topic),
        blueprints=blueprints_directory(blueprints),
    )
    warn_if_open(host, port)
    settings.directory.mkdir(parents=True, exist_ok=True)
    _on_cluster("deploy", settings, address, timeout_s)
    say(f"ready at {settings.url} on the cluster's head")


def undeploy(data: DataOption = DEFAULT_DATA, address: AddressOption = "auto", timeout_s: TimeoutOption = 90.0) -> None:
    """End the server on a Ray cluster; jobs that run finish first. Nodes and workers stay, executions wait."""
    from serve.settings import Settings

    _on_cluster("undeploy", Settings(data=str(data.absolute())), address, timeout_s)


def _on_cluster(verb: str, settings: "Settings", address: str, timeout_s: float) -> None:
    """Has `serve.deploy` do it, whose output is kept beside the data. Raises Failed."""
    import json
    import os
    import subprocess
    import sys

    from serve.platform.up import last_line

    log: Path = settings.directory / "deploy.log"
    command = [sys.executable, "-m", "serve.deploy", verb, json.dumps(settings.to_json())]
    environment = {**os.environ, "SFC_RAY_ADDRESS": address}
    try:
        with log.open("wb") as output:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, timeout=timeout_s,
                check=False,
            )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Failed(f"{verb} has taken longer than {timeout_s:.0f} s; see {log}: {last_line(log)}") from None
    except OSError as error:
        raise Failed(f"cannot write {log}: {error.strerror}") from None
    if done.returncode != 0:
        raise Failed(f"{verb} failed (see {log}): {last_line(log)}")
