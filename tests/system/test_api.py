"""A real `sfc up`: boto3, the AWS CLI, bad input, and what happens to the processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from serve.platform.state import State, family, read_state
from tests.system.cluster import REPLICA, Cluster

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

ROLE = "arn:aws:iam::123456789012:role/any"
PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
WAIT = json.dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}})
DEEP = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true, "Result": ' + "[" * 1000 + "]" * 1000 + "}}}"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("api") / "data") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def sfn(cluster: Cluster) -> Any:
    return boto3.client(
        "stepfunctions",
        endpoint_url=cluster.url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"max_attempts": 1}, parameter_validation=False),
    )


def sfc(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([BIN / "sfc", *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)


def aws(cluster: Cluster, *arguments: str) -> Any:
    """The AWS CLI's answer."""
    environment = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}
    command = [BIN / "aws", "--endpoint-url", cluster.url, "--output", "json", "stepfunctions", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout else None


def test_boto3_creates_starts_describes_lists_and_stops(sfn: Any) -> None:
    machine = sfn.create_state_machine(name="boto", definition=WAIT, roleArn=ROLE)["stateMachineArn"]
    execution = sfn.start_execution(stateMachineArn=machine, name="x", input='{"a": 1}')["executionArn"]
    assert sfn.describe_execution(executionArn=execution)["status"] == "RUNNING"
    assert [e["name"] for e in sfn.list_executions(stateMachineArn=machine)["executions"]] == ["x"]
    sfn.stop_execution(executionArn=execution, error="Enough")
    assert sfn.describe_execution(executionArn=execution)["status"] == "ABORTED"
    assert sfn.get_execution_history(executionArn=execution)["events"][-1]["type"] == "ExecutionAborted"


def test_the_aws_cli_creates_starts_describes_lists_and_stops(cluster: Cluster) -> None:
    made = aws(cluster, "create-state-machine", "--name", "cli", "--definition", WAIT, "--role-arn", ROLE)
    machine = made["stateMachineArn"]
    execution = aws(cluster, "start-execution", "--state-machine-arn", machine, "--input", "{}")["executionArn"]
    assert aws(cluster, "describe-execution", "--execution-arn", execution)["status"] == "RUNNING"
    assert len(aws(cluster, "list-executions", "--state-machine-arn", machine)["executions"]) == 1
    assert aws(cluster, "stop-execution", "--execution-arn", execution)["stopDate"]
    assert aws(cluster, "describe-execution", "--execution-arn", execution)["status"] == "ABORTED"
    aws(cluster, "delete-state-machine", "--state-machine-arn", machine)


BAD: list[Any] = [
    pytest.param("create_state_machine", {"name": "b", "definition": "{"}, "InvalidDefinition", id="malformed JSON"),
    pytest.param(
        "create_state_machine",
        {"name": "b", "definition": PASS + " " * 1_048_576},
        "ValidationException",
        id="a definition of more than a megabyte",
    ),
    pytest.param("create_state_machine", {"name": "b", "definition": DEEP}, "InvalidDefinition", id="nested deeply"),
    pytest.param("start_execution", {"input": "{"}, "InvalidExecutionInput", id="malformed input"),
    pytest.param(
        "start_execution", {"input": "[" * 1000 + "]" * 1000}, "InvalidExecutionInput", id="input nested deeply"
    ),
    pytest.param("start_execution", {"input": '"' + "x" * 300_000 + '"'}, "ValidationException", id="input too large"),
]


@pytest.mark.parametrize(("call", "parameters", "code"), BAD)
def test_bad_input_is_a_clear_error_and_the_server_keeps_serving(
    sfn: Any, call: str, parameters: dict[str, Any], code: str
) -> None:
    machine = sfn.create_state_machine(name="bad", definition=PASS, roleArn=ROLE)["stateMachineArn"]
    more = {"start_execution": {"stateMachineArn": machine}, "create_state_machine": {"roleArn": ROLE}}.get(call, {})
    with pytest.raises(ClientError) as found:
        getattr(sfn, call)(**more, **parameters)
    assert found.value.response["Error"]["Code"] == code
    assert len(found.value.response["Error"]["Message"]) < 2_000
    assert sfn.describe_state_machine(stateMachineArn=machine)["status"] == "ACTIVE"


def test_nothing_of_it_listens_on_other_interfaces(cluster: Cluster) -> None:
    """Serve's replicas by themselves would."""
    ours = {process.pid: process.name() for process in cluster.processes()}
    open_ = [
        (connection.laddr, ours[connection.pid])
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.pid in ours
    ]
    assert open_
    assert [found for found in open_ if found[0].ip not in ("127.0.0.1", "::1", "::ffff:127.0.0.1")] == []


def test_status_tells_and_a_second_up_on_the_same_data_is_refused(cluster: Cluster) -> None:
    told = json.loads(sfc("status", "--data", cluster.data, "--json").stdout)
    assert (told["url"], told["status"], told["workers"]) == (cluster.url, "ok", 2)
    second = sfc("up", "--data", cluster.data)
    assert second.returncode == 1
    assert f"already at {cluster.url}" in second.stderr


def test_a_taken_port_is_said_before_anything_starts(cluster: Cluster, tmp_path: Path) -> None:
    refused = sfc("up", "--data", tmp_path / "other", "--port", cluster.port)
    assert refused.returncode == 1
    assert refused.stderr == f"sfc: port {cluster.port} on 127.0.0.1 is taken by another process\n"


def await_end_of(state: State) -> None:
    """Returns when no process of that Ray head lives any more."""
    deadline = time.monotonic() + 60
    while family(state.processes):
        assert time.monotonic() < deadline, "Ray's other processes outlive a dead one"
        time.sleep(0.1)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_executions_go_on_after_every_kind_of_death(tmp_path: Path) -> None:
    """The replica, Ray's head, `sfc up` itself, and all at once; at the end `sfc down` leaves nothing behind."""
    with Cluster(tmp_path / "data", workers=1) as cluster:
        machine = cluster.call("CreateStateMachine", name="m", definition=WAIT, roleArn=ROLE)["stateMachineArn"]
        execution = cluster.call("StartExecution", stateMachineArn=machine)["executionArn"]

        def still_running() -> None:
            found = cluster.call_until_answered("DescribeExecution", executionArn=execution)
            assert found["status"] == "RUNNING"

        assert cluster.kill(REPLICA)
        still_running()
        before = read_state(tmp_path / "data")
        assert cluster.kill("", 1)  # one of the head's own processes
        assert before is not None
        await_end_of(before)
        still_running()
        assert cluster.process is not None
        os.kill(cluster.process.pid, signal.SIGKILL)
        cluster.process.wait()
        cluster.start()
        still_running()
        cluster.kill_everything()
        cluster.start()
        still_running()
        left = cluster.processes()
        assert sfc("down", "--data", cluster.data).returncode == 0
        assert cluster.process.wait(60) == 0
        psutil.wait_procs(left, timeout=10)
        assert [process for process in left if _lives(process)] == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(cluster.url)
