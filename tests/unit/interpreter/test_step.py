"""Whatever arrives, in whatever order, an execution moves by the rules and ends once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfc.asl.expression import Failure
from sfc.interpreter.commands import CancelTask, DispatchTask, Finish
from sfc.interpreter.entries import Entry, Stopped, TaskFailed, TaskSucceeded, TimerFired, decode, encode
from tests.support.play import Play, count, outcome, states

CHARGE = states(
    "Look",
    Look={"Type": "Choice", "Choices": [{"Variable": "$.amount", "NumericGreaterThan": 10, "Next": "Charge"}],
          "Default": "Free"},
    Free={"Type": "Succeed"},
    Charge={"Type": "Task", "Resource": "task:charge", "ResultPath": "$.receipt", "Next": "Rest",
            "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 2, "MaxAttempts": 2}],
            "Catch": [{"ErrorEquals": ["Declined"], "ResultPath": "$.why", "Next": "Refused"}]},
    Rest={"Type": "Wait", "Seconds": 60, "Next": "Done"},
    Done={"Type": "Pass", "Parameters": {"receipt.$": "$.receipt", "by.$": "$$.Execution.Name"}, "End": True},
    Refused={"Type": "Fail", "Error": "Refused", "CausePath": "$.why.Cause"},
)  # fmt: skip


def test_a_task_s_answer_moves_the_execution_on() -> None:
    play = Play(CHARGE, {"amount": 42})
    job = play.job("Charge")
    assert (job.input, job.resource.action, job.attempt) == (b'{"amount":42}', "charge", 1)
    play.succeed("Charge", "r-1")
    assert play.run.active_states() == ["Rest"]
    assert play.elapse() == 60_000
    assert play.output == {"receipt": "r-1", "by": "o-1"}


def test_a_choice_without_a_matching_rule_takes_its_default() -> None:
    assert Play(CHARGE, {"amount": 3}).output == {"amount": 3}


def test_a_caught_failure_hands_its_error_output_on() -> None:
    play = Play(CHARGE, {"amount": 42})
    play.fail("Charge", "Declined", "no money")
    assert outcome(play.run) == ("FAILED", None, Failure("Refused", "no money"))


def test_a_retried_task_is_sent_again_as_the_next_attempt() -> None:
    play = Play(CHARGE, {"amount": 42})
    for wait_ms, attempt in ((2_000, 2), (4_000, 3)):
        play.fail("Charge", "Busy")
        assert play.elapse() == wait_ms
        assert play.job("Charge").attempt == attempt
        assert play.job("Charge").retry_count == attempt - 1
    play.fail("Charge", "Busy", "still")
    assert outcome(play.run) == ("FAILED", None, Failure("Busy", "still"))


def test_the_answer_of_an_attempt_that_was_given_up_changes_nothing() -> None:
    play = Play(CHARGE, {"amount": 42})
    late = TaskSucceeded(at=play.now, task=play.job("Charge").task, attempt=1, output=b'"late"')
    play.fail("Charge", "Busy")
    before = (play.run.last_event, play.run.next_timer())
    assert play.feed(late) == []
    assert (play.run.last_event, play.run.next_timer()) == before


def test_a_stopped_execution_calls_its_jobs_back_and_is_aborted() -> None:
    play = Play(CHARGE, {"amount": 42})
    made = play.feed(Stopped(at=play.now, failure=Failure("Why", "because")))
    assert [type(command) for command in made] == [CancelTask, Finish]
    assert outcome(play.run) == ("ABORTED", None, Failure("Why", "because"))
    assert play.run.next_timer() is None


def test_the_execution_s_own_time_out_ends_it() -> None:
    machine = states("W", W={"Type": "Wait", "Seconds": 99, "End": True})
    play = Play(machine)
    play.feed(TimerFired(at=play.now + 5_000, task=0, attempt=0))
    assert outcome(play.run) == ("TIMED_OUT", None, None)


def test_an_endless_loop_of_states_that_never_wait_ends_at_the_limit_of_events() -> None:
    never = {"Variable": "$.never", "IsPresent": True, "Next": "Never"}
    machine = states("A", A={"Type": "Pass", "Next": "B"}, B={"Type": "Choice", "Choices": [never], "Default": "A"},
                     Never={"Type": "Succeed"})  # fmt: skip
    play = Play(machine)
    assert play.run.status == "FAILED"
    assert play.run.failure is not None
    assert "25000" in str(play.run.failure.cause)
    assert play.run.last_event <= 25_000


def test_time_never_goes_back_within_an_execution() -> None:
    play = Play(CHARGE, {"amount": 42}, at=5_000_000)
    job = play.job("Charge")
    play.feed(TaskSucceeded(at=1, task=job.task, attempt=1, output=b"1"))
    assert play.run.events is not None
    assert {event["timestamp"] for event in play.run.events} == {5_000_000}


def test_a_result_above_the_limit_fails_the_task_with_data_limit_exceeded() -> None:
    play = Play(CHARGE, {"amount": 42})
    play.succeed("Charge", "x" * 300_000)
    assert play.run.failure is not None
    assert play.run.failure.error == "States.DataLimitExceeded"


def test_a_document_that_doubles_in_every_state_ends_with_data_limit_exceeded() -> None:
    never = {"Variable": "$.never", "IsPresent": True, "Next": "Never"}
    double = {"Type": "Pass", "Parameters": {"a.$": "$", "b.$": "$"}, "Next": "Again"}
    again = {"Type": "Choice", "Choices": [never], "Default": "Double"}
    play = Play(states("Double", Double=double, Again=again, Never={"Type": "Succeed"}))
    assert play.run.failure is not None
    assert play.run.failure.error == "States.DataLimitExceeded"


NUMBERS = st.integers(0, 3)
ENTRIES = st.one_of(
    st.builds(TaskSucceeded, at=st.integers(0, 10**7), task=NUMBERS, attempt=NUMBERS,
              output=st.sampled_from([b"1", b"{}", b"not json"])),
    st.builds(TaskFailed, at=st.integers(0, 10**7), task=NUMBERS, attempt=NUMBERS,
              failure=st.builds(Failure, st.sampled_from(["Busy", "Declined", "Odd"]))),
    st.builds(TimerFired, at=st.integers(0, 10**7), task=NUMBERS, attempt=NUMBERS),
    st.builds(Stopped, at=st.integers(0, 10**7), failure=st.just(Failure(None))),
)  # fmt: skip


@given(st.lists(ENTRIES, max_size=12))
def test_an_execution_finishes_at_most_once_and_replays_to_the_same_digests(entries: list[Entry]) -> None:
    play = Play(CHARGE, {"amount": 42})
    for entry in entries:
        play.feed(entry)
    assert count(play.commands, Finish) == (1 if play.run.done else 0)
    assert count(play.commands, DispatchTask) <= 3
    assert outcome(play.replayed(record=False)) == outcome(play.run)
    assert play.replayed(record=True).events == play.run.events


@given(ENTRIES)
def test_an_entry_survives_its_stored_form(entry: Entry) -> None:
    assert decode(encode(entry)) == entry


def test_a_stored_entry_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        decode((99, 0, 0, 0, 0, b""))
