"""Definitions of other people, and what chance makes of them."""

import json
from collections.abc import Iterator
from functools import lru_cache
from random import Random
from typing import Any

from tests.support.shared import SHARED

Path = list[Any]

TEXTS = [
    *(
        "",
        " ",
        "$",
        "$$",
        "$.",
        "$..",
        "$..*",
        "$[",
        "$['a",
        "$.a[*].b",
        "$.a[-1]",
        "$.a[1:2:0]",
        "$[?(@.a =~ /(a+)+$/)]",
    ),
    *("$x", "$states.input", "$states.result.a", "$$.Task.Token", "$$.Map.Item.Value", "{% %}", "{%", "{% 1/0 %}"),
    *(
        "{% $states.input.a[0]^(>b){c: $sum(d)} %}",
        "{% $f := function($n){$f($n)}; $f(1) %}",
        "{% ($a := 1; [1..99999]) %}",
    ),
    *("{% $match('aaaaaaaaaaaaaaaaaaaaaa!', /(a+)+$/) %}", "{% $eval('1') %}", "{% $partition([1,2,3], 0) %}", "{%%}"),
    *("States.Format('{}', $.a)", "States.Format('", "States.Nope()", "States.ArrayRange(0, 9, 0)", "States.UUID()"),
    *("States.JsonMerge($, $, true)", "States.MathRandom(1)", "States.Array(" * 9, "2024-01-01T00:00:00Z", "24-1-1"),
    *(
        "States.ALL",
        "States.Timeout",
        "States.Runtime",
        "A",
        "Next",
        "End",
        "JSONata",
        "JSONPath",
        "\x00",
        "\ud7ff",
        "é" * 90,
    ),
    *(
        "arn:aws:states:::lambda:invoke",
        "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "arn:aws:states:::a:b.sync:2",
    ),
    *(
        "arn:aws:states:::states:startExecution.sync",
        "arn:aws:states:us-east-1:123456789012:activity:a",
        "task:a:1",
        "http://[",
    ),
    *("arn:aws:states:::aws-sdk:s3:getObject", "arn:aws:states:::s3:getObject", "DISTRIBUTED", "EXPRESS", "CSV", "ALL"),
]
"""Where languages begin and where they go wrong."""

NUMBERS = [0, 1, -1, 2, 0.5, -0.0, 1e308, 1e-320, 2**31, 2**53 + 1, 2**63, 2**64, 10**30, 99_999_999, 100_000_000]

FIELDS = [
    *(
        "Type",
        "Next",
        "End",
        "StartAt",
        "States",
        "Default",
        "Choices",
        "Branches",
        "ItemProcessor",
        "Iterator",
        "Comment",
    ),
    *(
        "InputPath",
        "OutputPath",
        "ResultPath",
        "Parameters",
        "ResultSelector",
        "Result",
        "Arguments",
        "Output",
        "Assign",
    ),
    *(
        "Retry",
        "Catch",
        "ErrorEquals",
        "IntervalSeconds",
        "BackoffRate",
        "MaxAttempts",
        "MaxDelaySeconds",
        "JitterStrategy",
    ),
    *(
        "Seconds",
        "SecondsPath",
        "Timestamp",
        "TimestampPath",
        "TimeoutSeconds",
        "TimeoutSecondsPath",
        "HeartbeatSeconds",
    ),
    *(
        "Variable",
        "And",
        "Or",
        "Not",
        "Condition",
        "IsPresent",
        "StringMatches",
        "NumericEqualsPath",
        "TimestampEquals",
    ),
    *("Items", "ItemsPath", "ItemSelector", "ItemReader", "ItemBatcher", "ResultWriter", "MaxConcurrency", "Label"),
    *(
        "ToleratedFailureCount",
        "ToleratedFailurePercentagePath",
        "QueryLanguage",
        "Credentials",
        "Resource",
        "Error",
        "Cause",
    ),
    *("ErrorPath", "CausePath", "ProcessorConfig", "Mode", "ExecutionType", "Require", "Others", "Version", "x.$", "$"),
]
TYPES = ["Task", "Pass", "Choice", "Wait", "Parallel", "Map", "Join", "Succeed", "Fail"]


@lru_cache(maxsize=1)
def definitions() -> list[str]:
    """Every definition of the shared corpus, as JSON text; empty where there is no corpus."""
    found: set[str] = set()
    for path in sorted((SHARED / "conformance").rglob("*.json")):
        for each in _definitions_in(json.loads(path.read_text())):
            found.add(json.dumps(each))
    return sorted(found)


def _definitions_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name == "definition" and isinstance(each, dict):
                yield each
            elif name == "definition" and isinstance(each, str) and each.startswith("{"):
                try:
                    yield json.loads(each)
                except ValueError:
                    continue
            elif name not in ("expected", "features"):
                yield from _definitions_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _definitions_in(each)


def anything(random: Random, depth: int = 0) -> Any:
    """Some JSON value, mostly small."""
    kind = random.randrange(8 if depth < 3 else 6)
    if kind < 3:
        return random.choice(TEXTS)
    if kind == 3:
        return random.choice(NUMBERS)
    if kind < 6:
        return random.choice([None, True, False, random.choice(TYPES), {}, []])
    if kind == 6:
        return [anything(random, depth + 1) for _ in range(random.randrange(4))]
    return {random.choice(FIELDS): anything(random, depth + 1) for _ in range(random.randrange(4))}


def mutated(text: str, random: Random) -> dict[str, Any]:
    """The definition with a place or a few changed; half of the time by something that could stand there."""
    definition: dict[str, Any] = json.loads(text)
    change = random.choice([_replace_alike, _change])
    for _ in range(random.choice([1, 1, 1, 2, 3, 4])):
        places = list(_places(definition, []))
        if not places:
            break
        change(definition, random.choice(places), places, random)
    return definition


def _replace_alike(definition: Any, path: Path, _others: list[Path], random: Random) -> None:
    """A text for a text, a number for a number; a path, an expression or an intrinsic stays one."""
    holder, key = _at(definition, path[:-1]), path[-1]
    value = holder[key]
    if (isinstance(value, str) and value[:1] in ("$", "{")) or "States." in str(value)[:7]:
        holder[key] = random.choice([text for text in TEXTS if text[:1] == value[:1]] or TEXTS)
    elif isinstance(value, bool):
        holder[key] = not value
    elif isinstance(value, (int, float)):
        holder[key] = random.choice(NUMBERS)
    elif isinstance(value, list):
        holder[key] = value[:1] if random.random() < 0.5 else value * 2
    elif isinstance(value, dict) and key in ("Parameters", "Arguments", "Assign", "Output", "Result", "ItemSelector"):
        holder[key] = anything(random)


def _places(value: Any, path: Path) -> Iterator[Path]:
    if path:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _places(child, [*path, key])


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def _change(definition: Any, path: Path, others: list[Path], random: Random) -> None:
    holder, key = _at(definition, path[:-1]), path[-1]
    match random.randrange(6):
        case 0:
            del holder[key]
        case 1:
            holder[key] = anything(random)
        case 2 if isinstance(holder, dict):
            holder[random.choice(FIELDS)] = anything(random)
        case 3 if isinstance(holder, dict):
            holder[random.choice(FIELDS)] = holder.pop(key)
        case 4 if others:
            # A copy of another part, by text, so that nothing holds itself.
            holder[key] = json.loads(json.dumps(_at(definition, random.choice(others))))
        case _:
            holder[key] = random.choice(TYPES) if key == "Type" else anything(random)
