"""The engine and its HTTP server in one process, with or without Ray around them."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from serve.app import build_app
from serve.ingress import Ingress, bind_patiently
from serve.pools import Pools
from serve.settings import Settings
from serve.sfn.sdk import sdk_of
from sfc.bridge.bridge import Bridge
from sfc.bridge.kafka import KafkaBridge
from sfc.bridge.source import ReaderPool
from sfc.engine.engine import Engine
from sfc.engine.kafka_tasks import Kafka
from sfc.errors import InvalidDefinition, NotFound

log = logging.getLogger(__name__)

_ROLE = "arn:aws:iam::123456789012:role/sfc"


@asynccontextmanager
async def hosting(
    engine: Engine, settings: Settings, patience_s: float, readers: ReaderPool, pools: Pools | None = None
) -> AsyncIterator[Ingress]:
    """A running server over a running engine: requests are taken once the engine is open, and no more before it closes.
    `readers` read topics, if there is a Kafka.

    A killed predecessor may still hold the port for a moment: it is tried for `patience_s` seconds.
    """
    engine.serve_api(sdk_of(engine))
    kafka = None if settings.kafka is None else Kafka.of(settings.kafka)
    if kafka is not None:
        engine.use_kafka(kafka)
    if pools is not None:
        await pools.open()  # first: jobs that go on when the engine opens must find their own workers
    try:
        await engine.open()
        try:
            await load_blueprints(engine, settings.blueprints)
            listener = await bind_patiently(settings.host, settings.port, patience_s)
            bridge = Bridge(engine, _bridge(engine, settings, readers, kafka))
            ingress = Ingress(build_app(engine, pools, bridge), listener)
            await ingress.start()
            try:
                await bridge.open()
                yield ingress
            finally:
                await bridge.close()
                engine.close_polls()
                await ingress.stop()
        finally:
            await engine.close()
    finally:
        if kafka is not None:
            await kafka.outbox.close()
        if pools is not None:
            await pools.close()


def _bridge(engine: Engine, settings: Settings, readers: ReaderPool, kafka: Kafka | None) -> KafkaBridge | None:
    if settings.kafka is None or kafka is None:
        return None
    return KafkaBridge(engine, settings.kafka, readers, kafka.outbox)


async def load_blueprints(engine: Engine, directory: str | None) -> None:
    """Creates or updates a blueprint for each `*.asl.json` file; a broken one is logged and left out."""
    for path in _definitions(directory):
        try:
            await _put(engine, path.name.removesuffix(".asl.json"), path.read_text(encoding="utf-8"))
        except InvalidDefinition as error:
            log.error("%s is left out: %s", path, error.message)


def _definitions(directory: str | None) -> list[Path]:
    return [] if directory is None else sorted(Path(directory).glob("*.asl.json"))


async def _put(engine: Engine, name: str, definition: str) -> None:
    try:
        if (await engine.blueprints.get(name)).definition != definition:
            await engine.blueprints.update(name, definition=definition)
    except NotFound:
        await engine.blueprints.create(name, definition, kind="STANDARD", role_arn=_ROLE, settings={})
