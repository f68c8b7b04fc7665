"""Which forks and Joins are safe, and what a Join knows of its fork."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfc.asl import parse
from sfc.asl.model import Join
from tests.unit.asl.tokens import unsafe

END = {"Type": "Pass", "End": True}


def to(*names: str) -> dict[str, Any]:
    return {"Type": "Pass", "Next": list(names) if len(names) > 1 else names[0]}


def either(*names: str) -> dict[str, Any]:
    rules = [{"Variable": "$.x", "NumericEquals": n, "Next": name} for n, name in enumerate(names[:-1])]
    return {"Type": "Choice", "Choices": rules, "Default": names[-1]}


def join(*names: str, **fields: Any) -> dict[str, Any]:
    return {"Type": "Join", **({"Next": names[0]} if names else {"End": True}), **fields}


SAFE: list[tuple[str, dict[str, Any], dict[str, tuple[str, tuple[str, ...]]]]] = [
    ("one fork, one Join", {"F": to("A", "B"), "A": to("J"), "B": to("J"), "J": join()}, {"J": ("F", ("A", "B"))}),
    ("a branch led elsewhere", {"F": to("A", "C"), "A": to("J"), "C": either("J", "X"), "X": to("K"), "J": join("K"),
                                "K": join()}, {"J": ("F", ("A", "C")), "K": ("F", ("X", "J"))}),
    ("not nested", {"F": to("A", "B", "C"), "A": to("J"), "B": to("D", "E"), "D": to("J"), "E": to("K"), "C": to("K"),
                    "J": join("L"), "K": join("L"), "L": join()},
     {"J": ("F", ("A", "D")), "K": ("F", ("E", "C")), "L": ("F", ("J", "K"))}),
    ("nested", {"F": to("A", "B"), "A": to("C", "D"), "C": to("J"), "D": to("J"), "J": join("K"), "B": to("K"),
                "K": join()}, {"J": ("A", ("C", "D")), "K": ("F", ("J", "B"))}),
    ("inner tokens straight into the outer Join", {"F": to("A", "B"), "A": to("C", "D"), "C": to("K"), "D": to("K"),
                                                   "B": to("K"), "K": join()}, {"K": ("F", ("C", "D", "B"))}),
    ("the first one cancels", {"F": to("A", "B"), "A": to("J"), "B": to("J"),
                                "J": join(Require="Any", Others="Cancel")}, {"J": ("F", ("A", "B"))}),
    ("the first one goes on", {"F": to("A", "B"), "A": to("J"), "B": to("J"), "J": join(Require="Any")},
     {"J": ("F", ("A", "B"))}),
    ("a Choice that forks", {"F": either("A", "B"), "A": to("C", "D"), "C": to("J"), "D": to("J"), "B": END,
                              "J": join()}, {"J": ("A", ("C", "D"))}),
    ("a loop around it", {"F": to("A", "B"), "A": to("J"), "B": to("J"), "J": join("L"), "L": either("F", "Z"),
                           "Z": END}, {"J": ("F", ("A", "B"))}),
    ("two passages one after the other", {"F": to("A", "B"), "A": to("J"), "B": to("J"), "J": join("G"),
                                          "G": to("C", "D"), "C": to("K"), "D": to("K"), "K": join()},
     {"J": ("F", ("A", "B")), "K": ("G", ("C", "D"))}),
    ("a branch that fails", {"F": to("A", "B"), "A": to("J"), "B": either("J", "X"), "X": {"Type": "Fail"},
                              "J": join()}, {"J": ("F", ("A", "B"))}),
]  # fmt: skip


@pytest.mark.parametrize(("states", "want"), [each[1:] for each in SAFE], ids=[each[0] for each in SAFE])
def test_a_safe_fork_is_taken_and_its_joins_know_it(
    states: dict[str, Any], want: dict[str, tuple[str, tuple[str, ...]]]
) -> None:
    parsed = parse({"StartAt": "F", "States": states})
    assert parsed.machine is not None, parsed.diagnostics
    joins = {name: state for name, state in parsed.machine.states.items() if isinstance(state, Join)}
    assert {name: (state.fork, state.sources) for name, state in joins.items()} == want


UNSAFE: list[tuple[str, dict[str, Any], list[str]]] = [
    ("tokens meet outside a Join", {"F": to("A", "B"), "A": to("X"), "B": to("X"), "X": END}, ["/States/X"]),
    ("two ends", {"F": to("A", "B"), "A": END, "B": END}, ["/States/B"]),
    ("an end beside a Join", {"F": to("A", "B"), "A": either("J", "X"), "B": to("J"), "X": END, "J": join()},
     ["/States/X"]),
    ("a loop inside", {"F": to("A", "B"), "A": either("A", "J"), "B": to("J"), "J": join()}, ["/States/A"]),
    ("a Join without a fork", {"F": to("J"), "J": join()}, ["/States/J"]),
    ("a number that cannot be met", {"F": to("A", "B"), "A": to("J"), "B": to("J"), "J": join(Require=3)},
     ["/States/J/Require"]),
    ("a fork inside that is entered without the outer one",
     {"F": either("O", "I"), "O": to("I", "K"), "I": to("A", "K"), "A": to("K"), "K": join()}, ["/States/K"]),
    ("a number of zero", {"F": to("A", "B"), "A": to("J"), "B": to("J"), "J": join(Require=0)}, ["/States/J/Require"]),
    ("others that stay", {"F": to("A", "B"), "A": to("J"), "B": to("J"), "J": join(Others="Stay")},
     ["/States/J/Others"]),
]  # fmt: skip


@pytest.mark.parametrize(("states", "locations"), [each[1:] for each in UNSAFE], ids=[each[0] for each in UNSAFE])
def test_an_unsafe_fork_is_refused_at_its_place(states: dict[str, Any], locations: list[str]) -> None:
    found = parse({"StartAt": "F", "States": states}).diagnostics
    assert [each.location for each in found if each.severity == "ERROR"] == locations


def test_the_ways_to_a_join_do_not_go_through_its_fork() -> None:
    states = {"F": to("A", "B"), "A": to("J"), "B": to("J"), "J": join("L"), "L": either("F", "Z"), "Z": END}
    parsed = parse({"StartAt": "F", "States": states})
    assert parsed.machine is not None
    found = parsed.machine.states["J"]
    assert isinstance(found, Join)
    assert found.reaching == {"A", "B"}


def test_a_dense_net_of_forks_ends_with_a_verdict() -> None:
    names = [f"s{n}" for n in range(60)]
    states = {name: to(*names[n + 1 : n + 9]) for n, name in enumerate(names[:-2])}
    states |= {names[-2]: to(names[-1]), names[-1]: END}
    assert not parse({"StartAt": "s0", "States": states}).valid


def test_a_long_row_of_forks_and_joins_is_taken() -> None:
    states: dict[str, Any] = {"F400": {"Type": "Succeed"}}
    for n in range(400):
        states |= {
            f"F{n}": to(f"A{n}", f"B{n}"),
            f"A{n}": to(f"J{n}"),
            f"B{n}": to(f"J{n}"),
            f"J{n}": join(f"F{n + 1}"),
        }
    assert parse({"StartAt": "F0", "States": states}).machine is not None


def test_a_fork_of_thousands_ends_with_a_verdict() -> None:
    names = [f"A{n}" for n in range(3_000)]
    states = {"F": to(*names), **{name: to("J") for name in names}, "J": join()}
    assert any("entangled" in each.message for each in parse({"StartAt": "F", "States": states}).diagnostics)


NAMES = [f"S{n}" for n in range(7)]


@st.composite
def nets(draw: st.DrawFn) -> dict[str, Any]:
    """Small graphs whose edges lead forwards, with forks, Choices and Joins."""
    states: dict[str, Any] = {}
    for n, name in enumerate(NAMES[:-1]):
        ahead = draw(st.lists(st.sampled_from(NAMES[n + 1 :]), min_size=1, max_size=3, unique=True))
        shape = draw(st.sampled_from(["fork", "either", "join"]))
        if shape == "join":
            fields = {"Require": draw(st.sampled_from(["All", "Any", 2])),
                      "Others": draw(st.sampled_from(["Cancel", "Continue"]))}  # fmt: skip
            states[name] = join(ahead[0], **fields)
        elif shape == "either" and len(ahead) > 1:
            states[name] = either(*ahead)
        else:
            states[name] = to(*ahead)
    states[NAMES[-1]] = draw(st.sampled_from([END, join()]))
    return states


@given(nets(), st.integers(0, 2**32))
def test_no_play_of_a_net_that_is_taken_is_unsafe(states: dict[str, Any], seed: int) -> None:
    parsed = parse({"StartAt": NAMES[0], "States": states})
    if parsed.machine is not None:
        for turn in range(20):
            assert not unsafe(parsed.machine, random.Random(seed + turn))
