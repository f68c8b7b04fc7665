"""A distributed Map in the interpreter: what facts about its Map Run lead to."""

import json
from typing import Any

import pytest

from sfc.asl.expression import Failure
from sfc.interpreter.children import ChildEnd, encode_ends
from sfc.interpreter.commands import CloseMapRun, StartMapRun, WriteResults
from sfc.interpreter.entries import (
    ItemsFinished,
    ItemsRead,
    MapRunFailed,
    MapRunUpdated,
    ResultsWritten,
    Stopped,
    decode,
    encode,
)
from sfc.interpreter.map_run import MapRun
from sfc.interpreter.map_specs import BatchSpec, ReaderSpec, WriterSpec
from sfc.interpreter.states.map_run import select
from tests.support.play import Play, compiled, count, outcome

WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}}
READER = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket.$": "$.bucket", "Key": "k"}}


def mapping(kind: str = "EXPRESS", **more: Any) -> dict[str, Any]:
    body = {
        "StartAt": "Work", "States": {"Work": {"Type": "Pass", "End": True}},
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
    }  # fmt: skip
    return {"Type": "Map", "Label": "L", "ItemProcessor": body, "End": True, **more}


class MapPlay(Play):
    """An execution whose only state is a distributed Map."""

    def __init__(self, value: Any = None, states: dict[str, Any] | None = None, **more: Any) -> None:
        named = states or {"Each": mapping(**more)}
        super().__init__(
            compiled({"StartAt": next(iter(named)), "States": named}), [1, 2, 3] if value is None else value
        )

    @property
    def at(self) -> dict[str, int]:
        ((task, _map_run),) = self.run.map_runs.items()
        return {"at": self.now, "task": task, "attempt": self.run.expected[task].attempt}

    @property
    def map_run(self) -> MapRun:
        return self.run.told_map_runs[-1]

    def read(self, children: int, items: int | None = None, *, last: bool = True, place: Any = None) -> None:
        given = json.dumps(place).encode()
        self.feed(ItemsRead(**self.at, children=children, items=items or children, place=given, last=last))

    def ended(self, *ends: tuple[int, str], items: int = 1) -> None:
        data = encode_ends([ChildEnd(number, items, status, output=b"0") for number, status in ends])  # type: ignore[arg-type]
        self.feed(ItemsFinished(**self.at, ends=data))

    def written(self, output: Any = None) -> None:
        self.feed(ResultsWritten(**self.at, output=json.dumps(output).encode()))


