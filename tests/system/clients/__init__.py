"""Real clients of the Step Functions API behind one interface: boto3, the AWS CLI, the AWS SDK for JavaScript."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
PACKAGES = ROOT / "build" / "sfn-clients"
"""Where npm installs what `package-lock.json` names."""
KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}
INSTALL_S = 180


class Refused(Exception):
    """The server answered with an error; `code` is its name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code


class Client(Protocol):
    def call(self, action: str, **parameters: Any) -> Any:
        """The answer of an action, spelled as in the API. Raises Refused."""
        ...

    def close(self) -> None: ...


class Boto3:
    def __init__(self, url: str) -> None:
        config = Config(retries={"max_attempts": 0}, inject_host_prefix=False, read_timeout=70)
        self._client = boto3.client(
            "stepfunctions", endpoint_url=url, region_name="us-east-1", config=config,
            aws_access_key_id="any", aws_secret_access_key="any",
        )  # fmt: skip

    def call(self, action: str, **parameters: Any) -> Any:
        try:
            answer = self._client._make_api_call(action, parameters)  # type: ignore[attr-defined]
        except ClientError as error:
            raise Refused(error.response["Error"]["Code"], error.response["Error"]["Message"]) from None
        del answer["ResponseMetadata"]
        return answer

    def close(self) -> None:
        self._client.close()


class AwsCli:
    def __init__(self, url: str) -> None:
        self._command = [
            Path(sys.executable).with_name("aws"),
            "--endpoint-url",
            url,
            "--output",
            "json",
            "--no-paginate",
        ]

    def call(self, action: str, **parameters: Any) -> Any:
        kebab = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in action)[1:]
        command = [*self._command, "stepfunctions", kebab, "--cli-input-json", json.dumps(parameters)]
        environment = {
            **os.environ,
            **KEYS,
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_CONFIG_FILE": os.devnull,
        }
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
        if done.returncode:
            code, _, message = done.stderr.strip().partition("An error occurred (")[2].partition(")")
            raise Refused(code, message or done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def close(self) -> None:
        """Each call is a process of its own."""


class JavaScript:
    def __init__(self, url: str) -> None:
        command = ["node", HERE / "client.mjs", install_packages() / "package.json", url]
        self._node = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def call(self, action: str, **parameters: Any) -> Any:
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.write(json.dumps({"action": action, "parameters": parameters}) + "\n")
        self._node.stdin.flush()
        line = self._node.stdout.readline()
        assert line, "node ended"
        said = json.loads(line)
        if "error" in said:
            raise Refused(said["error"], said["message"])
        return said["answer"]

    def close(self) -> None:
        self._node.communicate(timeout=20)


def install_packages() -> Path:
    """Exactly what the lock names, once; skips the test where that cannot be done."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("no node and npm for the AWS SDK for JavaScript")
    lock = (HERE / "package-lock.json").read_bytes()
    installed = PACKAGES / "package-lock.json"
    if (PACKAGES / "node_modules" / "@aws-sdk").is_dir() and installed.read_bytes() == lock:
        return PACKAGES
    PACKAGES.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, PACKAGES / name)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=PACKAGES, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot install the AWS SDK for JavaScript: {done.stderr[-300:]}")
    return PACKAGES


CLIENTS: dict[str, Callable[[str], Client]] = {"boto3": Boto3, "aws-cli": AwsCli, "javascript": JavaScript}
