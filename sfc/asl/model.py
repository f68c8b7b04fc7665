"""A checked, compiled, immutable state machine.

`sfc.asl.parse` is the only maker of these objects; whoever holds one may trust it: every target exists, every path is
compiled, every number is in range. JSON spelling (`StartAt`) ends in the parser. Units are in the names.

Joints: `DataFlow` is the query language's part of a state (JSONPath and JSONata each implement it), `Resource.pattern`
names the integration pattern, `Map.distributed` what a Map has whose children are executions of their own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, Protocol, TypeAlias

from sfc.asl.expression import Expression, Scope
from sfc.jsonvalue import Json


class Unset(Enum):
    """Tells "no such field" from an explicit null."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


class DataFlow(Protocol):
    """How a state's raw input becomes what it works on, and how its result becomes its output and its variables.
    Choice rules and catchers have one of their own, whose result is the input or the error output. Methods raise
    FlowError.
    """

    @property
    def growth(self) -> int:
        """How many times a value it reads may stand in what it makes: 0 when arguments and output can never be larger
        than what went in (so nobody needs to measure them), else the number of places a template or a ResultPath
        copies to.
        """
        ...

    def arguments(self, raw: Json, scope: Scope) -> Json:
        """InputPath, then Parameters."""
        ...

    def output(self, raw: Json, result: Json, scope: Scope) -> Json:
        """ResultSelector, ResultPath (into the raw input), OutputPath."""
        ...

    def assigned(self, raw: Json, result: Json, scope: Scope) -> dict[str, Json]:
        """Assign: the variables that get a value when the state is left, {} for none. Sees the values before that."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrier:
    """One entry of `Retry`. Source: https://states-language.net/#retrying-after-error"""

    error_equals: tuple[str, ...]
    interval_s: float = 1.0
    max_attempts: int = 3
    backoff_rate: float = 2.0
    max_delay_s: float | None = None
    full_jitter: bool = False


class ResultPlace(Protocol):
    """A compiled reference path that a value is put at."""

    @property
    def source(self) -> str: ...

    def put(self, document: Json, value: Json) -> Json:
        """A copy of `document` with `value` at this place; parts not on the way are shared. Raises FlowError
        States.ResultPathMatchFailure when the place is inside something that is no object."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Catcher:
    error_equals: tuple[str, ...]
    next: tuple[str, ...]
    flow: DataFlow
    """`output` makes what the catcher hands on of the raw input and the error output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What a Task calls, taken apart once."""

    text: str
    kind: Literal["function", "service", "activity", "task", "http", "grpc", "kafka"]
    """function: a Lambda ARN · service: `arn:aws:states:::service:action[.pattern]` (and aws-sdk, http:invoke) ·
    activity: an activity ARN · task: `task:name[:version]` · http: a plain http(s) URL · grpc: a method's URL ·
    kafka: `kafka:topic[.waitForTaskToken]`."""
    service: str = ""
    """For history: `lambda`, `aws-sdk:dynamodb`, `http`, `task` …"""
    action: str = ""
    """`invoke`, `putItem`; for a task its name; for a URL the URL; for Kafka the topic."""
    pattern: Literal["", "sync", "sync:2", "waitForTaskToken"] = ""
    version: str = ""
    region: str = ""
    meta: str = ""
    """Of a task that is bound to a version of the catalog: the digest of its meta."""

    @property
    def is_child(self) -> bool:
        """Whether the engine itself does it: start another execution."""
        return self.action == "startExecution" and self.service in ("states", "aws-sdk:sfn")

    @property
    def is_watched(self) -> bool:
        """Whether a worker begins a job of a service and then asks after it: `.sync`."""
        return self.kind == "service" and self.pattern.startswith("sync") and not self.is_child

    @property
    def is_kept(self) -> bool:
        """Whether the engine keeps something for the task in the store, which must go when the task is over."""
        return self.kind == "activity" or (self.kind == "service" and self.is_child)

    @property
    def is_answered_later(self) -> bool:
        """Whether the task goes on after it was accepted: a token's holder, an activity's worker or a child execution
        answers, and the engine watches its time."""
        if self.pattern == "waitForTaskToken":
            return True
        return self.kind == "activity" or (self.pattern != "" and self.is_child)

    @property
    def has_token(self) -> bool:
        """Whether the context object holds a task token."""
        return self.pattern != "" or self.kind == "activity"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateBase:
    name: str
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass(StateBase):
    flow: DataFlow
    next: tuple[str, ...]
    """() ends the (sub-)machine; several names fork."""
    result: Json | Unset = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(StateBase):
    flow: DataFlow
    next: tuple[str, ...]
    resource: Resource
    timeout_s: int | Expression | None = None
    heartbeat_s: int | Expression | None = None
    credentials: Expression | None = None
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


class Condition(Protocol):
    """A compiled Choice rule (Variable + operator, And, Or, Not)."""

    def test(self, data: Json, scope: Scope) -> bool:
        """Raises PathError when a Variable is missing and its presence was not asked for."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceRule:
    condition: Condition
    next: tuple[str, ...]
    flow: DataFlow
    """The output and the variables when this rule holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(StateBase):
    flow: DataFlow
    """`arguments` is InputPath; output and variables are those of the Default."""
    rules: tuple[ChoiceRule, ...]
    default: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(StateBase):
    flow: DataFlow
    next: tuple[str, ...]
    kind: Literal["Seconds", "SecondsPath", "Timestamp", "TimestampPath"]
    value: int | str | Expression
    """Seconds: int · Timestamp: RFC 3339 text · …Path: the compiled path. In JSONata any form may be an expression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel(StateBase):
    flow: DataFlow
    next: tuple[str, ...]
    branches: tuple["SubMachine", ...]
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReader:
    """Where a distributed Map reads its items from."""

    action: Literal["getObject", "listObjectsV2"]
    arguments: Expression | None
    """Bucket, Key, Prefix …"""
    input_type: Literal["CSV", "JSON", "JSONL", "PARQUET", "MANIFEST"] | None = None
    headers: tuple[str, ...] | None = None
    """CSVHeaders; None: the first row has them."""
    delimiter: str = "COMMA"
    pointer: str = ""
    """ItemsPointer: a JSON Pointer."""
    flatten: bool = False
    """Transformation LOAD_AND_FLATTEN."""
    manifest_type: Literal["ATHENA_DATA", "S3_INVENTORY"] | None = None
    max_items: int | Expression = 0
    """0: no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemBatcher:
    max_items: int | Expression | None = None
    max_bytes: int | Expression | None = None
    input: Expression | None = None
    """BatchInput."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultWriter:
    arguments: Expression | None = None
    """Bucket, Prefix; None: the results become the state's output."""
    transformation: Literal["NONE", "COMPACT", "FLATTEN"] = "COMPACT"
    output_type: Literal["JSON", "JSONL"] = "JSON"