def test_a_map_run_is_read_counted_written_and_its_result_is_the_states() -> None:
    play = MapPlay()
    (start,) = play.commands
    assert isinstance(start, StartMapRun)
    play.read(3)
    play.ended((0, "SUCCEEDED"), (2, "SUCCEEDED"))
    assert count(play.commands, WriteResults) == 0
    play.ended((1, "SUCCEEDED"))
    assert count(play.commands, WriteResults) == 1
    play.written(["a", "b", "c"])
    assert play.output == ["a", "b", "c"]
    assert play.types() == [
        "ExecutionStarted", "MapStateEntered", "MapStateStarted", "MapRunStarted", "MapRunSucceeded",
        "MapStateSucceeded", "MapStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    assert isinstance(play.commands[-2], CloseMapRun)
    assert outcome(play.replayed(record=False)) == outcome(play.run)


def test_what_is_told_twice_counts_once() -> None:
    play = MapPlay()
    play.read(3)
    for _ in range(3):
        play.ended((0, "SUCCEEDED"), (1, "SUCCEEDED"))
    assert (play.map_run.ended, play.map_run.counts["SUCCEEDED"]) == (2, 2)
    play.ended((7, "SUCCEEDED"))  # no such child
    assert play.map_run.ended == 2


def test_no_items_are_no_results() -> None:
    play = MapPlay([])
    play.read(0)
    assert count(play.commands, WriteResults) == 1
    play.written([])
    assert play.output == []


@pytest.mark.parametrize(
    ("tolerated", "failed", "gives_up"),
    [
        ({}, 1, True),
        ({"ToleratedFailureCount": 0}, 1, True),
        ({"ToleratedFailureCount": 2}, 2, False),
        ({"ToleratedFailureCount": 2}, 3, True),
        ({"ToleratedFailurePercentage": 20}, 2, False),
        ({"ToleratedFailurePercentage": 20}, 3, True),
        ({"ToleratedFailurePercentage": 24.9}, 3, True),
        ({"ToleratedFailurePercentage": 100}, 10, False),
        ({"ToleratedFailureCount": 1, "ToleratedFailurePercentage": 100}, 2, True),
        ({"ToleratedFailureCountPath": "$.count"}, 2, True),
    ],
)
def test_more_failures_than_are_tolerated_fail_the_state(
    tolerated: dict[str, Any], failed: int, gives_up: bool
) -> None:
    play = MapPlay({"items": list(range(10)), "count": "1"}, ItemsPath="$.items", **tolerated)
    play.read(10)
    play.ended(*[(number, "FAILED") for number in range(failed)])
    assert play.run.done == gives_up
    if gives_up:
        cause = "The specified tolerated failure threshold was exceeded"
        assert play.run.failure == Failure("States.ExceedToleratedFailureThreshold", cause)
        assert play.types()[-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]
        assert count(play.commands, CloseMapRun) == 1


def test_a_percentage_is_decided_when_all_items_are_known() -> None:
    play = MapPlay(ToleratedFailurePercentage=50)
    play.read(1, last=False)
    play.ended((0, "FAILED"))
    assert not play.run.done
    play.read(2, last=False)
    play.read(3)
    assert not play.run.done
    play.ended((1, "TIMED_OUT"))
    assert play.run.status == "FAILED"


def test_all_items_of_a_failed_batch_have_failed() -> None:
    play = MapPlay(list(range(10)), ItemBatcher={"MaxItemsPerBatch": 5}, ToleratedFailureCount=4)
    play.read(2, 10)
    play.ended((0, "FAILED"), items=5)
    assert play.run.status == "FAILED"


def test_results_are_exported_also_of_a_run_that_failed() -> None:
    play = MapPlay(ResultWriter=WRITER)
    play.read(3)
    play.ended((0, "FAILED"))
    assert not play.run.done
    assert count(play.commands, WriteResults) == 1
    play.ended((1, "ABORTED"), (2, "ABORTED"))
    assert count(play.commands, WriteResults) == 1, "once"
    play.written({"MapRunArn": "a"})
    assert (play.run.status, play.run.failure and play.run.failure.error) == (
        "FAILED", "States.ExceedToleratedFailureThreshold",
    )  # fmt: skip


@pytest.mark.parametrize("error", ["States.ItemReaderFailed", "States.ResultWriterFailed", "States.DataLimitExceeded"])
def test_what_the_host_cannot_do_fails_the_state_and_can_be_caught(error: str) -> None:
    states = {
        "Each": mapping(Catch=[{"ErrorEquals": [error], "Next": "Odd", "ResultPath": "$"}]), "Odd": {"Type": "Succeed"},
    }  # fmt: skip
    play = MapPlay(states=states)
    play.feed(MapRunFailed(**play.at, failure=Failure(error, "why")))
    assert play.output == {"Error": error, "Cause": "why"}
    assert play.types()[4:7] == ["MapRunFailed", "MapStateFailed", "MapStateExited"]


def test_a_retry_begins_another_map_run() -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3, "MaxAttempts": 1}]
    play = MapPlay(Retry=retry)
    first = play.map_run
    late = play.at
    play.feed(MapRunFailed(**play.at, failure=Failure("States.ItemReaderFailed", "why")))
    assert play.elapse() == 3_000
    assert play.map_run is not first
    assert play.map_run.uuid != first.uuid
    play.feed(ItemsRead(**{**late, "at": play.now}, children=9, items=9, place=b"null", last=True))
    assert play.map_run.read.children == 0, "a fact about the run before changes nothing"
    play.feed(MapRunFailed(**play.at, failure=Failure("States.ItemReaderFailed", "why")))
    assert play.run.status == "FAILED"
    assert [each.status for each in play.run.told_map_runs] == ["FAILED", "FAILED"]


