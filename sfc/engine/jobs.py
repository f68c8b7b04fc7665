"""Between what the interpreter asks for and what workers understand."""

from sfc.asl.expression import Failure
from sfc.engine.resident import Resident
from sfc.interpreter.commands import DispatchTask
from sfc.interpreter.entries import Entry, TaskFailed, TaskSubmitted, TaskSucceeded
from sfc.tasks.job import Job, JobResult


def answer_of(result: JobResult, now: int, task: int, attempt: int) -> Entry:
    if result.output is not None and result.submitted:
        return TaskSubmitted(at=now, task=task, attempt=attempt, output=result.output)
    if result.output is not None:
        return TaskSucceeded(at=now, task=task, attempt=attempt, output=result.output, began=result.began)
    failure = Failure(result.error, result.cause)
    return TaskFailed(at=now, task=task, attempt=attempt, failure=failure, began=result.began)


def job_of(resident: Resident, command: DispatchTask) -> Job:
    return Job(
        f"{resident.key}:{command.task}:{command.attempt}",
        resident.arn,
        resident.machine,
        command.state,
        command.resource.text,
        command.input,
        command.retry_count,
        command.timeout_s,
        None if command.resource.is_answered_later else command.heartbeat_s,
        command.resource.meta,
        command.begun,
        command.role_arn,
    )