@dataclass(frozen=True, slots=True, kw_only=True)
class Distributed:
    """What only a Map has whose children are executions of their own."""

    label: str
    """In the ARNs of its Map Runs and their children; unique within the machine."""
    kind: Literal["STANDARD", "EXPRESS"]
    reader: ItemReader | None = None
    """None: the items are in the state's input."""
    batcher: ItemBatcher | None = None
    writer: ResultWriter = ResultWriter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Map(StateBase):
    flow: DataFlow
    """`arguments` is InputPath alone: what ItemsPath, ItemSelector and …Path fields are read from."""
    next: tuple[str, ...]
    items: Expression | None
    """ItemsPath; None: the whole effective input."""
    item_selector: Expression | None
    """ItemSelector (or the older Parameters)."""
    processor: "SubMachine"
    max_concurrency: int | Expression = 0
    tolerated_failure_count: int | Expression | None = None
    tolerated_failure_percentage: float | Expression | None = None
    """None, both: no failure is tolerated. Only a distributed Map looks at them."""
    distributed: Distributed | None = None
    """None: Mode INLINE."""
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Join(StateBase):
    """SFC's own: gathers the tokens of a fork. See docs/design.md §6."""

    flow: DataFlow
    next: tuple[str, ...]
    require: Literal["All", "Any"] | int
    others: Literal["Cancel", "Continue"] = "Continue"
    sources: tuple[str, ...] = ()
    """The states with a transition to this one, in order of definition."""
    reaching: frozenset[str] = frozenset()
    """Every state of this (sub-)machine from which this Join can be reached."""
    fork: str = ""
    """The state whose several `Next` make the tokens that meet here."""
    catch: tuple[Catcher, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeed(StateBase):
    flow: DataFlow


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail(StateBase):
    error: str | Expression | None = None
    cause: str | Expression | None = None


State: TypeAlias = Pass | Task | Choice | Wait | Parallel | Map | Join | Succeed | Fail


@dataclass(frozen=True, slots=True, kw_only=True)
class SubMachine:
    start_at: str
    states: Mapping[str, State]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMachine(SubMachine):
    """`timeout_s`: the execution's own limit."""

    comment: str = ""
    timeout_s: int | None = None
    query_language: Literal["JSONPath", "JSONata"] = "JSONPath"


def distributed_maps(machine: SubMachine) -> Iterator[Map]:
    """Every distributed Map of the machine and of those inside it."""
    for state in machine.states.values():
        if isinstance(state, Map):
            if state.distributed is not None:
                yield state
            yield from distributed_maps(state.processor)
        elif isinstance(state, Parallel):
            for branch in state.branches:
                yield from distributed_maps(branch)
