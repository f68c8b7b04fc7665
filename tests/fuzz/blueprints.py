"""Blueprints that Hypothesis makes: mostly right, so that they run, in both query languages."""

import itertools
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.corpus import TEXTS, TYPES

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip

INPUTS = JSON | st.fixed_dictionaries(
    {"a": JSON, "n": st.integers(-5, 50), "items": st.lists(JSON, max_size=6), "s": st.text(max_size=10)}
)

PATHS = st.sampled_from(
    ["$", "$.a", "$.n", "$.items", "$.items[0]", "$.items[*]", "$..a", "$$.State.Name", "$v", "$v.a"]
)
EXPRESSIONS = st.sampled_from([
    "{% $states.input %}", "{% $states.input.a %}", "{% $states.input.n + 1 %}", "{% $v %}", "{% $states.result %}",
    "{% $count($states.input.items) %}", "{% $string($states.input) %}", "{% $states.context.State.Name %}",
    "{% [1..$states.input.n] %}", "{% $uuid() %}", "{% $states.errorOutput.Error %}", "{% $parse('[1]') %}",
])  # fmt: skip
RETRY = st.lists(
    st.fixed_dictionaries(
        {"ErrorEquals": st.sampled_from([["States.ALL"], ["States.TaskFailed"], ["Busy"], ["States.Timeout"]])},
        optional={
            "MaxAttempts": st.integers(0, 3),
            "IntervalSeconds": st.integers(1, 10),
            "BackoffRate": st.floats(1, 3),
            "JitterStrategy": st.sampled_from(["FULL", "NONE"]),
        },
    ),
    max_size=2,
)


def _values(jsonata: bool) -> st.SearchStrategy[Any]:
    if jsonata:
        return EXPRESSIONS | JSON | st.dictionaries(st.text(max_size=6), EXPRESSIONS, max_size=3)
    template = st.dictionaries(st.sampled_from(["a.$", "n.$", "items.$"]), PATHS | st.sampled_from(TEXTS), max_size=3)
    return template | st.dictionaries(st.sampled_from(["a", "n", "items"]), JSON, max_size=3)


@st.composite
def state(draw: st.DrawFn, names: list[str], jsonata: bool, depth: int) -> dict[str, Any]:
    """A state that leads to one of `names`, or ends."""
    kinds = [kind for kind in TYPES if kind != "Join" and (depth < 2 or kind not in ("Parallel", "Map"))]
    kind = draw(st.sampled_from(kinds))
    made: dict[str, Any] = {"Type": kind}
    if kind not in ("Choice", "Succeed", "Fail"):
        following = draw(st.sampled_from([*names, None]))
        made |= {"End": True} if following is None else {"Next": following}
    values = _values(jsonata)
    if kind not in ("Succeed", "Fail") and draw(st.booleans()):
        made["Assign"] = draw(
            st.dictionaries(st.sampled_from(["v", "w"] if jsonata else ["v.$", "w"]), values, max_size=2)
        )
    made |= draw(_own_fields(kind, names, jsonata, depth))
    if kind in ("Task", "Parallel", "Map"):
        made["Retry"] = draw(RETRY)
        if draw(st.booleans()):
            made["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": draw(st.sampled_from(names))}]
    if jsonata and kind != "Fail" and draw(st.booleans()):
        made["Output"] = draw(values)
    if not jsonata and kind != "Fail" and draw(st.booleans()):
        made[draw(st.sampled_from(["InputPath", "OutputPath"]))] = draw(PATHS)
    if not jsonata and kind in ("Pass", "Task", "Parallel", "Map") and draw(st.booleans()):
        made["ResultPath"] = draw(st.sampled_from(["$.r", "$.a.b", "$", None]))
    return made


def _own_fields(kind: str, names: list[str], jsonata: bool, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    values, target = _values(jsonata), st.sampled_from(names)
    if kind == "Task":
        resources = ["task:a", "arn:aws:states:::sqs:sendMessage", "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                     "arn:aws:states:::states:startExecution.sync:2"]  # fmt: skip
        return st.fixed_dictionaries(
            {"Resource": st.sampled_from(resources)},
            optional={"Arguments" if jsonata else "Parameters": values, "TimeoutSeconds": st.integers(1, 100)},
        )
    if kind == "Wait":
        return st.fixed_dictionaries({"Seconds": st.integers(0, 1000) | (EXPRESSIONS if jsonata else st.just(1))})
    if kind == "Fail":
        return st.fixed_dictionaries({"Error": st.text(max_size=5), "Cause": st.text(max_size=5)})
    if kind == "Choice":
        rule = (
            st.fixed_dictionaries({"Condition": EXPRESSIONS | st.booleans(), "Next": target})
            if jsonata
            else st.fixed_dictionaries({"Variable": PATHS, "IsPresent": st.booleans(), "Next": target})
        )
        return st.fixed_dictionaries({"Choices": st.lists(rule, min_size=1, max_size=2), "Default": target})
    if kind == "Parallel":
        return st.fixed_dictionaries({"Branches": st.lists(machine(jsonata, depth + 1), min_size=1, max_size=2)})
    if kind == "Map":
        items = {"Items": EXPRESSIONS} if jsonata else {"ItemsPath": PATHS}
        optional: Any = {**items, "MaxConcurrency": st.integers(0, 3), "ItemSelector": values}
        return st.fixed_dictionaries({"ItemProcessor": machine(jsonata, depth + 1)}, optional=optional)
    if kind == "Pass" and not jsonata:
        return st.fixed_dictionaries({}, optional={"Result": JSON, "Parameters": values})
    return st.just({})


@st.composite
def machine(draw: st.DrawFn, jsonata: bool, depth: int = 0) -> dict[str, Any]:
    """A (sub-)machine; its last state ends it, so that most of what is drawn is valid."""
    names = [f"{'abc'[depth]}{number}" for number in range(draw(st.integers(1, 4)))]
    states = {name: draw(state(names, jsonata, depth)) for name in names}
    states[names[-1]] = {"Type": "Succeed"}
    # Each leads on to the next, so that all can be reached.
    for name, following in itertools.pairwise(names):
        if states[name]["Type"] not in ("Choice", "Succeed", "Fail"):
            states[name].pop("End", None)
            states[name]["Next"] = following
        elif states[name]["Type"] == "Choice":
            states[name]["Default"] = following
    return {"StartAt": names[0], "States": states}


@st.composite
def blueprint(draw: st.DrawFn) -> dict[str, Any]:
    jsonata = draw(st.booleans())
    made: dict[str, Any] = draw(machine(jsonata))
    if jsonata:
        made["QueryLanguage"] = "JSONata"
    if draw(st.booleans()):
        made["TimeoutSeconds"] = draw(st.integers(1, 10_000))
    return made
