"""What an exchange looks like on its way: one value of bytes there, one back.

Ray hands bytes on as they are; of anything else it serialises each argument on its own, which costs a lone job more
than its handler does. Values are plain tuples, which are pickled in a third of the time of named ones.
"""

import pickle
from typing import NamedTuple

from actors.desk import Answer
from sfc.tasks.job import Job, JobResult


class Call(NamedTuple):
    engine: str
    jobs: list[Job]
    acknowledged: list[int]
    resend: bool
    poll_s: float


def pack_call(engine: str, jobs: list[Job], acknowledged: list[int], resend: bool, poll_s: float) -> bytes:
    return pickle.dumps((engine, [tuple(job) for job in jobs], acknowledged, resend, poll_s), pickle.HIGHEST_PROTOCOL)


def unpack_call(data: bytes) -> Call:
    call = Call(*pickle.loads(data))  # noqa: S301 - who may call an actor may have Ray unpickle anything anyway
    return call._replace(jobs=[Job(*job) for job in call.jobs])


def pack_answer(answer: Answer) -> bytes:
    plain = (answer.batch, [tuple(result) for result in answer.results], answer.free, answer.refused)
    return pickle.dumps(plain, pickle.HIGHEST_PROTOCOL)


def unpack_answer(data: bytes) -> Answer:
    batch, results, free, refused = pickle.loads(data)  # noqa: S301 - it comes from an actor of ours
    return Answer(batch, [JobResult(*result) for result in results], free, refused)
