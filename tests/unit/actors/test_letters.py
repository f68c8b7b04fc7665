"""What travels in an exchange arrives as it was."""

from hypothesis import given
from hypothesis import strategies as st

from actors.desk import Answer
from actors.letters import pack_answer, pack_call, unpack_answer, unpack_call
from sfc.tasks.job import Job, JobResult

jobs = st.builds(
    Job, key=st.text(), execution=st.text(), machine=st.text(), state=st.text(), resource=st.text(), input=st.binary(),
    timeout_s=st.none() | st.floats(0, 9), heartbeat_s=st.none(), begun=st.binary(),
    queue_s=st.none() | st.floats(0, 9),
)  # fmt: skip
results = st.builds(
    JobResult, key=st.text(), output=st.none() | st.binary(), error=st.none() | st.text(), cause=st.none() | st.text(),
    began=st.integers(0, 2**50), submitted=st.booleans(),
)  # fmt: skip


@given(st.text(), st.lists(jobs), st.lists(st.integers(0, 2**40)), st.booleans(), st.floats(0, 15))
def test_a_call_arrives_as_it_was(
    engine: str, sent: list[Job], acknowledged: list[int], resend: bool, poll_s: float
) -> None:
    arrived = unpack_call(pack_call(engine, sent, acknowledged, resend, poll_s))
    assert arrived == (engine, sent, acknowledged, resend, poll_s)
    assert all(isinstance(job, Job) for job in arrived.jobs)


@given(st.integers(0, 2**40), st.lists(results), st.integers(0, 10_000), st.lists(st.text()))
def test_an_answer_arrives_as_it_was(batch: int, sent: list[JobResult], free: int, refused: list[str]) -> None:
    arrived = unpack_answer(pack_answer(Answer(batch, sent, free, refused)))
    assert arrived == (batch, sent, free, refused)
    assert all(isinstance(result, JobResult) for result in arrived.results)
