"""Whatever a blueprint or an input is: it is refused with findings, or it runs to an end that replays. It never crashes
the parser, the validator or the interpreter, and never hangs them (pytest's time limit ends what does).

Examples are the same in every run; `SFC_FUZZ` (a factor) makes more of them, of another kind each time.
"""

import json
import os
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfc.asl.model import StateMachine
from sfc.asl.parse import invalid_definition_message, parse
from sfc.interpreter import Run, step
from tests.fuzz.blueprints import INPUTS, JSON, blueprint
from tests.fuzz.corpus import anything, definitions, mutated
from tests.fuzz.drive import drive
from tests.support.play import INFO

FACTOR = int(os.environ.get("SFC_FUZZ", "0"))
QUICK = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
SEEDS = st.integers(0, 2**64 - 1)


def examples(number: int) -> settings:
    return settings(
        max_examples=number * (FACTOR or 1), derandomize=not FACTOR, suppress_health_check=QUICK, database=None
    )


def read(document: Any) -> StateMachine | None:
    """The machine, or None after checking that the findings say what is wrong."""
    text = document if isinstance(document, (str, bytes)) else json.dumps(document)
    parsed = parse(text)
    findings = (*parsed.diagnostics, *parsed.unsupported)
    if parsed.machine is None:
        assert findings
    for finding in findings:
        assert finding.message
        assert finding.code
    assert len(invalid_definition_message(parsed.diagnostics)) < 10_000_000
    return parsed.machine


def run_and_replay(machine: StateMachine, value: Any, random: Random) -> None:
    run, entries, digests = drive(machine, value, random)
    assert run.status != "RUNNING"
    assert run.events is not None
    assert [event["id"] for event in run.events] == list(range(1, len(run.events) + 1))
    assert all(event["previousEventId"] < event["id"] for event in run.events)
    json.dumps(run.events)
    again = Run(machine, INFO)
    replayed = []
    for entry in entries:
        step(again, entry)
        replayed.append(again.digest)
    assert replayed == digests
    assert (again.status, again.output, again.last_event) == (run.status, run.output, run.last_event)


@given(text=st.text(max_size=200) | JSON.map(json.dumps) | st.binary(max_size=200))
@examples(300)
def test_any_text_is_refused_with_findings(text: str | bytes) -> None:
    assert read(text) is None


@given(definition=blueprint(), value=INPUTS, seed=SEEDS)
@examples(150)
def test_a_made_blueprint_is_refused_or_runs_to_an_end_that_replays(definition: Any, value: Any, seed: int) -> None:
    machine = read(definition)
    if machine is not None:
        run_and_replay(machine, value, Random(seed))


def play_changed(known: list[str], random: Random) -> None:
    machine = read(mutated(random.choice(known), random))
    if machine is not None:
        value = {"a": anything(random), "items": [1, 2], "n": 3}
        run_and_replay(machine, value if _fits(value) else {}, random)


@pytest.fixture(scope="module")
def known() -> list[str]:
    found = definitions()
    if not found:
        pytest.skip("no shared corpus; set SFC_SHARED")
    return found


@given(seed=SEEDS)
@examples(400)
def test_a_published_definition_that_chance_has_changed_is_refused_or_runs_to_an_end(
    known: list[str], seed: int
) -> None:
    play_changed(known, Random(seed))


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 20_000, 2_000))
def test_many_more_of_them(known: list[str], start: int) -> None:
    for seed in range(start, start + 2_000):
        play_changed(known, Random(seed))  # the seed is in the message of what fails, as a local


@pytest.mark.slow
def test_every_published_definition_runs_to_an_end_with_any_answers(known: list[str]) -> None:
    for text in known:
        machine = read(text)
        for seed in range(3) if machine is not None else ():
            run_and_replay(machine, {"a": 1, "items": [1, 2], "n": 3}, Random(seed))  # type: ignore[arg-type]


def _fits(value: Any) -> bool:
    return all(abs(each) < 2**63 for each in _integers(value))


def _integers(value: Any) -> list[int]:
    if isinstance(value, dict):
        return [each for item in value.values() for each in _integers(item)]
    if isinstance(value, list):
        return [each for item in value for each in _integers(item)]
    return [value] if isinstance(value, int) else []
