"""Map, distributed: the state waits for a Map Run, which the host carries out.

    enter ─► StartMapRun ─► ItemsRead, ItemsFinished, … ─► WriteResults ─► ResultsWritten ─► the state goes on
                                    │                                           or fails
                                    └─ too many failures, MapRunFailed ─► (WriteResults ─► ResultsWritten) ─► it fails

The host reads, starts children and writes; when to give up and when all is done is decided here, from counts.
"""

from sfc.asl.expression import Expression, Failure, FlowError, Scope, runtime_error
from sfc.asl.model import Distributed, ItemBatcher, ItemReader, Map
from sfc.interpreter import history
from sfc.interpreter.children import decode_counts
from sfc.interpreter.commands import WriteResults
from sfc.interpreter.context import context_object, scope_of
from sfc.interpreter.entries import ItemsFinished, ItemsRead, MapRunFailed, MapRunUpdated, ResultsWritten
from sfc.interpreter.entropy import SeededEntropy
from sfc.interpreter.map_run import Checkpoint, Limits, MapRun
from sfc.interpreter.map_specs import BatchSpec, MapRunSpec, ReaderSpec, WriterSpec
from sfc.interpreter.measure import too_large
from sfc.interpreter.moves import fail, hand_on
from sfc.interpreter.run import Run, Token
from sfc.interpreter.states.map_items import items_of
from sfc.interpreter.states.map_limits import evaluated_integer, evaluated_percentage, max_concurrency
from sfc.jsonvalue import Json, loads
from sfc.limits import PAYLOAD_BYTES

MapRunEntry = ItemsRead | ItemsFinished | ResultsWritten | MapRunFailed | MapRunUpdated


def enter(run: Run, token: Token, state: Map, apart: Distributed, data: Json) -> None:
    """Begin a Map Run. Raises FlowError."""
    scope = scope_of(run, token)
    source = items_of(state, data, scope) if apart.reader is None else _reader(apart.reader, data, scope)
    most = max_concurrency(state.max_concurrency, data, scope)
    length = 0 if isinstance(source, ReaderSpec) else len(source)
    token.previous = history.emit(
        run, token.previous, "MapStateStarted", "mapStateStartedEventDetails", {"length": length}
    )
    limits = Limits(
        most,
        tolerated_count(state.tolerated_failure_count, data, scope),
        tolerated_percentage(state.tolerated_failure_percentage, data, scope),
    )
    writer = apart.writer
    arguments = None if writer.arguments is None else writer.arguments.evaluate(data, scope)
    spec = MapRunSpec(
        source=source,
        batcher=None if apart.batcher is None else batch_spec(apart.batcher, data, scope),
        writer=WriterSpec(
            arguments=arguments, transformation=writer.transformation, output_type=writer.output_type
        ),
    )  # fmt: skip
    uuid, arn = run.name_map_run(apart.label)
    map_run = MapRun(uuid, arn, state, data, spec, limits, run.entropy.bits(), run.now)
    token.previous = history.map_run_started(run, token.previous, arn)
    run.expect_map_run(token, map_run)


def go_on(run: Run, token: Token, map_run: MapRun, entry: MapRunEntry) -> Token | None:
    """What one fact about the Map Run leads to."""
    match entry:
        case ItemsRead():
            map_run.note_read(Checkpoint(entry.children, entry.items, loads(entry.place)), last=entry.last)
        case ItemsFinished():
            for child, items, status in decode_counts(entry.ends):
                map_run.note_ended(child, items, status)
        case MapRunUpdated():
            map_run.limits = Limits(*loads(entry.limits))
        case ResultsWritten():
            return _written(run, token, map_run, entry.output)
        case MapRunFailed():
            return _end_failed(run, token, map_run, map_run.failure or entry.failure)
    if map_run.failure is None:
        if map_run.too_many_failures:
            cause = "The specified tolerated failure threshold was exceeded"
            return _give_up(run, token, map_run, Failure("States.ExceedToleratedFailureThreshold", cause))
        if map_run.complete and not map_run.results_written:
            map_run.results_written = True
            run.commands.append(WriteResults(token.task, token.attempt))
    return None


