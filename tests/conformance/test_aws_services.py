"""Recorded executions that call AWS services, replayed with moto in the place of AWS.

The runner of the corpus makes the calls and compares; it leaves these cases out because it has no such services.
"""

import importlib
import json
import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

import pytest

from sfc.tasks.aws.settings import AwsSettings
from tests.support.moto import Moto, moto_server
from tests.support.server import serving
from tests.support.shared import SHARED, shared_cases

CORPUS = SHARED / "conformance"
LEFT_OUT = {
    "test_invalid_secret_name": "moto takes any name",
    "test_put_item_invalid_table_name": "moto looks for a table of any name",
    "test_send_message_empty_body": "moto answers with status 500",
    "test_put_events_malformed_detail": "moto answers with status 500",
}
"""Cases in which moto answers other than AWS."""

MOTO_SAYS_OTHERWISE = re.compile(
    r"\.(ServerSideEncryption|ChecksumCRC32|ChecksumType|ConsumedCapacity|SequenceNumber): "
    r'|\.SdkResponseMetadata\.RequestId: expected "RequestId", got "\w+"'
    r"|[cC]ause: expected .*\(Service: "  # what the service said, with the number of the request
    r"|^messages: "  # nobody receives here while the case runs
)
"""Differences that are moto's."""
NUMBERED_OTHERWISE = re.compile(
    r"\(MapStateExited\): expected after MapRunStarted, got after MapRunSucceeded"
    r'|not in the recording: \{"type": "MapStateExited"'
)
"""The service's recordings until July 2024 have this event follow one, those since November 2024 the other; the greater
part of them is the older."""


def title(case: dict[str, Any]) -> str:
    return str(case["id"]).rpartition("::")[2]


def ran_by_moto(case: dict[str, Any]) -> bool:
    reads_items = '\\"ItemReader\\"' in json.dumps(case["steps"])
    if case["tier"] != "service" or not (case["category"] in ("services", "error_handling") or reads_items):
        return False
    return title(case) not in LEFT_OUT


CASES = shared_cases("conformance/sfn", leave_out="infeasible.json", keep=ran_by_moto)


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with moto_server() as moto:
        yield moto


@pytest.fixture(scope="module")
def url(moto: Moto) -> Iterator[str]:
    with serving(AwsSettings(endpoint=moto.url)) as url:
        yield url


@pytest.fixture(scope="module")
def runner() -> Iterator[Any]:
    """The corpus's own module that replays a case."""
    before = list(sys.path)
    sys.path.insert(0, str(CORPUS))
    try:
        yield importlib.import_module("replay")
    finally:
        sys.path[:] = before


def replay(runner: Any, case: dict[str, Any], url: str, moto: Moto) -> dict[str, Any]:
    """What differs: {"outcome": […], "history": […], "api": […]}."""

    class Replay(runner.Replay):  # type: ignore[misc]
        def _setup(self, step: dict[str, Any]) -> None:
            args = self.answers.fill(step.get("args") or {})
            self.answers.results[step["id"]] = set_up(moto, step["setup"], args, self.answers.uid)

        def _step(self, step: dict[str, Any]) -> None:
            service = step.get("service", "stepfunctions")
            if step["kind"] != "call" or service in ("stepfunctions", "iam", "sts"):
                super()._step(step)
                return
            answer = getattr(moto.client(service), step["op"])(**plain(self.answers.fill(step["params"])))
            if "Body" in answer:
                answer["Body"] = answer["Body"].read().decode()
            self.answers.results[step["id"]] = answer

    options = Namespace(region="us-east-1", account="123456789012", mode="normal", timeout=60)
    client = runner.make_client("stepfunctions", url, "us-east-1")
    found: dict[str, Any] = Replay(case, client, None, options).run()
    return found


def plain(value: Any) -> Any:
    """Bytes are spelled in hexadecimal in the corpus."""
    if isinstance(value, dict) and "$bytes" in value:
        return bytes.fromhex(value["$bytes"])
    if isinstance(value, dict) and value.get("$opaque") == "bytearray":
        return b"byte array data"
    return {key: plain(each) for key, each in value.items()} if isinstance(value, dict) else value


def set_up(moto: Moto, what: str, args: dict[str, Any], uid: str) -> dict[str, Any]:
    match what:
        case "s3_bucket":
            moto.client("s3").create_bucket(Bucket=f"bucket-{uid}")
            return {"Bucket": f"bucket-{uid}"}
        case "dynamodb_table":
            key = args["partition_key"]
            moto.client("dynamodb").create_table(
                TableName=args["table_name"],
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
            return {}
        case "sqs_queue":
            made = moto.client("sqs").create_queue(QueueName=args.get("QueueName", f"queue-{uid}"))
            return {"QueueUrl": made["QueueUrl"]}
        case "sns_topic":
            made = moto.client("sns").create_topic(**{"Name": f"topic-{uid}", **args})
            return {"TopicArn": made["TopicArn"]}
        case "events_rule":
            pattern = json.dumps(args.pop("EventPattern"))
            return {"RuleArn": moto.client("events").put_rule(EventPattern=pattern, **args)["RuleArn"]}
        case "sqs_receive":
            return {}
    raise AssertionError(f"no such thing to set up: {what}")


@pytest.mark.parametrize("case", CASES, ids=title)
def test_the_history_is_the_recorded_one(case: dict[str, Any], runner: Any, url: str, moto: Moto) -> None:
    moto.reset()
    found = replay(runner, case, url, moto)
    differences = found["outcome"] + found["history"] + found["api"]
    known = (MOTO_SAYS_OTHERWISE, NUMBERED_OTHERWISE)
    assert [each for each in differences if not any(pattern.search(each) for pattern in known)] == []
