"""A state machine that is deleted while the last of its executions still ends."""

from collections.abc import AsyncIterator

import pytest

from serve.sfn import executions, machines, releases, tags
from serve.sfn.endpoint import Action
from sfc.engine.engine import Engine
from sfc.errors import Conflict, NotFound
from tests.support.engines import memory_engine
from tests.unit.serve.sfn.test_endpoint import PASS, ROLE, STATES

MACHINE = f"{STATES}:stateMachine:one"
BODY = {"name": "one", "definition": PASS, "roleArn": ROLE, "type": "STANDARD", "publish": True}


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    """Of the machine `one`, whose deletion has begun and is not over."""
    engine = memory_engine()
    await engine.open()
    await machines.create_state_machine(engine, BODY)
    await engine.consult(lambda catalog: catalog.delete("one"))
    yield engine
    await engine.close()


@pytest.mark.parametrize("arn", [MACHINE, f"{MACHINE}:1"])
async def test_it_is_described_as_deleting(engine: Engine, arn: str) -> None:
    described = await machines.describe_state_machine(engine, {"stateMachineArn": arn})
    assert (described["status"], described["definition"]) == ("DELETING", PASS)


@pytest.mark.parametrize(
    ("action", "body"),
    [
        (executions.start_execution, {"stateMachineArn": MACHINE, "input": "{}"}),
        (executions.start_execution, {"stateMachineArn": f"{MACHINE}:1", "input": "{}"}),
        (machines.update_state_machine, {"stateMachineArn": MACHINE, "definition": PASS}),
        (releases.publish_state_machine_version, {"stateMachineArn": MACHINE}),
        (
            releases.create_state_machine_alias,
            {
                "name": "live",
                "routingConfiguration": [{"stateMachineVersionArn": f"{MACHINE}:1", "weight": 100}],
            },
        ),
    ],
)
async def test_nothing_new_of_it_is_taken(engine: Engine, action: Action, body: dict[str, object]) -> None:
    with pytest.raises(NotFound, match=f"State Machine is being deleted: '{MACHINE}'") as refused:
        await action(engine, body)
    assert refused.value.code == "StateMachineDeleting"


async def test_its_name_is_not_free_yet(engine: Engine) -> None:
    with pytest.raises(Conflict) as refused:
        await machines.create_state_machine(engine, BODY)
    assert refused.value.code == "StateMachineDeleting"


async def test_it_can_be_deleted_again_and_its_executions_are_listed(engine: Engine) -> None:
    assert await machines.delete_state_machine(engine, {"stateMachineArn": MACHINE}) == {}
    assert await executions.list_executions(engine, {"stateMachineArn": MACHINE}) == {"executions": []}


async def test_it_has_no_tags_any_more(engine: Engine) -> None:
    with pytest.raises(NotFound) as refused:
        await tags.list_tags_for_resource(engine, {"resourceArn": MACHINE})
    assert refused.value.code == "ResourceNotFound"
