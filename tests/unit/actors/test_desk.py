"""Which results a worker gives to whom, and until when it keeps them."""

from hypothesis import given
from hypothesis import strategies as st

from actors.desk import BATCH_BYTES, BATCH_ITEMS, Desk
from sfc.tasks.job import Job, JobResult


def job(key: str) -> Job:
    return Job(key, "arn", "orders", "State", "task:x", b"1")


def result(key: str, output: bytes = b"1") -> JobResult:
    return JobResult(key, output, None, None, 1)


def keys(taken: tuple[int, list[JobResult]]) -> list[str]:
    return [found.key for found in taken[1]]


def test_a_job_that_is_here_is_not_begun_again_but_answered_for() -> None:
    desk = Desk()
    assert [new.key for new in desk.accept("a", [job("1"), job("2"), job("1")])] == ["1", "2"]
    assert desk.finish(result("1")) == "a"
    assert keys(desk.take("a")) == ["1"]
    assert desk.accept("a", [job("1"), job("2")]) == []
    assert keys(desk.take("a")) == ["1"]


def test_results_are_kept_until_they_are_acknowledged() -> None:
    desk = Desk()
    desk.accept("a", [job("1")])
    desk.finish(result("1"))
    number, _ = desk.take("a")
    assert keys(desk.take("a")) == []
    desk.resend("a")
    again, results = desk.take("a")
    assert [found.key for found in results] == ["1"]
    assert again != number
    assert desk.held() == ["1"]
    desk.acknowledge("a", [again])
    assert (desk.held(), desk.running) == ([], 0)


def test_an_engine_that_adopts_a_job_gets_its_result_and_the_older_one_does_not() -> None:
    desk = Desk()
    desk.accept("old", [job("running"), job("done"), job("given")])
    desk.finish(result("given"))
    number, _ = desk.take("old")
    desk.finish(result("done"))
    assert desk.accept("new", [job("running"), job("done"), job("given")]) == []
    assert desk.finish(result("running")) == "new"
    assert keys(desk.take("old")) == []
    desk.acknowledge("old", [number])  # an engine that is gone must not forget for the new one
    assert keys(desk.take("new")) == ["done", "given", "running"]


def test_a_cancelled_job_has_no_result() -> None:
    desk = Desk()
    desk.accept("a", [job("1"), job("2")])
    desk.finish(result("2"))
    desk.forget(["1", "2"])
    assert desk.finish(result("1")) is None
    assert desk.take("a") == (0, [])


def test_batches_are_cut_by_number_and_by_size() -> None:
    desk = Desk()
    small = [str(n) for n in range(BATCH_ITEMS + 1)]
    desk.accept("a", [job(key) for key in small])
    for key in small:
        desk.finish(result(key))
    assert [len(desk.take("a")[1]), len(desk.take("a")[1])] == [BATCH_ITEMS, 1]
    desk.accept("b", [job("x"), job("y")])
    for key in "xy":
        desk.finish(result(key, b"1" * BATCH_BYTES))
    assert [keys(desk.take("b")), keys(desk.take("b"))] == [["x"], ["y"]]


@given(st.lists(st.tuples(st.sampled_from(["dispatch", "finish", "take", "lose", "acknowledge"]), st.integers(0, 4))))
def test_every_job_is_begun_once_and_its_result_arrives_whatever_is_lost(moves: list[tuple[str, int]]) -> None:
    desk = Desk()
    begun: list[str] = []
    wanted: set[str] = set()
    arrived: set[str] = set()
    numbers: list[int] = []
    for move, n in [*moves, ("lose", 0), *((end, n) for n in range(5) for end in ("finish", "take"))]:
        key = str(n)
        if move == "dispatch" and key not in arrived:
            wanted.add(key)
            begun += [new.key for new in desk.accept("a", [job(key)])]
        elif move == "finish" and key in begun:
            desk.finish(result(key))
        elif move == "take":
            number, results = desk.take("a")
            arrived.update(found.key for found in results)
            numbers.append(number)
        elif move == "lose":
            arrived.update(keys(desk.take("a")))
            desk.resend("a")
        elif move == "acknowledge":
            desk.acknowledge("a", numbers)
            numbers.clear()
    assert arrived == wanted
    assert len(begun) == len(set(begun))
