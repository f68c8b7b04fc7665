"""Whatever is asked, in whatever order: there is an answer, or an error that says why not."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import botocore.session
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.sfn.endpoint import ACTIONS
from serve.sfn.shapes import check
from sfc.errors import SfcError
from tests.support.engines import memory_engine
from tests.unit.serve.sfn.test_endpoint import FAIL, PASS, ROLE, STATES

MODEL = botocore.session.get_session().get_service_model("stepfunctions")
MACHINES = ("one", "two")
JUNK = st.sampled_from([None, 1, -1, "", "x", "é\0", [], [None], {}, {"x": None}, True, 1.5])
QUALIFIERS = ("", ":1", ":2", ":live", "/Label", "#case")
ARNS = [
    *(f"{STATES}:stateMachine:{name}{qualifier}" for name in MACHINES for qualifier in QUALIFIERS),
    *(f"{STATES}:execution:{name}:{execution}" for name in MACHINES for execution in ("live", "one")),
    f"{STATES}:execution:one/Label:one",
    f"{STATES}:express:one:one:one",
    f"{STATES}:mapRun:one/Label:one",
    f"{STATES}:activity:one",
    "arn:x",
]
TEXTS = {
    "definition": [PASS, FAIL, "{", "[]", json.dumps({"Type": "Pass", "End": True})],
    "name": [*MACHINES, "live", "1", "bad name"],
    "input": ["{}", "1", "{", '{"a": [null]}'],
    "stateName": ["A", "F", "Z"],
    "roleArn": [ROLE],
}


def values(shape: Any, name: str) -> st.SearchStrategy[Any]:
    """What the model lets a member be, and now and then something else."""
    return st.integers(0, 19).flatmap(lambda dice: fitting(shape, name) if dice else JUNK)


def fitting(shape: Any, name: str) -> st.SearchStrategy[Any]:
    match shape.type_name:
        case "structure":
            members = {key: values(member, key) for key, member in shape.members.items()}
            needed = {key: value for key, value in members.items() if key in shape.required_members}
            rest = {key: value for key, value in members.items() if key not in needed}
            return st.fixed_dictionaries(needed, optional=rest)
        case "list":
            return st.lists(values(shape.member, name), max_size=3)
        case "boolean":
            return st.booleans()
        case "string" if shape.enum:
            return st.sampled_from(shape.enum)
        case "string" if name in TEXTS:
            return st.sampled_from(TEXTS[name])
        case "string":
            return st.sampled_from(ARNS if name.lower().endswith("arn") else ["x", "{}"])
        case _:
            return st.sampled_from([0, 1, 50, 100, 1000])


def requests() -> Iterator[st.SearchStrategy[tuple[str, Any]]]:
    for name in MODEL.operation_names:
        if name != "GetActivityTask":  # it waits for a task
            yield st.tuples(st.just(name), fitting(MODEL.operation_model(name).input_shape, ""))


async def answered(asked: list[tuple[str, Any]]) -> None:
    engine = memory_engine()
    await engine.open()
    machines = [
        {"name": "one", "definition": PASS, "roleArn": ROLE, "publish": True},
        {"name": "two", "definition": PASS, "roleArn": ROLE, "type": "EXPRESS"},
    ]
    try:
        for name, body in [*(("CreateStateMachine", machine) for machine in machines), *asked]:
            shape, action = ACTIONS[f"AWSStepFunctions.{name}".encode()]
            with suppress(SfcError):
                check(shape, body)
                json.dumps(await action(engine, body))
    finally:
        await engine.close()


@given(st.lists(st.one_of(*requests()), max_size=12))
@settings(max_examples=100)
def test_every_request_is_answered(asked: list[tuple[str, Any]]) -> None:
    asyncio.run(answered(asked))
