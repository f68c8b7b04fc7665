"""Map Runs of distributed Maps in a played execution: the children are played too, one after the other in virtual time
that begins alike for all of them, and nothing is read or written outside.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import orjson

from sfc.arn import Partition
from sfc.asl.expression import Failure, FlowError
from sfc.asl.model import StateMachine
from sfc.interpreter import Run, step
from sfc.interpreter.children import ChildEnd, encode_ends
from sfc.interpreter.entries import Entry, ItemsFinished, ItemsRead, MapRunFailed, ResultsWritten, Started
from sfc.interpreter.map_run import MapRun
from sfc.interpreter.map_specs import ReaderSpec
from sfc.interpreter.states import map_run as state
from sfc.items import results
from sfc.items.batches import ChildInput, child_inputs
from sfc.items.item import Item
from sfc.jsonvalue import Json, dumps
from sfc.tasks.mocks import Answer, NotMocked, Return, Throw

PlayOut = Callable[[Run], None]
"""Plays a run to its end."""


def entries_of_map_run(run: Run, task: int, play_out: PlayOut, answer: Answer | None, read: Json) -> Iterator[Entry]:
    """The facts that carry a Map Run out, each to be stepped before the next is asked for.

    `answer` mocks the whole state; `read` are the items that its ItemReader would find, None: not said. Raises
    NotMocked when items would have to be read.
    """
    map_run, attempt = run.map_runs[task], run.expected[task].attempt
    try:
        if isinstance(answer, Throw):
            raise FlowError(answer.error, answer.cause)
        if isinstance(answer, Return):
            yield ResultsWritten(at=run.now, task=task, attempt=attempt, output=dumps(answer.value))
            return
        children = _children(run, task, map_run, read)
        count, items = len(children), sum(child.items for child in children)
        yield ItemsRead(at=run.now, task=task, attempt=attempt, children=count, items=items, place=b"null", last=True)
        about = _about(run, map_run)
        ends = [_play_child(run, map_run, about, child, play_out) for child in children]
        over = max((end.stopped_at for end in ends), default=run.now)
        yield ItemsFinished(at=over, task=task, attempt=attempt, ends=encode_ends(ends))
        yield ResultsWritten(at=over, task=task, attempt=attempt, output=_output(about, map_run, ends))
    except FlowError as error:
        yield MapRunFailed(at=run.now, task=task, attempt=attempt, failure=error.failure)


def _children(run: Run, task: int, map_run: MapRun, read: Json) -> list[ChildInput]:
    source = map_run.spec.source
    if isinstance(source, ReaderSpec):
        if read is None:
            raise NotMocked(
                f"state {map_run.state.name!r} reads its items from {source.arguments}: say by `items` what it finds,"
                " or mock its result"
            )
        source = read[: source.max_items] if source.max_items and isinstance(read, list) else read
    token = run.expected[task]

    def selected() -> Iterator[tuple[Json, Json]]:
        for index, item in enumerate(_items(source)):
            shown = {"Value": item.value, "Source": item.source}
            yield (
                state.select(run, token, map_run, index, shown if item.key is None else {"Key": item.key, **shown}),
                index,
            )

    return list(child_inputs(selected(), map_run.spec.batcher))


def _items(source: Json) -> Iterator[Item]:
    if isinstance(source, dict):
        yield from (Item(value, None, key=key) for key, value in source.items())
    else:
        yield from (Item(value, None) for value in source)


def _about(run: Run, map_run: MapRun) -> results.Run:
    apart = map_run.state.distributed
    assert apart is not None
    machine = f"{run.info.machine_name.partition('/')[0]}/{apart.label}"
    return results.Run(
        arn=map_run.arn, uuid=map_run.uuid, machine=machine, kind=apart.kind, partition=Partition(),
        state=map_run.state.name,
    )  # fmt: skip


def _play_child(parent: Run, map_run: MapRun, about: results.Run, child: ChildInput, play_out: PlayOut) -> ChildEnd:
    processor = map_run.state.processor
    machine = StateMachine(
        start_at=processor.start_at, states=processor.states, query_language=parent.machine.query_language
    )
    info = replace(
        parent.info, arn=about.child_arn(child.number), name=about.child_name(child.number), kind=about.kind,
        machine_arn=about.partition.state_machine(about.machine), machine_name=about.machine,
    )  # fmt: skip
    run = Run(machine, info)
    step(run, Started(at=parent.now, input=child.input, seed=(map_run.seed + (child.number << 20)) % (1 << 63)))
    play_out(run)
    assert run.status != "RUNNING"
    failure = run.failure or Failure(None)
    return ChildEnd(
        child.number, child.items, run.status, parent.now, run.now, run.output, failure.error, failure.cause,
        child.input if map_run.spec.writer.shows_inputs else None,
    )  # fmt: skip


def _output(about: results.Run, map_run: MapRun, ends: list[ChildEnd]) -> bytes:
    """Where a ResultWriter would have written, or the results."""
    arguments = map_run.spec.writer.arguments
    if arguments is None:
        return results.state_output(about, map_run.spec.writer, ends)
    key = "/".join(
        part for part in (str(arguments.get("Prefix") or "").rstrip("/"), about.uuid, "manifest.json") if part
    )
    details = {"Bucket": arguments.get("Bucket"), "Key": key}
    return orjson.dumps({"MapRunArn": about.arn, "ResultWriterDetails": details})
