"""What becomes of a job: results, failures, time-outs."""

import asyncio
import json
import threading
from typing import Any

import pytest
from pydantic import BaseModel

from sfc.limits import CAUSE_CHARS, PAYLOAD_BYTES
from sfc.tasks import TaskCancelled, TaskContext, TaskError, TaskRegistry
from sfc.tasks.job import JobResult
from sfc.tasks.runner import JobRunner
from sfc.tasks.threads import Threads
from tests.unit.tasks.conftest import job, output


class Order(BaseModel):
    id: int
    lines: list[str] = []


async def _add_one(value: int) -> int:
    return value + 1


def _slowly_add_one(value: int) -> int:
    return value + 1


@pytest.mark.parametrize("function", [_add_one, _slowly_add_one], ids=["async", "in a thread"])
@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("add", "task:add"),
        ("add", "arn:aws:lambda:us-east-1:123456789012:function:add"),
        ("add", "arn:aws:lambda:us-east-1:123456789012:function:add:$LATEST"),
        ("arn:aws:states:::dynamodb:putItem", "arn:aws:states:::dynamodb:putItem"),
        ("https://*", "https://example.invalid/add"),
    ],
)
async def test_a_handler_does_the_job(
    runner: JobRunner, registry: TaskRegistry, function: Any, name: str, resource: str
) -> None:
    registry.add(name, function)
    result = await runner.run(job(resource, 1))
    assert output(result) == 2
    assert result.began > 0


async def test_the_version_of_a_task_must_be_the_one_asked_for(runner: JobRunner, registry: TaskRegistry) -> None:
    registry.add("add", _add_one, version=2)
    assert output(await runner.run(job("task:add:2", 1))) == 2
    assert (await runner.run(job("task:add:3", 1))).error == "SFC.UnknownTask"


async def test_a_handler_learns_its_job_from_the_context(runner: JobRunner, registry: TaskRegistry) -> None:
    def tell(_value: None, ctx: TaskContext) -> list[Any]:
        return [ctx.execution, ctx.state, ctx.attempt, ctx.idempotency_key, ctx.cancelled]

    registry.add("tell", tell)
    asked = job("task:tell", retry_count=2)
    assert output(await runner.run(asked)) == [asked.execution, "Charge", 2, asked.key, False]


async def test_models_come_in_and_go_out_where_they_are_annotated(runner: JobRunner, registry: TaskRegistry) -> None:
    def grow(order: Order) -> list[Order]:
        return [order, order.model_copy(update={"id": order.id + 1})]

    registry.add("grow", grow)
    assert output(await runner.run(job("task:grow", {"id": 1}))) == [{"id": 1, "lines": []}, {"id": 2, "lines": []}]
    assert (await runner.run(job("task:grow", {"id": "x"}))).error == "ValidationError"


def _raise(error: BaseException) -> Any:
    raise error


def _recurse(value: int) -> int:
    return _recurse(value + 1) + 1


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda _: 1 / 0, "ZeroDivisionError"),
        (lambda _: _raise(SystemExit(3)), "SystemExit"),
        (lambda _: _raise(KeyboardInterrupt()), "KeyboardInterrupt"),
        (lambda _: _raise(StopIteration()), "StopIteration"),
        (lambda _: _raise(MemoryError()), "MemoryError"),
        (lambda _: _raise(ValueError("x" * 1_000_000)), "ValueError"),
        (lambda _: _raise(ValueError("\ud800")), "ValueError"),
        (lambda _: _raise(Unspeakable()), "Unspeakable"),
        (_recurse, "RecursionError"),
    ],
)
@pytest.mark.parametrize("in_thread", [True, False], ids=["in a thread", "async"])
async def test_an_exception_fails_the_task_as_lambda_would(
    runner: JobRunner, registry: TaskRegistry, function: Any, error: str, in_thread: bool
) -> None:
    async def on_the_loop(value: int) -> Any:
        try:
            return function(value)
        except StopIteration as stop:  # Python itself refuses these in coroutines
            raise type("StopIteration", (Exception,), {}) from stop

    registry.add("fail", function if in_thread else on_the_loop)
    registry.add("add", _add_one)
    result = await runner.run(job("task:fail", 1))
    assert result.error == error
    assert result.cause is not None
    assert len(result.cause) <= CAUSE_CHARS
    cause = json.loads(result.cause)
    assert cause["errorType"] == error
    assert set(cause) == {"errorMessage", "errorType", "stackTrace"}
    assert output(await runner.run(job("task:add", 1))) == 2


