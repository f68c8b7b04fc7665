"""What a Task's Resource may say."""

import pytest

from sfc.asl.model import Resource
from sfc.asl.resources import parse_resource

KNOWN = [
    ("arn:aws:lambda:us-east-1:123456789012:function:charge", "function", "lambda", "charge", "", ""),
    ("arn:aws:lambda:us-east-1:123456789012:function:charge:PROD", "function", "lambda", "charge:PROD", "", ""),
    ("arn:aws:states:::lambda:invoke", "service", "lambda", "invoke", "", ""),
    ("arn:aws:states:::lambda:invoke.waitForTaskToken", "service", "lambda", "invoke", "waitForTaskToken", ""),
    ("arn:aws:states:::states:startExecution.sync:2", "service", "states", "startExecution", "sync:2", ""),
    ("arn:aws:states:::ecs:runTask.sync", "service", "ecs", "runTask", "sync", ""),
    ("arn:aws-cn:states:::aws-sdk:s3:getObject", "service", "aws-sdk:s3", "getObject", "", ""),
    ("arn:aws:states:us-west-2:42:activity:pick", "activity", "activity", "pick", "", ""),
    ("task:charge-card", "task", "task", "charge-card", "", ""),
    ("task:charge-card:2", "task", "task", "charge-card", "", "2"),
    ("grpc://pay:50051/shop.v1.Pay/Charge", "grpc", "grpc", "grpc://pay:50051/shop.v1.Pay/Charge", "", ""),
    ("grpcs://[::1]:443/Pay/Charge", "grpc", "grpc", "grpcs://[::1]:443/Pay/Charge", "", ""),
    ("kafka:raw_order.tmall", "kafka", "kafka", "raw_order.tmall", "", ""),
    ("kafka:jobs.charge.waitForTaskToken", "kafka", "kafka", "jobs.charge", "waitForTaskToken", ""),
    ("arn:aws:states:::kafka:publish.waitForTaskToken", "service", "kafka", "publish", "waitForTaskToken", ""),
    ("https://pay.example/charge", "http", "http", "https://pay.example/charge", "", ""),
]


@pytest.mark.parametrize(("text", "kind", "service", "action", "pattern", "version"), KNOWN)
def test_a_resource_is_taken_apart(text: str, kind: str, service: str, action: str, pattern: str, version: str) -> None:
    found = parse_resource(text)
    assert isinstance(found, Resource)
    assert (found.kind, found.service, found.action, found.pattern, found.version) == (
        kind, service, action, pattern, version,
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "foo:bar", "charge", "task:", "task:a:b:c", "task:a b", "http://", "https://h:99999/", "https://h/a b",
     "grpc://h/shop.Pay/Charge", "grpc://h:1/Charge", "grpc://h:1/shop.Pay/Charge/", "grpc://u@h:1/shop.Pay/Charge",
     "kafka:", "kafka:a/b", "kafka:..", "kafka:.waitForTaskToken", "kafka:" + "t" * 250,
     "arn:aws:states:::lambda", "arn:aws:states:::lambda:invoke.async", "arn:aws:lambda:us-east-1:1:layer:x",
     "arn:aws:states:::x:" + "y" * 300],
)  # fmt: skip
def test_what_is_no_resource_is_told_in_a_sentence(text: str) -> None:
    problem = parse_resource(text)
    assert isinstance(problem, str)
    assert problem.startswith("Value is not a valid")
