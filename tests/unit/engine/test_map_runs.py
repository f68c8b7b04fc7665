"""Map Runs on the engine: children, their ends, limits, stops, and what is told of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from sfc.engine.records import ExecutionRecord
from sfc.errors import InvalidArn, InvalidRequest, InvalidToken, NotFound
from tests.unit.engine.conftest import House, until

WORK = {"StartAt": "Work", "States": {"Work": {"Type": "Task", "Resource": "task:work", "End": True}}}
KINDS = pytest.mark.parametrize("kind", ["EXPRESS", "STANDARD"])


def mapping(kind: str, body: dict[str, Any] | None = None, **more: Any) -> str:
    processor = {**(body or WORK), "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}}
    state = {"Type": "Map", "Label": "Each", "ItemProcessor": processor, "End": True, **more}
    return json.dumps({"StartAt": "Each", "States": {"Each": state}})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path.resolve()


def write(file: Path, text: str) -> None:
    file.write_text(text)


def read(file: Path) -> str:
    return file.read_text()


async def begin(house: House, definition: str, items: Any, jobs: int) -> ExecutionRecord:
    """Start a Map and wait until so many jobs are out."""
    await house.engine.blueprints.create("maps", definition)
    record = await house.engine.start("maps", json.dumps(items), "parent")
    await until(lambda: len(house.workers.out) == jobs)
    return record


async def ended(house: House, record: ExecutionRecord) -> ExecutionRecord:
    found = await house.engine.wait(record.arn, 5)
    assert found.status != "RUNNING"
    return found


async def the_run(house: House, record: ExecutionRecord) -> Any:
    (run,) = (await house.engine.list_map_runs(record.arn)).items
    return run


@KINDS
async def test_children_run_as_many_at_once_as_may_be_and_results_keep_the_order(house: House, kind: str) -> None:
    record = await begin(house, mapping(kind, MaxConcurrency=2), [1, 2, 3, 4], jobs=2)
    run = await the_run(house, record)
    assert (run.status, run.max_concurrency, run.children.running, run.children.pending) == ("RUNNING", 2, 2, 2)
    for _ in range(4):
        await until(lambda: len(house.workers.out) > 0)
        job = max(house.workers.out.values(), key=lambda each: int(each.input))
        house.workers.answer(job, json.dumps(int(job.input) * 10))
    assert (await ended(house, record)).output == "[10,20,30,40]"
    run = await the_run(house, record)
    assert (run.status, run.items.succeeded, run.items.total, run.stopped_at) == ("SUCCEEDED", 4, 4, house.now)


@KINDS
async def test_a_failed_child_fails_the_map_and_stops_the_others(house: House, kind: str) -> None:
    record = await begin(house, mapping(kind), [1, 2, 3], jobs=3)
    house.workers.answer(next(iter(house.workers.out.values())), None, "Bad")
    done = await ended(house, record)
    assert (done.status, done.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    await until(lambda: not house.workers.out)
    run = await the_run(house, record)
    assert (run.status, run.children.failed, run.children.aborted, run.children.running) == ("FAILED", 1, 2, 0)


@KINDS
async def test_stopping_the_parent_stops_its_children(house: House, kind: str) -> None:
    record = await begin(house, mapping(kind), [1, 2], jobs=2)
    await house.engine.stop(record.arn)
    await until(lambda: not house.workers.out)
    run = await the_run(house, record)
    assert (run.status, run.children.aborted) == ("ABORTED", 2)
    if kind == "STANDARD":
        await house.engine.advance()
        children = (await house.engine.list_children(run.arn)).items
        assert [child.status for child in children] == ["ABORTED", "ABORTED"]


async def test_standard_children_are_executions_of_their_own(house: House) -> None:
    record = await begin(house, mapping("STANDARD"), ["a", "b"], jobs=2)
    run = await the_run(house, record)
    first, second = (await house.engine.list_children(run.arn)).items
    assert first.arn.startswith("arn:aws:states:us-east-1:123456789012:execution:maps/Each:")
    assert (first.map_run_arn, first.machine_arn) == (run.arn, run.machine_arn)
    assert sorted([first.input or "", second.input or ""]) == ["", ""], "lists tell no inputs"
    child = await house.engine.describe(second.arn)
    assert (child.input, child.status, child.map_run_arn) == ('"a"', "RUNNING", run.arn)
    events = (await house.engine.history(second.arn)).items
    assert [event["type"] for event in events][:3] == ["ExecutionStarted", "TaskStateEntered", "TaskScheduled"]
    page = await house.engine.list_children(run.arn, limit=1)
    rest = await house.engine.list_children(run.arn, limit=1, token=page.next_token)
    assert [page.items[0].arn, rest.items[0].arn] == [first.arn, second.arn]
    assert (await house.engine.list_children(run.arn, "FAILED")).items == []
    assert [each.arn for each in (await house.engine.list("maps")).items] == [record.arn]


async def test_children_see_their_own_context_and_nothing_of_the_parents_variables(house: House) -> None:
    shown = {"m.$": "$$.StateMachine.Name", "n.$": "$$.Execution.Name", "in.$": "$"}
    body = {"StartAt": "Tell", "States": {"Tell": {"Type": "Pass", "Parameters": shown, "End": True}}}
    await house.engine.blueprints.create("maps", mapping("EXPRESS", body, ItemSelector={"i.$": "$$.Map.Item.Index"}))
    record = await house.engine.start("maps", "[7]", "parent")
    (told,) = json.loads((await ended(house, record)).output or "")
    run = await the_run(house, record)
    assert told["in"] == {"i": 0}
    assert told["m"] == "maps/Each"
    assert told["n"][:24] == run.arn.rpartition(":")[2][:24]


@KINDS
async def test_a_new_engine_goes_on_and_repeats_no_ended_child(house: House, kind: str) -> None:
    record = await begin(house, mapping(kind, MaxConcurrency=3), [1, 2, 3, 4, 5], jobs=3)
    job = next(iter(house.workers.out.values()))
    house.workers.answer(job, "100")
    await until(lambda: len(house.workers.sent) == 4)
    await house.engine.advance()
    await until(lambda: b"100" in b"".join(row.data for row in house.store.journal(record.id)))
    before = len(house.workers.sent)
    await house.reopen()
    await until(lambda: len(house.workers.out) == 3)
    assert job.input not in {each.input for each in house.workers.out.values()}
    if kind == "STANDARD":
        assert set(house.workers.sent[before:]) <= set(house.workers.sent[:before]), "the very same jobs"
    while (await house.engine.describe(record.arn)).status == "RUNNING":
        for each in list(house.workers.out.values()):
            house.workers.answer(each, each.input.decode())
        await house.engine.advance()
    assert json.loads((await ended(house, record)).output or "") == [100, 2, 3, 4, 5]


async def test_children_that_a_dead_engine_could_not_stop_are_stopped_by_the_next(house: House) -> None:
    record = await begin(house, mapping("STANDARD"), [1, 2], jobs=2)
    run = await the_run(house, record)
    children = (await house.engine.list_children(run.arn)).items
    stop = house.engine._stops.stop

    async def only_the_parent(row: Any, failure: Any) -> int:
        assert row.name == "parent", "dead"
        return await stop(row, failure)

    house.engine._stops.stop = only_the_parent  # type: ignore[method-assign]
    await house.engine.stop(record.arn)
    await house.reopen()
    for child in children:
        assert (await ended(house, child)).status == "ABORTED"


async def test_limits_are_changed_while_it_goes_on(house: House) -> None:
    record = await begin(house, mapping("EXPRESS", MaxConcurrency=1), [1, 2, 3], jobs=1)
    run = await the_run(house, record)
    await house.engine.update_map_run(run.arn, max_concurrency=3, tolerated_failure_percentage=50.0)
    await until(lambda: len(house.workers.out) == 3)
    run = await house.engine.describe_map_run(run.arn)
    assert (run.max_concurrency, run.tolerated_failure_count, run.tolerated_failure_percentage) == (3, 0, 50.0)
    for number, job in enumerate(list(house.workers.out.values())):
        house.workers.answer(job, None if number == 0 else "1", "Bad" if number == 0 else None)
    assert (await ended(house, record)).status == "SUCCEEDED"
    with pytest.raises(InvalidRequest, match="is not running"):
        await house.engine.update_map_run(run.arn, max_concurrency=1)


async def test_unknown_map_runs_and_executions_are_not_found(house: House) -> None:
    record = await begin(house, mapping("EXPRESS"), [1], jobs=1)
    run = await the_run(house, record)
    for arn in (run.arn[:-1] + "1", run.arn.replace("maps/", "other/"), run.arn[:-36] + "nothing"):
        with pytest.raises(NotFound):
            await house.engine.describe_map_run(arn)
    with pytest.raises(InvalidArn):
        await house.engine.describe_map_run(record.arn)
    with pytest.raises(NotFound):
        await house.engine.list_map_runs(record.arn + "x")
    with pytest.raises(InvalidToken):
        await house.engine.list_map_runs(record.arn, token="no token")


async def test_map_runs_of_an_execution_come_newest_first_in_pages(house: House) -> None:
    body = {"StartAt": "Go", "States": {"Go": {"Type": "Pass", "End": True}}}
    one = json.loads(mapping("EXPRESS", body))["States"]["Each"]
    states = {f"M{number}": {**one, "Label": f"L{number}", "Next": f"M{number + 1}"} for number in range(3)}
    for state in states.values():
        del state["End"]
    states["M3"] = {**one, "Label": "L3"}
    for number, state in enumerate(states.values()):
        state["ItemProcessor"] = {**one["ItemProcessor"], "StartAt": f"G{number}",
                                  "States": {f"G{number}": {"Type": "Pass", "End": True}}}  # fmt: skip
    await house.engine.blueprints.create("maps", json.dumps({"StartAt": "M0", "States": states}))
    record = await ended(house, await house.engine.start("maps", "[1]", "parent"))
    page = await house.engine.list_map_runs(record.arn, limit=3)
    rest = await house.engine.list_map_runs(record.arn, limit=3, token=page.next_token)
    labels = [run.machine_arn.rpartition("/")[2] for run in (*page.items, *rest.items)]
    assert (labels, rest.next_token) == (["L3", "L2", "L1", "L0"], None)


async def test_maps_inside_the_children_of_maps_work(house: House) -> None:
    inner = json.loads(
        mapping("STANDARD", {"StartAt": "Go", "States": {"Go": {"Type": "Pass", "End": True}}}, Label="In")
    )
    inner["States"]["Inner"] = inner["States"].pop("Each")
    inner["StartAt"] = "Inner"
    await house.engine.blueprints.create("maps", mapping("STANDARD", inner))
    record = await house.engine.start("maps", "[[1, 2], [3]]", "parent")
    assert (await ended(house, record)).output == "[[1,2],[3]]"
    run = await the_run(house, record)
    child = (await house.engine.list_children(run.arn)).items[-1]
    (within,) = (await house.engine.list_map_runs(child.arn)).items
    assert within.arn.startswith("arn:aws:states:us-east-1:123456789012:mapRun:maps/In:")
    assert (await house.engine.describe_map_run(within.arn)).execution_arn == child.arn


async def test_a_deleted_machine_takes_the_children_of_its_maps_along(house: House) -> None:
    record = await begin(house, mapping("STANDARD"), [1, 2], jobs=2)
    ids = [child.id for child in (await house.engine.list_children((await the_run(house, record)).arn)).items]
    await house.engine.blueprints.delete("maps")
    await until(lambda: all(house.store.get(id) is None for id in (*ids, record.id)))


@pytest.mark.parametrize(
    ("text", "error"),
    [("{}", "States.ItemReaderFailed"), ("[1, 2", "States.ItemReaderFailed"), (None, "States.ItemReaderFailed")],
)
async def test_a_file_that_cannot_be_read_fails_the_state(
    house: House, folder: Path, text: str | None, error: str
) -> None:
    house.roots = (str(folder),)
    await house.reopen()
    if text is not None:
        write(folder / "items.json", text)
    parameters = {"Bucket": f"file://{folder}", "Key": "items.json"}
    reader = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": parameters}
    await house.engine.blueprints.create("maps", mapping("EXPRESS", ItemReader=reader, ToleratedFailurePercentage=100))
    record = await house.engine.start("maps", "{}", "parent")
    while not (await house.engine.describe(record.arn)).stopped_at:
        for job in list(house.workers.out.values()):
            house.workers.answer(job)
        await house.engine.advance()
    assert (await ended(house, record)).error == error


async def test_results_above_the_limit_need_a_result_writer(house: House, folder: Path) -> None:
    house.roots = (str(folder),)
    await house.reopen()
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": f"file://{folder}"}}
    outcomes = []
    for name, more in (("without", {}), ("with", {"ResultWriter": writer})):
        await house.engine.blueprints.create(name, mapping("EXPRESS", **more))
        record = await house.engine.start(name, "[1, 2]", "parent")
        await until(lambda: len(house.workers.out) == 2)
        for job in list(house.workers.out.values()):
            house.workers.answer(job, json.dumps("x" * 200_000))
        done = await ended(house, record)
        outcomes.append((done.status, done.error))
    assert outcomes == [("FAILED", "States.DataLimitExceeded"), ("SUCCEEDED", None)]


async def test_express_children_are_told_of_once_they_have_ended(house: House) -> None:
    record = await begin(house, mapping("EXPRESS", ToleratedFailureCount=1, MaxConcurrency=1), [1, 2, 3], jobs=1)
    for number in range(3):
        await until(lambda: len(house.workers.out) == 1)
        house.workers.answer(house.workers.only(), "7", "Bad" if number == 1 else None)
    await ended(house, record)
    run = await the_run(house, record)
    page = await house.engine.list_children(run.arn, limit=2)
    rest = await house.engine.list_children(run.arn, limit=2, token=page.next_token)
    assert [each.status for each in (*page.items, *rest.items)] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    (failed,) = (await house.engine.list_children(run.arn, "FAILED")).items
    child = await house.engine.describe(failed.arn)
    assert (child.kind, child.status, child.error, child.input) == ("EXPRESS", "FAILED", "Bad", "2")
    assert (child.map_run_arn, child.machine_arn) == (run.arn, run.machine_arn)
    for arn in (failed.arn[:-1] + "9", failed.arn.replace("maps/", "other/")):
        with pytest.raises(NotFound):
            await house.engine.describe(arn)


async def test_every_field_may_be_an_expression_in_jsonata(house: House, folder: Path) -> None:
    house.roots = (str(folder),)
    await house.reopen()
    write(folder / "in.json", json.dumps({"data": {"items": [{"n": number} for number in range(5)]}}))
    state = {
        "Type": "Map", "Label": "Each", "End": True, "MaxConcurrency": "{% $most %}",
        "ToleratedFailurePercentage": "{% $states.input.tolerated %}",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON", "ItemsPointer": "/data/items", "MaxItems": "{% $most + 1 %}"},
            "Arguments": {"Bucket": f"file://{folder}", "Key": "{% $states.input.key %}"},
        },
        "ItemSelector": {"v": "{% $states.context.Map.Item.Value.n * 10 %}", "most": "{% $most %}"},
        "ItemBatcher": {"MaxItemsPerBatch": "{% $most %}", "BatchInput": {"key": "{% $states.input.key %}"}},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            "StartAt": "Go", "States": {"Go": {"Type": "Pass", "End": True}},
        },
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Arguments": {"Bucket": f"file://{folder}", "Prefix": "{% 'out' & $most %}"},
            "WriterConfig": {"OutputType": "JSON", "Transformation": "COMPACT"},
        },
        "Output": "{% $states.result.ResultWriterDetails.Key %}",
    }  # fmt: skip
    assign = {"Type": "Pass", "Assign": {"most": 3}, "Next": "Each"}
    machine = {"QueryLanguage": "JSONata", "StartAt": "Set", "States": {"Set": assign, "Each": state}}
    await house.engine.blueprints.create("maps", json.dumps(machine))
    record = await ended(house, await house.engine.start("maps", '{"key": "in.json", "tolerated": 2.5}', "parent"))
    assert record.status == "SUCCEEDED", record
    key = json.loads(record.output or "")
    assert key.startswith("out3/")
    run = await the_run(house, record)
    assert (run.max_concurrency, run.tolerated_failure_percentage, run.items.total, run.children.total) == (
        3,
        2.5,
        4,
        2,
    )
    results = json.loads(read(folder / key.replace("manifest", "SUCCEEDED_0")))
    assert sorted(results, key=lambda each: len(each["Items"])) == [
        {"BatchInput": {"key": "in.json"}, "Items": [{"v": 30, "most": 3}]},
        {"BatchInput": {"key": "in.json"}, "Items": [{"v": value, "most": 3} for value in (0, 10, 20)]},
    ]
