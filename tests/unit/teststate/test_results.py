"""A mocked result is held to the API that the state calls."""

import json
from typing import Any, Literal

import pytest

from sfc.asl.model import Resource
from sfc.asl.resources import parse_resource
from sfc.errors import InvalidRequest
from sfc.teststate import results
from sfc.teststate.results import check_result

PUT_EVENTS = "arn:aws:states:::events:putEvents"
GET_OBJECT = "arn:aws:states:::aws-sdk:s3:getObject"
GET_FUNCTION = "arn:aws:states:::aws-sdk:lambda:getFunction"
ENCRYPT = "arn:aws:states:::aws-sdk:kms:encrypt"
INVOKE = "arn:aws:states:::lambda:invoke"
START = "arn:aws:states:::states:startExecution"
WRONG = [
    (PUT_EVENTS, {"Entries": "x"}, "Field 'Entries' must be an array"),
    (PUT_EVENTS, {"Entries": [{"EventId": "a"}, {"EventId": ["b"]}]}, "Field 'EventId' must be a string"),
    (PUT_EVENTS, {"FailedEntryCount": "1"}, "Field 'FailedEntryCount' must be a number"),
    (PUT_EVENTS, {"FailedEntryCount": True}, "Field 'FailedEntryCount' must be a number"),
    (GET_OBJECT, {"StorageClass": "Papyrus"}, "Field 'StorageClass' is not an expected value"),
    (GET_OBJECT, {"DeleteMarker": 1}, "Field 'DeleteMarker' must be a boolean"),
    (GET_OBJECT, {"Metadata": {"a": 1}}, "Field 'Metadata' must be a string"),
    (GET_FUNCTION, {"Configuration": {"MemorySize": 127}}, "Field 'MemorySize' is less than the minimum value"),
    (GET_FUNCTION, {"Configuration": {"MemorySize": 10**9}}, "Field 'MemorySize' exceeds the maximum value"),
    (GET_FUNCTION, {"Configuration": []}, "Field 'Configuration' must be an object"),
    (GET_FUNCTION, {"Configuration": {"Description": "x" * 257}}, "Field 'Description' exceeds the maximum length"),
    (ENCRYPT, {"CiphertextBlob": ""}, "Field 'CiphertextBlob' is smaller than the minimum length"),
    (INVOKE, {"StatusCode": "200"}, "Field 'StatusCode' must be a number"),
    (PUT_EVENTS, [], "It must be an object"),
]  # fmt: skip


def parsed(text: str) -> Resource:
    found = parse_resource(text)
    assert isinstance(found, Resource)
    return found


@pytest.mark.parametrize("mode", ["STRICT", "PRESENT"])
@pytest.mark.parametrize(("resource", "result", "problem"), WRONG)
def test_what_the_api_could_not_answer_is_refused(
    resource: str, result: Any, problem: str, mode: Literal["STRICT", "PRESENT"]
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_result(parsed(resource), result, mode)
    assert refused.value.message == f"Mock result schema validation error: {problem}"
    check_result(parsed(resource), result, "NONE")


def test_strict_misses_what_must_be_there() -> None:
    with pytest.raises(InvalidRequest, match="Required field 'ExecutionArn' is missing"):
        check_result(parsed(START), {"StartDate": "2026-01-01"}, "STRICT")
    check_result(parsed(START), {"StartDate": "2026-01-01"}, "PRESENT")


@pytest.mark.parametrize(
    ("resource", "result"),
    [
        (PUT_EVENTS, {"random": 1}),
        (INVOKE, {"Payload": {"any": ["thing"]}, "SdkHttpMetadata": {"HttpStatusCode": 200}}),
        ("arn:aws:states:::ecs:runTask.sync", {"any": 1}),
        ("arn:aws:states:::http:invoke", {"any": 1}),
        ("arn:aws:states:::nothing:known", {"any": 1}),
        ("arn:aws:lambda:us-east-1:123456789012:function:f", [1]),
        ("task:mine", 5),
    ],
)
def test_what_no_model_forbids_is_taken(resource: str, result: Any) -> None:
    check_result(parsed(resource), json.loads(json.dumps(result)), "STRICT")


def test_without_botocore_any_result_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_models", lambda: None)
    check_result(parsed(PUT_EVENTS), {"Entries": 1}, "STRICT")