def test_stopping_the_execution_aborts_the_map_run() -> None:
    play = MapPlay()
    play.feed(Stopped(at=play.now, failure=Failure(None)))
    assert isinstance(play.commands[-2], CloseMapRun)
    assert play.map_run.status == "ABORTED"


def test_a_branch_that_fails_beside_it_aborts_the_map_run() -> None:
    branch = {"StartAt": "Bad", "States": {"Bad": {"Type": "Task", "Resource": "task:bad", "End": True}}}
    both = {"Type": "Parallel", "Branches": [branch, {"StartAt": "Each", "States": {"Each": mapping()}}], "End": True}
    play = MapPlay(states={"Both": both})
    play.fail("Bad", "Boom")
    assert play.map_run.status == "ABORTED"
    assert "MapRunAborted" in play.types()
    assert "MapStateAborted" in play.types()
    assert count(play.commands, CloseMapRun) == 1


def test_limits_can_be_changed_while_it_goes_on() -> None:
    play = MapPlay(ToleratedFailureCount=5)
    play.read(3)
    play.ended((0, "FAILED"))
    assert not play.run.done
    play.feed(MapRunUpdated(**play.at, limits=b"[7,0,null]"))
    assert play.map_run.limits == (7, 0, None)
    assert play.run.status == "FAILED"


def test_reading_goes_on_behind_the_last_place_before_which_all_have_ended() -> None:
    play = MapPlay(list(range(6)), ToleratedFailureCount=9)
    for number, place in ((2, "b"), (4, "d"), (6, "f")):
        play.read(number, place=place, last=number == 6)
    assert play.map_run.resume == (0, 0, None)
    play.ended((0, "SUCCEEDED"), (3, "SUCCEEDED"), (2, "SUCCEEDED"))
    assert play.map_run.resume == (0, 0, None)
    play.ended((1, "FAILED"))
    assert play.map_run.resume == (4, 4, "d")
    again = play.replayed(record=False).told_map_runs[0]
    assert (again.resume, [again.has_ended(child) for child in range(6)]) == (
        (4, 4, "d"), [True, True, True, True, False, False],
    )  # fmt: skip


def test_settings_are_evaluated_when_the_state_is_entered() -> None:
    batcher = {"MaxItemsPerBatchPath": "$.n", "MaxInputBytesPerBatchPath": "$.bytes", "BatchInput": {"b.$": "$.bucket"}}
    reader = {**READER, "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["A"],
                                         "CSVDelimiter": "TAB", "MaxItemsPath": "$.n"}}  # fmt: skip
    writer = {**WRITER, "WriterConfig": {"OutputType": "JSONL", "Transformation": "FLATTEN"}}
    play = MapPlay(
        {"bucket": "in", "n": "5", "bytes": 900}, ItemReader=reader, ItemBatcher=batcher, ResultWriter=writer
    )
    spec = play.map_run.spec
    assert spec.source == ReaderSpec(
        action="getObject", arguments={"Bucket": "in", "Key": "k"}, input_type="CSV", headers=("A",), delimiter="TAB",
        max_items=5,
    )  # fmt: skip
    assert spec.batcher == BatchSpec(max_items=5, max_bytes=900, input={"b": "in"})
    assert spec.writer == WriterSpec(arguments={"Bucket": "b"}, transformation="FLATTEN", output_type="JSONL")
    started = next(event for event in play.run.events or () if event["type"] == "MapStateStarted")
    assert started["mapStateStartedEventDetails"] == {"length": 0}, "the items of a reader are not known yet"


