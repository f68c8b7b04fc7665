"""A Distributed Map in real processes, one of which is killed half-way."""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.system.cluster import free_port

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

SFC = Path(sys.executable).with_name("sfc")
ITEMS = 3_000
HANDLERS = """
import asyncio
from sfc.tasks import task

@task("slow")
async def slow(n):
    await asyncio.sleep(0.005)
    return n
"""


def flow(folder: Path, kind: str) -> dict[str, Any]:
    bucket = f"file://{folder}"
    return {"StartAt": "Each", "States": {"Each": {
        "Type": "Map", "Label": "Each", "End": True, "MaxConcurrency": 20,
        "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSONL"},
                       "Parameters": {"Bucket": bucket, "Key": "items.jsonl"}},
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}, "StartAt": "Work",
                          "States": {"Work": {"Type": "Task", "Resource": "task:slow", "End": True}}},
        "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject",
                         "Parameters": {"Bucket": bucket, "Prefix": "out"},
                         "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSONL"}},
    }}}  # fmt: skip


def start(folder: Path, port: int) -> "subprocess.Popen[str]":
    """The server, once it says that it is ready."""
    command = [SFC, "up", "--no-ray", "--data", folder / "data", "--port", str(port), "--map-files", folder,
               "--handlers", folder / "handlers.py"]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert any("ready at" in line for line in process.stderr), "it ended before it was ready"
    return process


@pytest.mark.parametrize("kind", ["EXPRESS", "STANDARD"])
def test_a_kill_half_way_costs_no_item_and_doubles_none(kind: str, tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    (folder / "items.jsonl").write_text("".join(f"{number}\n" for number in range(ITEMS)))
    (folder / "handlers.py").write_text(HANDLERS)
    port = free_port()
    client = boto3.client(
        "stepfunctions", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
        aws_access_key_id="any", aws_secret_access_key="any",
    )  # fmt: skip
    server = start(folder, port)
    try:
        machine = client.create_state_machine(
            name="each", definition=json.dumps(flow(folder, kind)), roleArn="arn:aws:iam::123456789012:role/any"
        )["stateMachineArn"]
        execution = client.start_execution(stateMachineArn=machine)["executionArn"]
        half_way = 0
        while half_way < ITEMS // 3:
            (run,) = client.list_map_runs(executionArn=execution)["mapRuns"]
            half_way = client.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]["succeeded"]
            time.sleep(0.02)
        server.kill()
        server.communicate(timeout=10)
        server = start(folder, port)
        counts = client.describe_map_run(mapRunArn=run["mapRunArn"])
        assert half_way <= counts["itemCounts"]["succeeded"] < ITEMS, "it goes on where it was"
        deadline = time.monotonic() + 120
        while (record := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert record["status"] == "SUCCEEDED", record
        counts = client.describe_map_run(mapRunArn=run["mapRunArn"])
        assert (counts["status"], counts["itemCounts"]["succeeded"]) == ("SUCCEEDED", ITEMS)
    finally:
        server.terminate()
        server.communicate(timeout=40)
    manifest = json.loads((folder / json.loads(record["output"])["ResultWriterDetails"]["Key"]).read_bytes())
    lines = [
        int(line)
        for file in manifest["ResultFiles"]["SUCCEEDED"]
        for line in (folder / file["Key"]).read_text().split()
    ]
    assert Counter(lines) == Counter(range(ITEMS))
