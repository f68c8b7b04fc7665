"""AWS services of a test's own: moto's server in a thread."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import httpx
from moto.server import ThreadedMotoServer


class Moto:
    """Where it is, and clients of it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def client(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )

    def reset(self) -> None:
        httpx.post(f"{self.url}/moto-api/reset")


@contextmanager
def moto_server() -> Iterator[Moto]:
    """On a free port of loopback. Jobs of Batch run without Docker and end at once."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server.start()
    host, port = server.get_host_and_port()
    moto = Moto(f"http://{host}:{port}")
    httpx.post(f"{moto.url}/moto-api/config", json={"batch": {"use_docker": False}, "lambda": {"use_docker": False}})
    try:
        yield moto
    finally:
        server.stop()
