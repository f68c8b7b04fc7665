"""Benchmarks follow the code they measure: the ones that need no server run here, small."""

from bench import engine


def test_the_engine_is_measured_beside_bare_sqlite() -> None:
    found = engine.main(executions=40, in_flight=4)
    assert found["executions"] == 40
    assert found["per_second"] > 0
    assert found["times_bare"] > 0
