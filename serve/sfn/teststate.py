"""The Step Functions action TestState."""

import os
import time
import uuid
from typing import Any, Final

from serve.sfn import shapes
from sfc.asl.expression import Failure
from sfc.engine.engine import Engine
from sfc.limits import CAUSE_CHARS, ERROR_CHARS
from sfc.teststate import Mock, StateConfiguration, TestRequest, test_state
from sfc.teststate.inspection import answer

Body = dict[str, Any]

_STATE_NAME: Final = shapes.Field(low=1, high=80)
_COUNT: Final = shapes.Field(type=int, low=0)
TEST: Final = {
    "definition": shapes.required(shapes.DEFINITION),
    "roleArn": shapes.Field(low=1, high=256),
    "input": shapes.PAYLOAD,
    "inspectionLevel": shapes.Field(members=("INFO", "DEBUG", "TRACE")),
    "revealSecrets": shapes.FLAG,
    "variables": shapes.PAYLOAD,
    "stateName": _STATE_NAME,
    "mock": shapes.structure(
        "MockInput",
        result=shapes.PAYLOAD,
        errorOutput=shapes.structure(
            "MockErrorOutput",
            error=shapes.Field(high=ERROR_CHARS, sensitive=True),
            cause=shapes.Field(high=CAUSE_CHARS, sensitive=True),
        ),
        fieldValidationMode=shapes.Field(members=("STRICT", "PRESENT", "NONE")),
    ),
    "context": shapes.PAYLOAD,
    "stateConfiguration": shapes.structure(
        "TestStateConfiguration",
        retrierRetryCount=_COUNT,
        errorCausedByState=_STATE_NAME,
        mapIterationFailureCount=_COUNT,
        mapItemReaderData=shapes.PAYLOAD,
    ),
}


async def test_a_state(engine: Engine, body: Body) -> Body:
    outcome = await test_state(
        request_of(body),
        engine.partition,
        machine=str(uuid.uuid4()),
        name=str(uuid.uuid4()),
        now=time.time_ns() // 1_000_000,
        seed=int.from_bytes(os.urandom(8), "little", signed=True),
        perform=engine.run_alone,
    )
    return answer(outcome, body.get("inspectionLevel") or "INFO")


test_a_state.__test__ = False  # type: ignore[attr-defined]  # no test, whatever the name says to pytest


def request_of(body: Body) -> TestRequest:
    configuration = body.get("stateConfiguration") or {}
    return TestRequest(
        definition=body["definition"],
        state_name=body.get("stateName"),
        input=body.get("input") or "{}",
        variables=body.get("variables"),
        context=body.get("context"),
        role_arn=body.get("roleArn"),
        reveal_secrets=bool(body.get("revealSecrets")),
        mock=_mock(body.get("mock")),
        configuration=StateConfiguration(
            retry_count=configuration.get("retrierRetryCount") or 0,
            error_caused_by=configuration.get("errorCausedByState"),
            failed_iterations=configuration.get("mapIterationFailureCount"),
            item_reader_data=configuration.get("mapItemReaderData"),
        ),
    )


def _mock(given: Body | None) -> Mock | None:
    if given is None:
        return None
    error = given.get("errorOutput")
    return Mock(
        result=given.get("result"),
        failure=None if error is None else Failure(error.get("error"), error.get("cause")),
        validation=given.get("fieldValidationMode") or "STRICT",
    )
