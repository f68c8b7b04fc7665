"""Which HTTP server should stand before the engine: one trivial route, several ways, in one run.

usage: python -m bench.ingress [--seconds 4] [--clients 32]

Prints JSON: requests a second and latencies (ms) of the same FastAPI route behind uvicorn inside the replica, on an
event loop and thread of its own (the yardstick) and on Serve's loop for user code, behind Serve's Python proxy and
behind Serve's HAProxy mode, with ratios to the yardstick. Client and servers share the machine.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from typing import Any

from bench._http import Connection

BODY = b'{"orderId":"o-1","amount":42}'


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


async def load(port: int, clients: int, seconds: float) -> dict[str, float]:
    """Closed loop of keep-alive clients; the first half second warms up."""
    latencies: list[float] = []
    begin = time.perf_counter()
    first, last = begin + 0.5, begin + 0.5 + seconds

    async def client() -> None:
        async with Connection(port) as connection:
            while (start := time.perf_counter()) < last:
                await connection.post("/echo", BODY)
                end = time.perf_counter()
                if first <= end <= last:
                    latencies.append(end - start)

    await asyncio.gather(*(client() for _ in range(clients)))
    latencies.sort()
    return {
        "per_s": round(len(latencies) / seconds, 1),
        "p50_ms": round(latencies[len(latencies) // 2] * 1000, 2),
        "p99_ms": round(latencies[len(latencies) * 99 // 100] * 1000, 2),
    }


def serve_application(port: int, loop_port: int, thread_port: int) -> None:
    """Runs in a process of its own until stdin closes: Serve with its proxy, and two servers inside the replica."""
    import threading

    import ray
    import uvloop
    from fastapi import FastAPI, Request
    from ray import serve as ray_serve

    from serve.ingress import Ingress, bind

    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    app = FastAPI()

    @app.post("/echo")
    async def echo(request: Request) -> Any:
        return await request.json()

    async def run_in_thread() -> None:
        ingress = Ingress(app, bind("127.0.0.1", thread_port))
        await ingress.start()
        await ingress.task

    @ray_serve.deployment(max_ongoing_requests=1000, logging_config={"enable_access_log": False})
    @ray_serve.ingress(app)
    class Echo:
        async def __init__(self) -> None:
            self.ingress = Ingress(app, bind("127.0.0.1", loop_port))
            await self.ingress.start()
            threading.Thread(target=uvloop.run, args=(run_in_thread(),), daemon=True).start()

    quiet = {"enable_access_log": False}
    ray_serve.start(http_options={"host": "127.0.0.1", "port": port}, logging_config=quiet)
    ray_serve.run(Echo.bind(), name="echo")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    ray_serve.shutdown()
    ray.shutdown()


def measure(haproxy: bool, clients: int, seconds: float) -> dict[str, dict[str, float]]:
    """Every way that one Serve instance offers."""
    ports = [free_port() for _ in range(3)]
    command = [sys.executable, "-m", "bench.ingress", "--serve", *map(str, ports)]
    environment = {**os.environ, "RAY_SERVE_ENABLE_HA_PROXY": str(int(haproxy)), "RAY_USAGE_STATS_ENABLED": "0"}
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        if not any(line == b"ready\n" for line in child.stdout):
            raise RuntimeError("Serve did not start")
        time.sleep(3)  # HAProxy learns of the replica a moment after Serve says that it is ready
        names = (
            ["Serve's HAProxy mode"]
            if haproxy
            else ["Serve's Python proxy", "replica, Serve's loop", "replica, own loop"]
        )
        return {name: asyncio.run(load(port, clients, seconds)) for name, port in zip(names, ports, strict=False)}
    finally:
        child.stdin.close()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()


def main(clients: int = 32, seconds: float = 4.0) -> dict[str, Any]:
    """All ways, with their ratios to the yardstick."""
    results: dict[str, dict[str, Any]] = {}
    for haproxy in (False, True):
        try:
            results |= measure(haproxy, clients, seconds)
        except (RuntimeError, OSError, asyncio.IncompleteReadError) as error:
            results["Serve's HAProxy mode" if haproxy else "Serve"] = {"failed": str(error) or type(error).__name__}
    yardstick = results.get("replica, own loop", {}).get("per_s")
    for result in results.values():
        if yardstick and "per_s" in result:
            result["of_yardstick"] = round(result["per_s"] / yardstick, 3)
    return {"clients": clients, "cpus": os.cpu_count(), "results": results}


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=4.0)
    options.add_argument("--clients", type=int, default=32)
    options.add_argument("--serve", nargs=3, type=int, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.serve:
        serve_application(*given.serve)
    else:
        print(json.dumps(main(given.clients, given.seconds), indent=1))
