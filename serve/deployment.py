"""The engine as a Ray Serve deployment.

Serve gives the process a place, watches its health and starts it again after a death. It carries no request: the
replica runs its own HTTP server (`serve.ingress`), and Serve's proxies are off.
"""

import asyncio
import gc
import importlib
import logging
import threading
from typing import Any

import ray
import uvloop
from ray import serve as ray_serve

from actors.kafka import ReaderActors
from serve.assembly import ray_engine
from serve.host import hosting
from serve.settings import Settings

log = logging.getLogger(__name__)

_PATIENCE_S = 30.0
_DRAIN_S = 30.0


class EngineDeployment:
    """One engine with its HTTP server, on an event loop (uvloop) and thread of their own.

    Serve's own loop for user code answers some 6 % fewer requests (`bench/ingress.py`), at higher latencies.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        """Returns when requests are taken; raises what kept the engine from starting."""
        _keep_to_loopback()
        self._settings = Settings.from_json(settings)
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._main())
        except BaseException as error:  # noqa: BLE001 (handed to whoever waits for the start or asks for the health)
            self._failure = error
        finally:
            self._started.set()

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        engine, pools = ray_engine(self._settings)
        async with hosting(engine, self._settings, _PATIENCE_S, ReaderActors(), pools) as ingress:
            _spare_the_collector()
            self._started.set()
            stopped = asyncio.create_task(self._stop.wait())
            await asyncio.wait({stopped, ingress.task}, return_when=asyncio.FIRST_COMPLETED)

    def check_health(self) -> None:
        """Serve asks once a second; an exception makes it replace the replica."""
        if not self._thread.is_alive():
            raise RuntimeError(f"the engine ended: {self._failure!r}")

    def __del__(self) -> None:
        """Serve calls this at a graceful end: requests under way are answered, then the engine closes."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_DRAIN_S)


def _spare_the_collector() -> None:
    """What stands when the engine is open lives as long as the process, and thousands of executions are born and die by
    reference counts alone: without this the collector walks them all, again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def application(settings: Settings) -> Any:
    """What `ray.serve.run` takes."""
    deployment: Any = ray_serve.deployment(
        name="engine",
        num_replicas=1,
        max_ongoing_requests=10_000,
        health_check_period_s=1,
        health_check_timeout_s=10,
        graceful_shutdown_timeout_s=_DRAIN_S,
        graceful_shutdown_wait_loop_s=0.2,
        # The data are on the head's disk, so the engine stays there; workers may be anywhere.
        ray_actor_options={"num_cpus": 0.5, "resources": {"node:__internal_head__": 0.001}},
    )(EngineDeployment)
    return deployment.bind(settings.to_json())


def _keep_to_loopback() -> None:
    """Where Ray keeps to loopback, so shall this replica.

    Serve has each replica listen on all interfaces for calls between deployments, once its constructor is done, and has
    no setting for that.
    """
    node: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    if node != "127.0.0.1":
        return
    replica: Any = importlib.import_module("ray.serve._private.replica")
    bind = replica.add_port_to_grpc_server
    replica.add_port_to_grpc_server = lambda server, address: bind(server, address.replace("[::]", "127.0.0.1"))
