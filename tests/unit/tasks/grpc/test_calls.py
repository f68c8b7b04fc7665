"""Tasks that are gRPC methods, against a real server on loopback."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sfc.tasks import TaskError
from sfc.tasks.grpc import tasks
from sfc.tasks.grpc.tasks import GrpcTasks
from sfc.tasks.runner import JobRunner
from tests.support.grpc_shop import Shop
from tests.unit.tasks.conftest import job, output

ORDER = {"orderId": "o-1", "amount": {"currency": "EUR", "minorUnits": "1250"}}


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with Shop() as shop:
        yield shop


async def test_a_method_is_called_by_what_the_server_says_of_itself(runner: JobRunner, shop: Shop) -> None:
    answer = output(await runner.run(job(shop.url("Charge"), ORDER)))
    key, trace, has_deadline = answer.pop("told")
    assert answer == {"orderId": "o-1", "paid": True, "paidAt": "2023-11-14T22:13:20Z"}
    assert (key, trace[:3], len(trace), has_deadline) == ("1:2:3", "00-", 55, "False")


async def test_original_names_and_numbers_are_taken_too_and_defaults_are_there(runner: JobRunner, shop: Shop) -> None:
    answer = output(await runner.run(job(shop.url("Charge"), {"order_id": "o", "amount": {"minor_units": 0}})))
    assert (answer["orderId"], answer["paid"]) == ("o", False)


async def test_a_server_is_asked_once_for_many_jobs_and_learns_of_an_update(
    runner: JobRunner, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [job(shop.url("Charge"), ORDER, key=f"1:{number}:1") for number in range(20)]
    results = await asyncio.gather(*map(runner.run, jobs))
    assert (len([each for each in results if each.output]), shop.asked) == (20, 1)
    assert (await runner.run(job(shop.url("Charge"), {"note": "x"}))).error == "SFC.InvalidInput"
    shop.describe(extra=True)
    monkeypatch.setattr(tasks, "_MISSED_S", 0.0)
    assert (await runner.run(job(shop.url("Charge"), {"note": "x"}))).error is None


async def test_a_stream_of_answers_becomes_a_list(runner: JobRunner, shop: Shop) -> None:
    answers = output(await runner.run(job(shop.url("List"), {"orderId": "o", "amount": {"minorUnits": 3}})))
    assert [each["orderId"] for each in answers] == ["o-0", "o-1", "o-2"]
    result = await runner.run(job(shop.url("List"), {"orderId": "o" * 1000, "amount": {"minorUnits": 100_000}}))
    assert result.error == "States.DataLimitExceeded"


@pytest.mark.parametrize("code", ["UNAVAILABLE", "NOT_FOUND", "FAILED_PRECONDITION", "DEADLINE_EXCEEDED"])
async def test_a_status_code_is_the_error(runner: JobRunner, shop: Shop, code: str) -> None:
    result = await runner.run(job(shop.url("Refuse"), {"orderId": code}))
    assert (result.error, result.cause) == (f"Grpc.{code}", "no funds")


async def test_the_time_out_of_the_state_is_the_deadline(runner: JobRunner, shop: Shop) -> None:
    answer = output(await runner.run(job(shop.url("Charge"), ORDER, timeout_s=30)))
    assert answer["told"][2] == "True"
    assert (await runner.run(job(shop.url("Sleep"), {}, timeout_s=0.05))).error == "States.Timeout"
    calls = GrpcTasks()  # without the worker's own clock
    with pytest.raises(TaskError) as failed:
        await calls.find(shop.url("Sleep"))(job(shop.url("Sleep"), {}, timeout_s=0.05), None)
    assert failed.value.error == "States.Timeout"
    await calls.close()


@pytest.mark.parametrize(
    ("method", "value", "error", "said"),
    [
        ("Charge", {"amount": {"minorUnit": 1}}, "SFC.InvalidInput", 'no field named "minorUnit" at "Order.amount"'),
        ("Charge", {"amount": {"minorUnits": "x"}}, "SFC.InvalidInput", "minorUnits"),
        ("Charge", [], "SFC.InvalidInput", "must be an object"),
        ("Refund", {}, "Grpc.UNIMPLEMENTED", "has no method 'Refund'; it has: Charge, List"),
        ("Upload", {}, "SFC.UnknownTask", "a stream of requests"),
    ],
)
async def test_what_does_not_fit_is_told(
    runner: JobRunner, shop: Shop, method: str, value: Any, error: str, said: str
) -> None:
    result = await runner.run(job(shop.url(method), value))
    assert (result.error, said in str(result.cause)) == (error, True), result


async def test_an_unknown_service_and_a_server_that_is_away_are_told(runner: JobRunner, shop: Shop) -> None:
    unknown = await runner.run(job(shop.url("Charge").replace("shop.v1.Pay", "shop.v2.Pay"), {}))
    assert (unknown.error, "has no service shop.v2.Pay" in str(unknown.cause)) == ("Grpc.UNIMPLEMENTED", True)
    assert (await runner.run(job("grpc://127.0.0.1:1/shop.v1.Pay/Charge", {}))).error == "Grpc.UNAVAILABLE"
    refused = await runner.run(job("grpc://169.254.169.254:80/shop.v1.Pay/Charge", {}))
    assert refused.error == "SFC.EgressRefused"


async def test_a_descriptor_set_stands_in_for_reflection() -> None:
    async with Shop(reflects=False) as shop:
        calls = GrpcTasks()
        with pytest.raises(TaskError, match="UNIMPLEMENTED"):
            await calls.find(shop.url("Charge"))(job(shop.url("Charge"), ORDER), None)
        answer: Any = await calls.find(shop.url("Charge"), shop.descriptor_set)(job("", ORDER), None)
        assert answer["orderId"] == "o-1"
        with pytest.raises(TaskError, match="InvalidDescriptors"):
            calls.find(shop.url("Charge"), b"no descriptors")
        await calls.close()


async def test_idle_channels_beyond_the_limit_are_closed_and_busy_ones_never(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "GRPC_CHANNELS", 1)
    async with Shop() as other:
        calls = GrpcTasks()
        busy = asyncio.ensure_future(calls.find(shop.url("Sleep"))(job("", {}), None))
        for _ in range(2):
            await calls.find(other.url("Charge"))(job("", ORDER), None)
        assert not busy.done()
        busy.cancel()
        await asyncio.gather(busy, return_exceptions=True)
        assert len(calls._servers) == 1
        await calls.close()
