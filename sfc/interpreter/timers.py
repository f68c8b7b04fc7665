"""What of an execution is due by itself, one by one: for hosts that hold some of it back."""

from typing import NamedTuple

from sfc.interpreter.run import JOB, Run


class Timer(NamedTuple):
    """Something that is due at a time, UTC ms."""

    due: int
    task: int
    attempt: int
    since: int | None
    """Of a task's time-out: when its time began to run. None: the end of a wait, or of a retry's delay."""


def timers_ahead(run: Run) -> list[Timer]:
    """All but the execution's own time-out, in no order."""
    found: list[Timer] = []
    for due, task, attempt in run.timers:
        token = run.expected.get(task)
        if token is not None and token.attempt == attempt and token.due == due:
            job = run.open_job(task, attempt) if token.waits == JOB else None
            found.append(Timer(due, task, attempt, None if job is None else due - (job.timeout_s or 0) * 1000))
    return found