@pytest.mark.parametrize(
    ("more", "cause"),
    [
        ({"ToleratedFailureCountPath": "$.x"},
         'The ToleratedFailureCountPath field refers to value "1.5" which is not a valid integer: $.x'),
        ({"ToleratedFailurePercentagePath": "$.o"},
         'The ToleratedFailurePercentagePath field refers to value "{}" which is not a valid float: $.o'),
        ({"ToleratedFailurePercentagePath": "$.big"}, "ToleratedFailurePercentage must be between 0 and 100."),
        ({"ToleratedFailureCountPath": "$.less"}, "ToleratedFailureCount cannot be negative."),
        ({"MaxConcurrencyPath": "$.less"}, "MaxConcurrency cannot be negative."),
        ({"MaxConcurrencyPath": "$.t"},
         'The MaxConcurrencyPath field refers to value "true" which is not a valid integer: $.t'),
        ({"ItemBatcher": {"MaxItemsPerBatchPath": "$.less"}}, "MaxItemsPerBatch cannot be negative."),
    ],
)  # fmt: skip
def test_numbers_that_are_none_fail_in_the_words_of_the_service(more: dict[str, Any], cause: str) -> None:
    given = {"i": [1], "x": 1.5, "o": {}, "big": 100.1, "less": -1, "t": True}
    play = MapPlay(given, ItemsPath="$.i", **more)
    where = "An error occurred while executing the state 'Each' (entered at the event id #2). "
    assert play.run.failure == Failure("States.Runtime", where + cause)
    assert play.commands[0] == play.commands[-1], "nothing was begun"


@pytest.mark.parametrize(
    ("selector", "item", "want"),
    [
        (None, {"Value": 5, "Source": "STATE_DATA"}, 5),
        (None, {"Key": "k", "Value": 5, "Source": "STATE_DATA"}, {"Key": "k", "Value": 5}),
        ({"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "s.$": "$$.Map.Item.Source", "in.$": "$[0]"},
         {"Value": 5, "Source": "S3://b"}, {"v": 5, "i": 9, "s": "S3://b", "in": 1}),
        ({"k.$": "$$.Map.Item.Key", "n.$": "$$.Execution.Name"}, {"Key": "k", "Value": 5}, {"k": "k", "n": "o-1"}),
    ],
)  # fmt: skip
def test_an_item_selector_sees_the_item_and_the_states_input(selector: Any, item: dict[str, Any], want: Any) -> None:
    play = MapPlay(**({} if selector is None else {"ItemSelector": selector}))
    token = play.run.expected[play.at["task"]]
    assert select(play.run, token, play.map_run, 9, item) == want


def test_an_item_that_is_selected_again_has_the_same_chance() -> None:
    play = MapPlay(ItemSelector={"id.$": "States.UUID()"})
    token = play.run.expected[play.at["task"]]
    ids = [select(play.run, token, play.map_run, index, {"Value": 0})["id"] for index in (0, 1, 0)]
    assert ids[0] == ids[2] != ids[1]


def test_facts_survive_being_stored() -> None:
    key: dict[str, Any] = {"at": 5, "task": 3, "attempt": 2}
    for entry in (
        ItemsRead(**key, children=4, items=9, place=b'["a",1]', last=True),
        ItemsFinished(**key, ends=b"[]"),
        ResultsWritten(**key, output=b"[1]"),
        MapRunFailed(**key, failure=Failure("E", "c")),
        MapRunUpdated(**key, limits=b"[1,null,2.5]"),
    ):
        assert decode(encode(entry)) == entry


def test_labels_of_maps_without_one_are_made_of_their_names() -> None:
    play = MapPlay(states={"Each item?": {key: value for key, value in mapping().items() if key != "Label"}})
    name = play.map_run.arn.split("/")[1].split(":")[0]
    assert len(name) == 32
    assert play.map_run.arn.startswith("arn:aws:states:us-east-1:123456789012:mapRun:orders/")
