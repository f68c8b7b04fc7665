"""State transitions a second of the interpreter alone, history off: one loop in JSONata, and the same in JSONPath."""

import json
import time
from typing import Any

from bench.interpreter import DOCUMENT
from sfc.asl.parse import parse
from sfc.interpreter import ExecutionInfo, Run, step
from sfc.interpreter.entries import Started

TRANSITIONS = 20_000
LIMIT = TRANSITIONS // 3
DONE = {"Type": "Succeed"}
PATHS = {
    "StartAt": "Begin",
    "States": {
        "Begin": {"Type": "Pass", "Assign": {"count": 0, "city.$": "$.customer.address.city"}, "Next": "Count"},
        "Count": {"Type": "Pass", "Assign": {"count.$": "States.MathAdd($count, 1)"}, "Next": "Keep"},
        "Keep": {
            "Type": "Pass",
            "Parameters": {"order.$": "$.order", "customer.$": "$.customer", "flags.$": "$.flags", "city.$": "$city"},
            "Next": "More?",
        },
        "More?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$count", "NumericGreaterThanEquals": LIMIT, "Next": "Done"}],
            "Default": "Count",
        },
        "Done": DONE,
    },
}
EXPRESSIONS = {
    "QueryLanguage": "JSONata",
    "StartAt": "Begin",
    "States": {
        "Begin": {
            "Type": "Pass",
            "Assign": {"count": 0, "city": "{% $states.input.customer.address.city %}"},
            "Next": "Count",
        },
        "Count": {"Type": "Pass", "Assign": {"count": "{% $count + 1 %}"}, "Next": "Keep"},
        "Keep": {
            "Type": "Pass",
            "Output": {
                "order": "{% $states.input.order %}",
                "customer": "{% $states.input.customer %}",
                "flags": "{% $states.input.flags %}",
                "city": "{% $city %}",
            },
            "Next": "More?",
        },
        "More?": {
            "Type": "Choice",
            "Choices": [{"Condition": f"{{% $count >= {LIMIT} %}}", "Next": "Done"}],
            "Default": "Count",
        },
        "Done": DONE,
    },
}


def rate(definition: dict[str, Any]) -> float:
    """Transitions a second of one execution."""
    machine = parse(json.dumps(definition)).machine
    assert machine is not None
    run = Run(machine, ExecutionInfo("arn", "n", "arn", "m", history_events=10_000_000))
    entry = Started(at=1, input=json.dumps(DOCUMENT).encode(), seed=1)
    begin = time.perf_counter()
    step(run, entry)
    took = time.perf_counter() - begin
    assert run.status == "SUCCEEDED", run.failure
    return run.last_event / 2 / took


def main() -> dict[str, Any]:
    """Best of three of each kind in turn."""
    paths, expressions = [], []
    for _ in range(3):
        paths.append(rate(PATHS))
        expressions.append(rate(EXPRESSIONS))
    return {
        "jsonpath_transitions_per_s": round(max(paths)),
        "jsonata_transitions_per_s": round(max(expressions)),
        "share_of_jsonpath": round(max(expressions) / max(paths), 2),
    }


if __name__ == "__main__":
    print(json.dumps(main(), indent=1))
