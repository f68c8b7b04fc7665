"""Requests that break a constraint are refused in AWS's words."""

from typing import Any

import pytest

from serve.sfn import executions, machines, releases, tags
from serve.sfn.shapes import Shape, check
from sfc.errors import InvalidRequest

ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:a"
CASES = [
    pytest.param(
        executions.START,
        {},
        "1 validation error detected: Value null at 'stateMachineArn' failed to satisfy constraint: "
        "Member must not be null",
        id="a required member is missing",
    ),
    pytest.param(
        machines.LIST,
        {"maxResults": 1001},
        "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: "
        "Member must have value less than or equal to 1000",
        id="a number is too large",
    ),
    pytest.param(
        machines.LIST,
        {"nextToken": "x" * 1025},
        f"1 validation error detected: Value '{'x' * 1025}' at 'nextToken' failed to satisfy constraint: "
        "Member must have length less than or equal to 1024",
        id="a text is too long",
    ),
    pytest.param(
        executions.START,
        {"stateMachineArn": ARN, "input": "x" * 262_145},
        "1 validation error detected: Value at 'input' failed to satisfy constraint: "
        "Member must have length less than or equal to 262144",
        id="sensitive values are not repeated",
    ),
    pytest.param(
        machines.CREATE,
        {"name": "", "definition": "{}", "roleArn": ARN, "type": "FAST"},
        "2 validation errors detected: Value '' at 'name' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1; Value 'FAST' at 'type' failed to satisfy constraint: "
        "Member must satisfy enum value set: [STANDARD, EXPRESS]",
        id="all broken constraints at once",
    ),
    pytest.param(
        machines.LIST,
        {"maxResults": "7"},
        "STRING_VALUE can not be converted to a Integer",
        id="a value of another type",
    ),
    pytest.param(
        machines.LIST, {"maxResults": True}, "TRUE_VALUE can not be converted to a Integer", id="a boolean is no number"
    ),
    pytest.param(
        tags.TAG,
        {"resourceArn": ARN, "tags": [{"key": "a"}, None]},
        "1 validation error detected: Value null at 'tags.2.member' failed to satisfy constraint: "
        "Member must not be null",
        id="an item is null",
    ),
    pytest.param(
        releases.CREATE_ALIAS,
        {"name": "live", "routingConfiguration": [None, None, {"stateMachineVersionArn": ARN, "weight": 1}]},
        "3 validation errors detected: Value null at 'routingConfiguration.1.member' failed to satisfy constraint: "
        "Member must not be null; Value null at 'routingConfiguration.2.member' failed to satisfy constraint: "
        "Member must not be null; Value '[null, null, RoutingConfigurationListItem("
        f"stateMachineVersionArn={ARN}, weight=1)]' at 'routingConfiguration' failed to satisfy constraint: "
        "Member must have length less than or equal to 2",
        id="a list with null items is too long",
    ),
]


@pytest.mark.parametrize(("shape", "body", "message"), CASES)
def test_a_request_is_refused_when(shape: Shape, body: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest) as found:
        check(shape, body)
    assert found.value.message == message


def test_unknown_members_and_nulls_of_optional_ones_are_passed_over() -> None:
    check(executions.START, {"stateMachineArn": ARN, "input": None, "somethingNew": 1})
