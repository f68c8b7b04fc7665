"""Tasks that are messages: the engine sends them itself, and no worker is held while somebody works on them.

A message leaves after the commit that asks for it, in the order of commits, and again after a crash under the same
idempotency key. A task that is answered has been accepted when the broker has its message on all replicas; any other
is done then.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from sfc import jsonvalue
from sfc.asl.expression import Failure
from sfc.asl.model import Resource
from sfc.catalog.kafka_task import KafkaTask, read_kafka_task
from sfc.engine.host import Host
from sfc.engine.resident import Resident
from sfc.errors import InvalidRequest
from sfc.interpreter import task_token
from sfc.interpreter.commands import CloseTask, DispatchTask
from sfc.interpreter.task_token import TokenPlace
from sfc.jsonvalue import Json
from sfc.kafka.clients import Clients
from sfc.kafka.formats import Formats
from sfc.kafka.jobs import Messages, Origin
from sfc.kafka.making import TopicMaker
from sfc.kafka.outbox import Message, Outbox, Receipt, Refused, Sending
from sfc.kafka.sender import KafkaSender
from sfc.kafka.settings import KafkaSettings
from sfc.store.journal import Kept, Waiting
from sfc.tasks.job import JobResult
from sfc.tasks.schemas import checker

_CACHED: Final = 1_024


class Kafka(NamedTuple):
    """What the tasks need."""

    messages: Messages
    outbox: Outbox

    @classmethod
    def of(cls, settings: KafkaSettings) -> "Kafka":
        """On the event loop. Raises InvalidRequest, KafkaNotConfigured, SecretUnavailable."""
        clients = Clients(settings)
        return cls(
            Messages(settings, Formats(settings.registry())), Outbox(KafkaSender(clients), TopicMaker(clients))
        )  # fmt: skip


class _Task(NamedTuple):
    """A version of a task, ready for use."""

    name: str
    settings: KafkaTask
    check_input: Callable[[Json], str | None] | None
    check_output: Callable[[Json], str | None] | None


class KafkaTasks:
    """Implements `OwnTasks` for `kafka:…`, `arn:aws:states:::kafka:publish` and the catalog's tasks of type kafka."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._kafka: Kafka | None = None
        self._running: dict[Waiting, tuple[Sending, asyncio.TimerHandle | None]] = {}
        self._tasks: dict[str, _Task] = {}

    def use(self, kafka: Kafka) -> None:
        """Send by this; before the engine opens."""
        self._kafka = kafka

    def admit(self) -> None:
        """Raises Overloaded while too many messages wait for the broker."""
        if self._kafka is not None:
            self._kafka.outbox.admit()

    @property
    def waiting(self) -> int:
        """Messages that the broker has not acknowledged."""
        return 0 if self._kafka is None else self._kafka.outbox.waiting

    def takes(self, resource: Resource) -> bool:
        return resource.service == "kafka"

    def begin(self, resident: Resident, job: DispatchTask) -> None:
        waiting = Waiting(resident.id, job.task, job.attempt)
        if waiting in self._running:
            return
        loop, began = asyncio.get_running_loop(), self._host.clock()
        key = f"{resident.key}:{job.task}:{job.attempt}"
        if self._kafka is None:
            refused = Refused("Kafka.NotConfigured", "This server was started without --kafka")
            loop.call_soon(self._done, waiting, key, began, refused)
            return
        try:
            message = self._message(self._kafka.messages, resident, job, key)
        except _Misfit as misfit:
            loop.call_soon(self._done, waiting, key, began, misfit.refused)
            return
        timer = None
        if job.timeout_s is not None and not job.resource.is_answered_later:
            late = Refused("States.Timeout", "Kafka did not acknowledge the message in time")
            timer = loop.call_later(job.timeout_s, self._time_out, waiting, key, began, late)
        done = partial(self._done, waiting, key, began)
        self._running[waiting] = (self._kafka.outbox.send(message, done), timer)

    def kept(self, resident: Resident, closed: CloseTask) -> Kept:
        return Kept()

    def close(self, resident: Resident, closed: CloseTask) -> None:
        """Nothing is kept."""

    def cancel(self, waiting: Waiting) -> None:
        """What has left cannot be called back; its answer will match nothing."""
        running = self._running.pop(waiting, None)
        if running is not None:
            sending, timer = running
            sending.cancel()
            if timer is not None:
                timer.cancel()

    def flaw(self, job: DispatchTask, output: bytes) -> Failure | None:
        """What is wrong with a service's answer, by the schema of the task."""
        task = self._task(job.resource)
        if task is None or task.check_output is None:
            return None
        wrong = task.check_output(jsonvalue.loads(output))
        return (
            None if wrong is None else Failure("SFC.InvalidResult", f"The result of {task.name} does not fit: {wrong}")
        )

    def _message(self, messages: Messages, resident: Resident, job: DispatchTask, key: str) -> Message:
        """Raises _Misfit."""
        resource, task = job.resource, self._task(job.resource)
        token = None
        if resource.is_answered_later:
            token = task_token.make(self._host.secret, TokenPlace(resident.id, job.task, job.attempt))
        settings = self._host.catalog.version(resident.version).settings if resident.version else {}
        origin = Origin(
            key, resident.key, resident.arn, resident.machine.partition("/")[0], settings, job.state,
            "" if task is None else resource.action, self._host.clock(), token,
        )  # fmt: skip
        try:
            if task is not None:
                if task.check_input is not None and (wrong := task.check_input(jsonvalue.loads(job.input))) is not None:
                    raise _Misfit("SFC.InvalidInput", f"The input of {task.name} does not fit its schema: {wrong}")
                return messages.of_task(task.settings, job.input, origin)
            if resource.kind == "kafka":
                return messages.to_topic(resource.action, job.input, origin)
            if resource.action != "publish" or resource.pattern not in ("", "waitForTaskToken"):
                raise _Misfit("SFC.UnknownTask", f"Nothing here does {resource.text}; there is kafka:publish")
            return messages.published(job.input, origin)
        except InvalidRequest as error:
            raise _Misfit("Kafka.InvalidMessage", error.message) from None

    def _task(self, resource: Resource) -> _Task | None:
        """None: it is no task of the catalog."""
        digest = resource.meta
        if not digest:
            return None
        found = self._tasks.get(digest)
        if found is None:
            meta = self._host.catalog.tasks.meta(digest)
            found = _Task(
                f"task {meta.name} version {meta.version}",
                read_kafka_task(meta.settings),
                checker(meta.input_schema),
                checker(meta.output_schema),
            )
            if len(self._tasks) >= _CACHED:
                self._tasks.clear()
            self._tasks[digest] = found
        return found

    def _time_out(self, waiting: Waiting, key: str, began: int, late: Refused) -> None:
        self.cancel(waiting)
        self._done(waiting, key, began, late)

    def _done(self, waiting: Waiting, key: str, began: int, outcome: Receipt | Refused) -> None:
        _sending, timer = self._running.pop(waiting, (None, None))
        if timer is not None:
            timer.cancel()
        if isinstance(outcome, Receipt):
            result = JobResult(key, jsonvalue.dumps(outcome._asdict()), None, None, began)
        else:
            result = JobResult(key, None, outcome.error, outcome.cause, began)
        self._host.results([result])


class _Misfit(Exception):
    """The job can be no message."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(cause)
        self.refused = Refused(error, cause)
