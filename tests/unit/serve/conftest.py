"""boto3 and a URL of a server with an engine in memory."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.support.server import serving


@pytest.fixture
def url() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture
def sfn(url: str) -> Iterator[Any]:
    """boto3's client of the server; it does not repeat what was refused."""
    client = boto3.client(
        "stepfunctions",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"max_attempts": 1}, inject_host_prefix=False, parameter_validation=False),
    )
    yield client
    client.close()