def redriven(run: Run, token: Token, map_run: MapRun) -> Token | None:
    """The execution was redriven: the Map Run goes on under its ARN, with the children that did not succeed."""
    map_run.go_on_again(run.now)
    token.previous = history.map_run_redriven(run, token.previous, map_run.arn, map_run.redrives)
    map_run.results_written = map_run.complete  # when all have succeeded, only the results are to be written
    run.resume_map_run(token, map_run)
    if map_run.results_written:
        run.commands.append(WriteResults(token.task, token.attempt))
    return None


def select(run: Run, token: Token, map_run: MapRun, index: int, item: dict[str, Json]) -> Json:
    """What ItemSelector makes of an item; `item` is `$$.Map.Item` without its Index. Raises FlowError.

    Chance comes from the run's seed and the item's index, so that an item that is read again is selected alike.
    """
    selector = map_run.state.item_selector
    if selector is None:
        return {"Key": item["Key"], "Value": item["Value"]} if "Key" in item else item["Value"]
    context = {**context_object(run, token), "Map": {"Item": {"Index": index, **item}}}
    scope = Scope(lambda: context, SeededEntropy(map_run.seed + index), token.frame.variables, run.now)
    return selector.evaluate(map_run.data, scope)


def _give_up(run: Run, token: Token, map_run: MapRun, failure: Failure) -> Token | None:
    """Too many have failed: what there is of results is still exported."""
    if map_run.spec.writer.arguments is None:
        return _end_failed(run, token, map_run, failure)
    map_run.failure = failure
    run.commands.append(WriteResults(token.task, token.attempt))
    return None


def _written(run: Run, token: Token, map_run: MapRun, output: bytes) -> Token | None:
    map_run.results_written = True
    if map_run.failure is not None:
        return _end_failed(run, token, map_run, map_run.failure)
    if len(output) > PAYLOAD_BYTES:
        raise FlowError("States.DataLimitExceeded", too_large(token.state.name))
    run.end_map_run(token, map_run, "SUCCEEDED")
    # MapStateExited follows this one, as in most recordings; in those since November 2024 it follows MapRunStarted.
    token.previous = previous = history.emit(run, token.previous, "MapRunSucceeded")
    history.emit(run, previous, "MapStateSucceeded")
    assert isinstance(token.state, Map)
    token.gather = None
    return hand_on(run, token, loads(output), token.state.next)


def _end_failed(run: Run, token: Token, map_run: MapRun, failure: Failure) -> Token | None:
    run.end_map_run(token, map_run, "FAILED")
    if run.keeps:
        token.wreck = map_run
    details = history.failure_details(failure)
    token.previous = history.emit(run, token.previous, "MapRunFailed", "mapRunFailedEventDetails", details)
    return fail(run, token, failure)


def _reader(reader: ItemReader, data: Json, scope: Scope) -> ReaderSpec:
    return ReaderSpec(
        action=reader.action,
        arguments={} if reader.arguments is None else reader.arguments.evaluate(data, scope),
        input_type=reader.input_type,
        headers=reader.headers,
        delimiter=reader.delimiter,
        pointer=reader.pointer,
        flatten=reader.flatten,
        manifest_type=reader.manifest_type,
        max_items=evaluated_integer(reader.max_items, "MaxItems", data, scope),
    )


def batch_spec(batcher: ItemBatcher, data: Json, scope: Scope) -> BatchSpec:
    return BatchSpec(
        max_items=_batch_limit(batcher.max_items, "MaxItemsPerBatch", data, scope),
        max_bytes=_batch_limit(batcher.max_bytes, "MaxInputBytesPerBatch", data, scope),
        input=None if batcher.input is None else batcher.input.evaluate(data, scope),
    )


def _batch_limit(value: int | Expression | None, field: str, data: Json, scope: Scope) -> int | None:
    if value is None:
        return None
    found = evaluated_integer(value, field, data, scope)
    if found < 0:
        raise runtime_error(f"{field} cannot be negative.")
    return found


def tolerated_count(value: int | Expression | None, data: Json, scope: Scope) -> int | None:
    if value is None:
        return None
    found = evaluated_integer(value, "ToleratedFailureCount", data, scope)
    if found < 0:
        raise runtime_error("ToleratedFailureCount cannot be negative.")
    return found


def tolerated_percentage(value: float | Expression | None, data: Json, scope: Scope) -> float | None:
    if value is None:
        return None
    found = evaluated_percentage(value, "ToleratedFailurePercentage", data, scope)
    if not 0 <= found <= 100:
        raise runtime_error("ToleratedFailurePercentage must be between 0 and 100.")
    return found
