"""Expressions of both query languages, put together by chance: refused, or evaluated, or failed; never a crash."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.test_fuzz import SEEDS, examples, read, run_and_replay

JSONATA = [
    *(
        "$states",
        ".input",
        ".a",
        ".items",
        ".n",
        "[0]",
        "[-1]",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        ",",
        ";",
        ":",
        ":=",
        "?",
        "?:",
    ),
    *(
        "??",
        ".",
        "..",
        "*",
        "**",
        "%",
        "^(",
        ">",
        "<",
        "=",
        "!=",
        "<=",
        "&",
        "+",
        "-",
        "/",
        "~>",
        "@",
        "#$i",
        "$",
        "$$",
        "$x",
    ),
    *(
        "1",
        "0",
        "-1.5e3",
        "1e400",
        '"s"',
        "'t'",
        "`b`",
        "true",
        "null",
        "and",
        "or",
        "in",
        "function($a){",
        "λ($b)<n:n>{",
    ),
    *(
        "/(a+)+$/",
        "/[/",
        "|$|{}|",
        "$map",
        "$filter",
        "$reduce",
        "$sort",
        "$string",
        "$number",
        "$sum",
        "$each",
        "$sift",
    ),
    *(
        "$split",
        "$replace",
        "$match",
        "$formatNumber",
        "$fromMillis",
        "$toMillis",
        "$now()",
        "$uuid()",
        "$random()",
        "$zip",
    ),
    *(
        "$partition",
        "$range",
        "$hash",
        "$parse",
        "$eval",
        "$lookup",
        "$merge",
        "$spread",
        "$pad",
        "$base64decode",
        "$error",
    ),
    *(
        "[1..1e7]",
        "[1..n]",
        "$power(9,9e9)",
        "$join",
        "$distinct",
        "$shuffle",
        "$exists",
        "$type",
        "$assert",
        "..a",
        " ",
    ),
]
PATHS = [
    *(
        "$",
        "$$",
        "$v",
        ".a",
        ".items",
        "['a']",
        '["b"]',
        "[0]",
        "[-1]",
        "[*]",
        "[0:2]",
        "[::0]",
        "[0,1]",
        "..",
        ".*",
        "..*",
    ),
    *(
        "[?(@.a)]",
        "[?(@.n > 1)]",
        "[?(@.a =~ /(a+)+$/)]",
        "[?(",
        ")]",
        "@",
        ".length()",
        ".sum()",
        "[",
        "]",
        "'",
        '"',
        "\\",
    ),
    *("[?(@.a in ['x'])]", "[?(@..b)]", "&&", "||", "!", ".", " ", "é", "\u0000", "[99999999999]", ".b.c", "[?(1==1)]"),
]
INTRINSICS = [
    *("States.Format(", "States.Array(", "States.JsonMerge(", "States.MathAdd(", "States.ArrayRange(", "States.Hash("),
    *(
        "States.StringToJson(",
        "States.JsonToString(",
        "States.ArrayPartition(",
        "States.ArrayContains(",
        "States.UUID(",
    ),
    *(
        "States.Base64Decode(",
        "States.StringSplit(",
        "States.ArrayGetItem(",
        "States.MathRandom(",
        "States.ArrayUnique(",
    ),
    *(
        ")",
        ")",
        ")",
        ",",
        ", ",
        "'{}'",
        "'a'",
        "'\\'",
        "'",
        "$",
        "$.a",
        "$.n",
        "$.items",
        "$$.State",
        "1",
        "0",
        "-1",
        "1.5",
    ),
    *("true", "null", "1e99", "9999999999999999999", "'MD5'", "'{}{}'", "'x{'", "\\", "States."),
]
INPUT = {
    "a": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
    "n": 3,
    "items": [1, "x", None, {"b": {"c": [2.5]}}],
    "b": {"a": True},
}


def chained(parts: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(parts), min_size=1, max_size=9).map("".join)


def evaluated(state: dict[str, Any], seed: int, **top: Any) -> None:
    machine = read({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True, **state}}, **top})
    if machine is not None:
        run_and_replay(machine, INPUT, Random(seed))


@given(expression=chained(JSONATA), field=st.sampled_from(["Output", "Assign"]), seed=SEEDS)
@examples(500)
def test_any_jsonata_expression(expression: str, field: str, seed: int) -> None:
    value: Any = "{% " + expression + " %}"
    evaluated({field: {"v": value} if field == "Assign" else value}, seed, QueryLanguage="JSONata")


@given(path=chained(PATHS), field=st.sampled_from(["InputPath", "OutputPath", "ResultPath", "v.$"]), seed=SEEDS)
@examples(500)
def test_any_path(path: str, field: str, seed: int) -> None:
    text = path if path.startswith("$") else f"${path}"
    evaluated({"Parameters": {field: text}} if field == "v.$" else {field: text}, seed)


@given(intrinsic=chained(INTRINSICS), seed=SEEDS)
@examples(500)
def test_any_intrinsic(intrinsic: str, seed: int) -> None:
    text = intrinsic if intrinsic.startswith("States.") else f"States.Array({intrinsic}"
    evaluated({"Parameters": {"v.$": text}}, seed)


HOSTILE = [
    "$match($states.input.a, /(a+)+$/)",
    "$replace($states.input.a, /(a|aa)+$/, 'b')",
    "($f := function($n){$f($n + 1)}; $f(1))",
    "($f := function($n){$n > 0 ? $f($n - 1) & $f($n - 1) : 'x'}; $f(60))",
    "[1..10000000]",
    "[1..3000].([1..3000])",
    "$reduce([1..100], function($a, $b){$a & $a}, 'xx')",
    "$power(10, 1000)",
    "$pad('', 100000000)",
    "$join($split($pad('', 200000), ''), $pad('', 200000))",
    "$sort([1..100000], function($a, $b){true})",
    "**.**.**.**.**.**",
    "(" * 5_000 + "1" + ")" * 5_000,
    "-" * 20_000 + "1",
    "[" * 300 + "]" * 300,
    "1" * 20_000,
    "$formatNumber(1, '#,##0.' & $pad('', 100000, '0'))",
    "$fromMillis(1e300)",
    "$toMillis('9999999-99-99')",
]


@pytest.mark.parametrize("expression", HOSTILE, ids=lambda text: text[:40])
def test_an_expression_that_would_run_away_is_stopped(expression: str) -> None:
    evaluated({"Output": "{% " + expression + " %}"}, 1, QueryLanguage="JSONata")


@pytest.mark.parametrize(
    "path",
    [
        "$" + "..*" * 40,
        "$" + "[*]" * 400,
        "$[?(" + "@.a && " * 300 + "@.a)]",
        "$[?(@.a =~ /" + "(a{1,99}){1,99}" + "/)]",
        "$" + ".a" * 2_000,
        "$" + "[?(@" * 100,
    ],
    ids=lambda text: text[:20],
)
def test_a_path_that_would_run_away_is_stopped(path: str) -> None:
    evaluated({"InputPath": path}, 1)


@pytest.mark.parametrize("depth", [50, 199, 201, 5_000])
def test_documents_nested_deeply_are_refused_or_run(depth: int) -> None:
    text = '{"StartAt":"P","States":{"P":{"Type":"Pass","End":true,"Result":' + "[" * depth + "]" * depth + "}}}"
    machine = read(text)
    if machine is not None:
        run_and_replay(machine, {}, Random(1))


def test_machines_nested_deeply_are_refused() -> None:
    inner: Any = {"Type": "Pass", "End": True}
    for _ in range(100):
        inner = {"Type": "Parallel", "Branches": [{"StartAt": "P", "States": {"P": inner}}], "End": True}
    assert read(json.dumps({"StartAt": "P", "States": {"P": inner}})) is None