async def test_the_trace_shows_the_handler_and_not_what_runs_it(runner: JobRunner, registry: TaskRegistry) -> None:
    registry.add("fail", lambda _: 1 / 0)
    cause = json.loads((await runner.run(job("task:fail"))).cause or "")
    assert len(cause["stackTrace"]) == 1
    assert "test_runner.py" in cause["stackTrace"][0]


@pytest.mark.parametrize(
    ("cause", "want"), [("on a list", "on a list"), ({"code": 7}, '{"code":7}'), (None, None), ({1}, "{1}")]
)
async def test_a_handler_may_choose_error_and_cause(
    runner: JobRunner, registry: TaskRegistry, cause: Any, want: str | None
) -> None:
    registry.add("fail", lambda _: _raise(TaskError("FraudSuspected", cause)))
    result = await runner.run(job("task:fail"))
    assert (result.output, result.error, result.cause) == (None, "FraudSuspected", want)


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        float("nan"),
        {"a": [float("inf")]},
        object(),
        {1: 2},
        _nested(220),
        _nested(300),
        b"bytes",
        2**70,
        "\ud800",
    ],
    ids=["set", "NaN", "infinity", "object", "number as key", "deep", "deeper", "bytes", "large", "half a character"],
)
async def test_a_result_that_json_cannot_hold_is_refused(runner: JobRunner, registry: TaskRegistry, value: Any) -> None:
    registry.add("odd", lambda _: value)
    result = await runner.run(job("task:odd"))
    assert result.error == "SFC.InvalidResult"
    assert "task:odd" in (result.cause or "")


async def test_a_result_that_is_too_large_is_refused(runner: JobRunner, registry: TaskRegistry) -> None:
    registry.add("fill", lambda size: "x" * size)
    resource = "arn:aws:lambda:us-east-1:123456789012:function:fill"
    assert len(output(await runner.run(job(resource, PAYLOAD_BYTES - 2)))) == PAYLOAD_BYTES - 2
    result = await runner.run(job(resource, PAYLOAD_BYTES - 1))
    assert result.error == "States.DataLimitExceeded"
    assert (result.cause or "").startswith(f"The state/task '{resource}' returned a result with a size exceeding")


@pytest.mark.parametrize("resource", ["task:nobody", "arn:aws:states:::nobody:does", "nonsense", ""])
async def test_what_nobody_does_fails_the_task(runner: JobRunner, resource: str) -> None:
    assert (await runner.run(job(resource))).error == "SFC.UnknownTask"


async def test_an_async_handler_is_stopped_at_its_time_out(runner: JobRunner, registry: TaskRegistry) -> None:
    stopped = asyncio.Event()

    async def wait(_: None) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    registry.add("wait", wait)
    result = await runner.run(job("task:wait", timeout_s=0.01))
    assert (result.error, result.cause) == ("States.Timeout", None)
    await stopped.wait()


async def test_a_thread_past_its_time_out_is_lost_and_replaced(runner: JobRunner, registry: TaskRegistry) -> None:
    release = threading.Event()
    contexts: list[TaskContext] = []

    def hang(_: None, ctx: TaskContext) -> None:
        contexts.append(ctx)
        release.wait()

    registry.add("hang", hang)
    registry.add("add", _slowly_add_one)
    hung = [runner.run(job("task:hang", key=f"hung-{n}", timeout_s=0.01)) for n in range(2)]
    assert [result.error for result in await asyncio.gather(*hung)] == ["States.Timeout"] * 2
    assert runner.lost_threads == 2
    assert output(await runner.run(job("task:add", 1))) == 2  # though the two threads still hang
    with pytest.raises(TaskCancelled):
        contexts[0].heartbeat()
    release.set()
    while runner.lost_threads:  # noqa: ASYNC110 - the thread itself tells nobody
        await asyncio.sleep(0)


async def test_the_time_out_of_the_registration_holds_where_the_job_has_none(
    runner: JobRunner, registry: TaskRegistry
) -> None:
    async def wait(_: None) -> None:
        await asyncio.Event().wait()

    registry.add("wait", wait, timeout_s=0.01)
    assert (await runner.run(job("task:wait"))).error == "States.Timeout"


