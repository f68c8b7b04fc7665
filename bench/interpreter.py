"""State transitions a second of the interpreter alone, history off, beside the same moves written by hand in Python."""

import cProfile
import io
import json
import pstats
import time
from typing import Any

from sfc.asl.parse import parse
from sfc.interpreter import ExecutionInfo, Run, step
from sfc.interpreter.entries import Started

TRANSITIONS = 60_000
DOCUMENT = {
    "order": {"id": "o-1", "lines": [{"sku": f"sku-{i}", "quantity": i, "price": 9.99} for i in range(16)]},
    "customer": {"name": "Ada", "mail": "ada@example.com", "address": {"street": "1 Long Street", "city": "Town"}},
    "count": 0,
    "flags": {"gift": False, "express": True},
}
LOOP = {
    "StartAt": "Count",
    "States": {
        "Count": {
            "Type": "Pass",
            "Parameters": {"next.$": "States.MathAdd($.count, 1)"},
            "ResultPath": "$.step",
            "Next": "Keep",
        },
        "Keep": {"Type": "Pass", "InputPath": "$.step.next", "ResultPath": "$.count", "Next": "More?"},
        "Look": {"Type": "Pass", "Next": "More?"},
        "More?": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.count", "NumericGreaterThanEquals": TRANSITIONS // 3, "Next": "Done"},
                {
                    "And": [
                        {"Variable": "$.flags.gift", "BooleanEquals": True},
                        {"Variable": "$.customer.address.city", "StringEquals": "Town"},
                    ],
                    "Next": "Look",
                },
            ],
            "Default": "Count",
        },
        "Done": {"Type": "Succeed"},
    },
}


def interpreted() -> tuple[int, float]:
    """(transitions, seconds) of one execution of the loop."""
    machine = parse(json.dumps(LOOP)).machine
    assert machine is not None
    info = ExecutionInfo("arn", "n", "arn", "m", history_events=10_000_000)
    run = Run(machine, info)
    entry = Started(at=1, input=json.dumps(DOCUMENT).encode(), seed=1)
    begin = time.perf_counter()
    step(run, entry)
    took = time.perf_counter() - begin
    assert run.status == "SUCCEEDED", run.failure
    return run.last_event // 2, took


def by_hand() -> tuple[int, float]:
    """The same document through the same moves, written for this one machine: what Python itself costs."""
    document: dict[str, Any] = json.loads(json.dumps(DOCUMENT))
    moves = 0
    begin = time.perf_counter()
    while True:
        document = {**document, "step": {"next": document["count"] + 1}}
        json.dumps(document)  # the size of what a state hands on is always checked
        document = {**document, "count": document["step"]["next"]}
        json.dumps(document)
        moves += 3
        if document["count"] >= TRANSITIONS // 3:
            break
        if document["flags"]["gift"] and document["customer"]["address"]["city"] == "Town":
            moves += 1
    return moves, time.perf_counter() - begin


def profile(lines: int = 15) -> str:
    """Where the time goes, by own time."""
    profiler, out = cProfile.Profile(), io.StringIO()
    profiler.runcall(interpreted)
    pstats.Stats(profiler, stream=out).sort_stats("tottime").print_stats(lines)
    return out.getvalue()


def main() -> dict[str, Any]:
    """Transitions a second, best of three of each kind in turn."""
    ours, hand = [], []
    for _ in range(3):
        for results, measure in ((ours, interpreted), (hand, by_hand)):
            moves, took = measure()
            results.append(moves / took)
    return {
        "document_bytes": len(json.dumps(DOCUMENT)),
        "transitions_per_s": round(max(ours)),
        "by_hand_per_s": round(max(hand)),
        "share_of_by_hand": round(max(ours) / max(hand), 2),
    }


if __name__ == "__main__":
    print(json.dumps(main(), indent=1))
    print(profile())
