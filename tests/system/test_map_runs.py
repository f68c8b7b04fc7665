"""A Distributed Map in real processes that are killed half-way."""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.chance import LONG_S, MINUTES, SEED
from tests.system.cluster import free_port

pytestmark = pytest.mark.system

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


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", ["EXPRESS", "STANDARD"])
def test_a_kill_half_way_costs_no_item_and_doubles_none(kind: str, tmp_path: Path) -> None:
    survive(tmp_path.resolve(), kind, ITEMS, [ITEMS // 3])


@pytest.mark.chaos
@pytest.mark.timeout(LONG_S)
@pytest.mark.parametrize("kind", ["EXPRESS", "STANDARD"])
def test_kills_all_along_cost_no_item_and_double_none(kind: str, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    items = int(20 * ITEMS * MINUTES)
    survive(tmp_path.resolve(), kind, items, sorted(chance.sample(range(1, items * 9 // 10), 2 + int(8 * MINUTES))))


def survive(folder: Path, kind: str, items: int, kills: Sequence[int]) -> None:
    """Kill the server each time that so many items are done; at the end each is done and counted once."""
    (folder / "items.jsonl").write_text("".join(f"{number}\n" for number in range(items)))
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

        def succeeded() -> int:
            (run,) = client.list_map_runs(executionArn=execution)["mapRuns"]
            return int(client.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]["succeeded"])

        for kill in kills:
            while (done := succeeded()) < kill:
                time.sleep(0.02)
            server.kill()
            server.communicate(timeout=10)
            server = start(folder, port)
            assert done <= succeeded() <= items, (SEED, "it goes on where it was")
        while (record := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
            time.sleep(0.05)
        assert record["status"] == "SUCCEEDED", (SEED, record)
        assert succeeded() == items, SEED
    finally:
        server.terminate()
        server.communicate(timeout=40)
    manifest = json.loads((folder / json.loads(record["output"])["ResultWriterDetails"]["Key"]).read_bytes())
    lines = [
        int(line)
        for file in manifest["ResultFiles"]["SUCCEEDED"]
        for line in (folder / file["Key"]).read_text().split()
    ]
    assert Counter(lines) == Counter(range(items)), SEED
