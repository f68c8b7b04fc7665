"""Targets, reachability and ends."""

from typing import Any

import pytest

from sfc.asl import parse

END = {"Type": "Pass", "End": True}


def findings(start_at: str, **states: Any) -> list[tuple[str, str]]:
    found = parse({"StartAt": start_at, "States": states}).diagnostics
    return [(each.location, each.code) for each in found if each.severity == "ERROR"]


def to(following: Any) -> dict[str, Any]:
    return {"Type": "Pass", "Next": following}


MISSING = "MISSING_TRANSITION_TARGET"
NO_END = ("", "MISSING_END_STATE")


@pytest.mark.parametrize(
    ("start_at", "states", "want"),
    [
        ("X", {"A": END}, [("/StartAt", MISSING)]),
        ("A", {"A": END, "B": END}, [("/States/B", MISSING)]),
        ("A", {"A": to("a"), "a": END}, []),
        ("A", {"A": to("A")}, [NO_END]),
        ("A", {"A": to("B"), "B": to("A"), "C": to("A")}, [NO_END]),
        ("A", {"A": to("B"), "B": to("A"), "C": END}, [("/States/C", MISSING)]),
        ("A", {"A": to([])}, [("/States/A/Next", "SCHEMA_VALIDATION_FAILED"), NO_END]),
        ("A", {"A": to(["B", "B"]), "B": END}, [("/States/A/Next", "SCHEMA_VALIDATION_FAILED"),
                                                ("/States/B", MISSING)]),
        ("A", {"A": to("B"), "B": {"Type": "Fail"}}, []),
    ],
)  # fmt: skip
def test_every_state_is_reached_and_every_target_exists(
    start_at: str, states: dict[str, Any], want: list[tuple[str, str]]
) -> None:
    assert findings(start_at, **states) == want


def test_a_branch_cannot_lead_out_of_itself() -> None:
    branch = {"StartAt": "Q", "States": {"Q": to("A")}}
    states = {"P": {"Type": "Parallel", "Branches": [branch], "Next": "A"}, "A": END}
    assert findings("P", **states) == [
        ("/States/P/Branches[0]/States/Q/Next", MISSING),
        ("/States/P/Branches[0]", "MISSING_END_STATE"),
    ]
