"""Executions started as test cases: `machine#Case`."""

import json
from typing import Any

import pytest

from sfc.errors import NotFound
from sfc.tasks.mocks import MockConfig, read_mocks
from tests.unit.engine.conftest import House, until

FLOW: dict[str, Any] = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"MessageBody": {"Token.$": "$$.Task.Token"}},
            "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 60, "MaxAttempts": 1}],
            "Next": "Start",
        },
        "Start": {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:none"},
            "Next": "Real",
        },
        "Real": {"Type": "Task", "Resource": "task:real", "End": True},
    },
}


def mocks(**cases: dict[str, str]) -> MockConfig:
    responses = {
        "Asked": {"0": {"Return": {"yes": True}}},
        "Busy": {"0": {"Throw": {"Error": "Busy"}}, "1": {"Return": {"yes": "at last"}}},
        "Started": {"0": {"Return": {"Output": {"a": 1}}}},
        "Done": {"0": {"Return": "mocked"}},
    }
    config = {"StateMachines": {"flow": {"TestCases": cases}}, "MockedResponses": responses}
    return read_mocks(json.dumps(config))


ALL = {"Ask": "Asked", "Start": "Started", "Real": "Done"}


async def opened(house: House, config: MockConfig | None) -> None:
    await house.reopen(mocks=config)
    await house.engine.blueprints.create("flow", json.dumps(FLOW))


async def test_mocked_states_call_nobody_whatever_their_pattern(house: House) -> None:
    await opened(house, mocks(Happy=ALL))
    started = await house.engine.start(house.engine.partition.state_machine("flow") + "#Happy", "{}", "x")
    ended = await house.engine.wait(started.arn, 5)
    assert (ended.status, ended.output) == ("SUCCEEDED", '"mocked"')
    assert house.workers.sent == []
    types = [event["type"] for event in (await house.engine.history(ended.arn)).items]
    assert types.count("TaskSubmitted") == 2
    assert ended.machine_arn == house.engine.partition.state_machine("flow")


async def test_other_states_and_other_executions_are_done_for_real(house: House) -> None:
    await opened(house, mocks(Hybrid={"Ask": "Asked", "Start": "Started"}))
    started = await house.engine.start("flow#Hybrid", "{}")
    await until(lambda: bool(house.workers.out))
    assert house.workers.only().resource == "task:real"
    house.workers.answer(house.workers.only(), '"real"')
    assert (await house.engine.wait(started.arn, 5)).output == '"real"'
    await house.engine.start("flow", "{}")
    await until(lambda: bool(house.workers.out))
    assert house.workers.only().state == "Ask"


async def test_calls_are_counted_on_when_the_engine_comes_back(house: House) -> None:
    config = mocks(Busy={**ALL, "Ask": "Busy"})
    await opened(house, config)
    started = await house.engine.start("flow#Busy", "{}")
    await until(lambda: house.engine.stats()["resident"] == 0)  # it waits for its retry
    await house.reopen(mocks=config)
    house.now += 60_000
    await house.engine.advance()
    assert (await house.engine.wait(started.arn, 5)).status == "SUCCEEDED"


async def test_a_server_without_the_case_fails_its_execution_instead_of_calling_anybody(house: House) -> None:
    await opened(house, mocks(Busy={**ALL, "Ask": "Busy"}))
    started = await house.engine.start("flow#Busy", "{}")
    await until(lambda: house.engine.stats()["resident"] == 0)
    await house.reopen()
    house.now += 60_000
    await house.engine.advance()
    ended = await house.engine.wait(started.arn, 5)
    assert (ended.error, ended.cause) == ("States.Runtime", "This server has no test case flow#Busy")
    assert house.workers.sent == []


async def test_a_call_beyond_the_answers_fails_the_execution(house: House) -> None:
    await opened(house, read_mocks(json.dumps({
        "StateMachines": {"flow": {"TestCases": {"Once": {"Ask": "Busy"}}}},
        "MockedResponses": {"Busy": {"0": {"Throw": {"Error": "Busy"}}}},
    })))  # fmt: skip
    started = await house.engine.start("flow#Once", "{}")
    await until(lambda: house.engine.stats()["resident"] == 0)
    house.now += 60_000
    await house.engine.advance()
    ended = await house.engine.wait(started.arn, 5)
    assert ended.error == "States.Runtime"
    assert "call 1 of state 'Ask' has no answer" in (ended.cause or "")


@pytest.mark.parametrize("config", [None, mocks(Happy=ALL)])
async def test_a_case_that_is_not_there_cannot_be_started(house: House, config: MockConfig | None) -> None:
    await opened(house, config)
    with pytest.raises(NotFound, match="the server's mocks have no such test case"):
        await house.engine.start("flow#Sad", "{}")


async def test_an_express_execution_may_be_a_test_case_too(house: House) -> None:
    await house.reopen(mocks=read_mocks(json.dumps({
        "StateMachines": {"express-task": {"TestCases": {"Happy": {"Charge": "Ok"}}}},
        "MockedResponses": {"Ok": {"0": {"Return": 7}}},
    })))  # fmt: skip
    assert (await house.engine.start_sync("express-task#Happy")).output == "7"
    assert house.workers.sent == []


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
async def test_the_children_of_a_map_run_are_of_its_case(house: House, kind: str) -> None:
    await house.reopen(mocks=read_mocks(json.dumps({
        "StateMachines": {"each": {"TestCases": {"Happy": {"One": "Ok"}}}},
        "MockedResponses": {"Ok": {"0": {"Return": "mocked"}}},
    })))  # fmt: skip
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
        "StartAt": "One",
        "States": {"One": {"Type": "Task", "Resource": "task:one", "End": True}},
    }
    flow = {"StartAt": "All", "States": {"All": {"Type": "Map", "ItemProcessor": processor, "End": True}}}
    await house.engine.blueprints.create("each", json.dumps(flow))
    started = await house.engine.start("each#Happy", "[1, 2]")
    assert (await house.engine.wait(started.arn, 10)).output == '["mocked","mocked"]'
    assert house.workers.sent == []