async def test_silence_is_a_heartbeat_time_out_and_a_beat_is_not(runner: JobRunner, registry: TaskRegistry) -> None:
    async def beat(times: int, ctx: TaskContext) -> None:
        for _ in range(times):
            ctx.heartbeat()
            await asyncio.sleep(0.02)
        await asyncio.Event().wait()

    registry.add("beat", beat)
    result = await runner.run(job("task:beat", 5, heartbeat_s=0.05))
    assert result.error == "States.HeartbeatTimeout"


async def test_a_cancelled_job_gives_no_result(runner: JobRunner, registry: TaskRegistry) -> None:
    begun = asyncio.Event()

    async def wait(_: None) -> None:
        begun.set()
        await asyncio.Event().wait()

    registry.add("wait", wait)
    results: list[JobResult] = []
    runner.begin(job("task:wait"), results.append)
    await begun.wait()
    runner.cancel(["1:2:3"])
    await asyncio.sleep(0)
    assert runner.running == 0
    assert results == []


async def test_handlers_that_wait_do_not_hold_others_up_and_have_a_task_of_their_own(
    runner: JobRunner, registry: TaskRegistry
) -> None:
    tasks: set[Any] = set()
    gate = asyncio.Event()

    async def meet(number: int) -> int:
        async with asyncio.timeout(60):
            tasks.add(asyncio.current_task())
            if number == 19:
                gate.set()
            await gate.wait()
        return number

    registry.add("meet", meet)
    results = await asyncio.gather(*(runner.run(job("task:meet", n, key=str(n))) for n in range(20)))
    assert [output(result) for result in results] == list(range(20))
    assert len(tasks) == 20


async def test_an_unknown_function_is_not_found_as_lambda_words_it(runner: JobRunner) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:no_such"
    for asked in (job(arn), job("arn:aws:states:::lambda:invoke", {"FunctionName": arn, "Payload": {}})):
        result = await runner.run(asked)
        assert result.error == "Lambda.ResourceNotFoundException"
        assert (result.cause or "").startswith(
            f"Function not found: {arn}:$LATEST (Service: AWSLambda; Status Code: 404; "
            "Error Code: ResourceNotFoundException; Request ID: "
        )


async def test_lambda_invoke_of_a_handler_wraps_its_result(runner: JobRunner, registry: TaskRegistry) -> None:
    registry.add("add", _add_one)
    result = output(await runner.run(job("arn:aws:states:::lambda:invoke", {"FunctionName": "add", "Payload": 1})))
    assert set(result) == {"ExecutedVersion", "Payload", "SdkHttpMetadata", "SdkResponseMetadata", "StatusCode"}
    assert (result["Payload"], result["StatusCode"], result["ExecutedVersion"]) == (2, 200, "$LATEST")


async def test_a_job_that_gets_no_thread_in_time_fails_unbegun_and_one_that_has_begun_goes_on(
    runner: JobRunner, registry: TaskRegistry
) -> None:
    """Two threads: the third job waits for one."""
    begun: list[int] = []
    go = threading.Event()

    def hold(value: int) -> int:
        begun.append(value)
        go.wait(60)
        return value

    registry.add("hold", hold)
    held = [asyncio.ensure_future(runner.run(job("task:hold", n, key=f"held-{n}", queue_s=30.0))) for n in range(2)]
    while len(begun) < 2:  # noqa: ASYNC110 - threads tell nobody
        await asyncio.sleep(0)
    late = await runner.run(job("task:hold", 2, key="late", queue_s=0.0))
    assert (late.error, late.began) == ("SFC.QueueTimeout", 0)
    assert runner.lost_threads == 0
    go.set()
    assert sorted(output(result) for result in await asyncio.gather(*held)) == [0, 1]
    assert output(await runner.run(job("task:hold", 3, key="next", queue_s=30.0))) == 3
    assert sorted(begun) == [0, 1, 3]


async def test_a_thread_that_has_begun_a_call_wins_over_its_withdrawal(registry: TaskRegistry) -> None:
    threads = Threads(1)
    begun, go = threading.Event(), threading.Event()

    def hold() -> str:
        begun.set()
        go.wait(60)
        return "done"

    call = threads.submit(hold, lambda: None)
    waits = threads.submit(lambda: "never", lambda: None)
    await asyncio.to_thread(begun.wait, 60)
    assert (threads.withdraw(call), threads.withdraw(waits)) == (False, True)
    go.set()
    assert await call.future == "done"
    assert threads.withdraw(call) is False
    assert await threads.submit(lambda: "next", lambda: None).future == "next"
    assert not waits.future.done()
    threads.close()
