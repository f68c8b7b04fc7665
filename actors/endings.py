"""Results of jobs that no worker ends: they fail where they are."""

from ray.exceptions import RayActorError

from sfc.tasks.job import QUEUE_TIMEOUT, Job, JobResult


def worker_lost(key: str, deaths: int, error: RayActorError) -> JobResult:
    """It was on board of so many workers when they died, `error` the last."""
    why = str(error).strip().splitlines()
    last = next(
        (line.strip() for line in why if "cause" in line.lower() or "exit" in line.lower()), why[-1] if why else ""
    )
    cause = f"The worker process died {deaths} times while it had this job. Last: {last}"
    return JobResult(key, None, "SFC.WorkerLost", cause, 0)


def queue_timeout(job: Job, timeout_s: float | None) -> JobResult:
    """No worker has it, so none can have begun it."""
    limit = "" if timeout_s is None else f": queue_timeout_s is {timeout_s:g}"
    return JobResult(job.key, None, QUEUE_TIMEOUT, f"The job waited too long for a worker{limit}", 0)
