"""Executions that wait for children, tokens and activities, on an engine that dies at any commit: every start happens
once, every acknowledged answer counts once, and nothing is left behind.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sfc.engine import callbacks
from sfc.errors import SfcError
from sfc.interpreter.entries import ACTIVITY_STARTED, TASK_SUCCEEDED
from sfc.interpreter.task_token import TokenPlace, read
from tests.simulation.world import ROLE, World, replayed

SEEDS = 12
RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 9}]
CHILD = json.dumps({"StartAt": "Work", "States": {"Work": {"Type": "Task", "Resource": "task:work", "End": True}}})


def waiting(name: str, resource: str, **more: Any) -> dict[str, Any]:
    """A branch whose one task waits; it is tried again, and given up in the end."""
    odd = f"{name}Odd"
    state = {
        "Type": "Task",
        "Resource": resource,
        "Retry": RETRY,
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": odd}],
        "End": True,
        **more,
    }
    return {"StartAt": name, "States": {name: state, odd: {"Type": "Succeed"}}}


START = {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:child"}
PARENT = json.dumps({
    "StartAt": "All",
    "States": {
        "All": {"Type": "Parallel", "Next": "Last", "Branches": [
            waiting("Sync", "arn:aws:states:::states:startExecution.sync:2", Parameters=START, TimeoutSeconds=300),
            waiting("Plain", "arn:aws:states:::states:startExecution", Parameters=START),
            waiting("Ask", "arn:aws:states:::sqs:sendMessage.waitForTaskToken", TimeoutSeconds=120, HeartbeatSeconds=60,
                    Parameters={"Token.$": "$$.Task.Token"}),
            waiting("Pack", "arn:aws:states:us-east-1:123456789012:activity:pack", TimeoutSeconds=200),
        ]},
        "Last": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync", "Parameters": START,
                 "Retry": RETRY, "End": True},
    },
})  # fmt: skip


class WaitingWorld(World):
    machine = "parent"

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.taken: list[str] = []
        self.answered: list[str] = []
        """Tokens whose success was acknowledged."""
        self.over: set[str] = set()
        """Tokens that nobody waits for."""

    async def ask(self, call: Callable[[], Awaitable[None]]) -> bool:
        try:
            await asyncio.wait_for(call(), 2)
        except (SfcError, TimeoutError):
            return False
        return True

    def tokens(self) -> list[str]:
        asked = [json.loads(job.input) for job in self.workers.seen.values() if b"Token" in job.input]
        return [str(each["Token"]) for each in asked] + self.taken

    async def take(self) -> None:
        task = None

        async def call() -> None:
            nonlocal task
            task = await self.engine.get_activity_task("pack", "w")

        if await self.ask(call) and task is not None:
            self.taken.append(task.token)

    async def succeed(self, token: str) -> None:
        if await self.ask(lambda: self.engine.send_task_success(token, "[3]")):
            self.answered.append(token)

    async def act(self) -> None:
        what, tokens = self.chance.random(), self.tokens()
        if what < 0.15:
            await self.take()
        elif what < 0.3 and tokens:
            await self.succeed(self.chance.choice(tokens))
        elif what < 0.35 and tokens:
            token = self.chance.choice(tokens)
            await self.ask(lambda: self.engine.send_task_failure(token, "Busy"))
        elif what < 0.4 and tokens:
            token = self.chance.choice(tokens)
            await self.ask(lambda: self.engine.send_task_heartbeat(token))
        elif what < 0.42 and self.acknowledged:
            arn = self.chance.choice(sorted(self.acknowledged))
            await self.ask(lambda: self.stop(arn))
        await super().act()

    async def stop(self, arn: str) -> None:
        await self.engine.stop(arn, "Enough")

    async def settle(self) -> None:
        await super().settle()
        await asyncio.sleep(0.0005)  # executions that left memory are read in threads

    async def answer_all(self) -> None:
        await super().answer_all()
        await self.settle()
        await self.take()
        for token in self.tokens():
            if token not in self.over:
                self.over.add(token)
                await self.succeed(token)


def journalled(world: WaitingWorld, kind: int, place: TokenPlace) -> int:
    return sum(
        (row.kind, row.task, row.attempt) == (kind, place.task, place.attempt)
        for row in world.store.journal(place.execution)
    )


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_what_waits_goes_on_once_whenever_the_engine_dies(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "_ACCEPTANCE_S", 0)
    world = WaitingWorld(seed)
    await world.begin(mortal=False)
    await world.engine.blueprints.create("child", CHILD, role_arn=ROLE)
    await world.engine.blueprints.create("parent", PARENT, role_arn=ROLE)
    await world.engine.consult(lambda catalog: catalog.activities.create("pack"))
    await world.engine.close()
    await world.begin()
    for _ in range(100):
        await world.act()
    await world.finish()
    for arn in world.acknowledged:
        record = await world.engine.describe(arn)
        assert record.status in ("SUCCEEDED", "FAILED", "ABORTED"), (seed, record)
        assert replayed(world.store, world.catalog, record.id).status == record.status
    starts = [child.parent for child in world.store.children_ever]
    left = world.store.children_ever
    assert len(starts) == len(set(starts)), "a task started two children"
    assert len((await world.engine.list("child", limit=1000)).items) == len(starts)
    for token in world.answered:
        place = read(world.store.secret(), token)
        assert place is not None
        assert journalled(world, TASK_SUCCEEDED, place) == 1
    assert len(set(world.answered)) == len(world.answered)
    for token in world.taken:
        place = read(world.store.secret(), token)
        assert place is not None
        assert journalled(world, ACTIVITY_STARTED, place) == 1
    for _ in range(200):  # the last rows go after the ends that they were kept for
        left = [child for start in starts for child in world.store.children(start.execution)]
        if not left:
            break
        await world.settle()
    assert left == []
    assert world.store.queue("pack", 10) == []
    await world.engine.close()
