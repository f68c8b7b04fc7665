"""The 18 intrinsic functions, their text and their failures."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfc.asl.expression import FlowError, PathError, Scope
from sfc.asl.functions import FUNCTIONS
from sfc.asl.intrinsics import IntrinsicSyntaxError, compile_intrinsic, is_intrinsic
from sfc.asl.template import compile_template
from sfc.interpreter.entropy import SeededEntropy
from sfc.limits import INTRINSIC_DEPTH, INTRINSIC_TEXT_CHARS
from tests.unit.asl.recorded import executions

DATA: Any = {
    "name": "Ann",
    "n": 3,
    "list": [1, 2, 2.0, True, "x", {"a": 1}, {"a": 1.0}],
    "object": {"Arg1": 1, "Arg2": [], "s": "t", "b": True, "z": None},
    "json": '{"a": [1, 2.5]}',
    "template": "<{}> and {}",
}


def scope(seed: int = 1) -> Scope:
    return Scope(lambda: {"Execution": {"Id": "e1"}}, SeededEntropy(seed), {"v": [1]})


def call(text: str, data: Any = DATA) -> Any:
    return compile_intrinsic(text).evaluate(data, scope())


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("States.Format('Hi {}, {}.', $.name, 101)", "Hi Ann, 101."),
        ("States.Format($.template, 1.5, null)", "<1.5> and null"),
        (r"States.Format('it\'s \{{}\} \\ {x {}', true, 'a')", r"it's {true} \ {x a"),
        ("States.Format('{}', $.object)", "{Arg1=1, Arg2=[], s=t, b=true, z=null}"),
        ("States.Format('{} {}', $$.Execution.Id, $v)", "e1 [1]"),
        ("States.StringToJson($.json)", {"a": [1, 2.5]}),
        ("States.StringToJson('  ')", None),
        ("States.JsonToString($.object)", '{"Arg1":1,"Arg2":[],"s":"t","b":true,"z":null}'),
        ("States.Array()", []),
        ("States.Array('a', 1, $.n, null, true, States.Array(-2.5e1))", ["a", 1, 3, None, True, [-25.0]]),
        ("States.ArrayPartition(States.Array(1,2,3,4,5), 2.4)", [[1, 2], [3, 4], [5]]),
        ("States.ArrayContains($.list, 1)", True),
        ("States.ArrayContains($.list, 2.0)", True),
        ("States.ArrayContains($.list, false)", False),
        ("States.ArrayContains(States.Array(1), true)", False),
        ("States.ArrayContains($.list, $.object)", False),
        ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
        ("States.ArrayRange(3, 1, -1)", [3, 2, 1]),
        ("States.ArrayRange(3, 1, 1)", []),
        ("States.ArrayGetItem($.list, 4)", "x"),
        ("States.ArrayLength($.list)", 7),
        ("States.ArrayUnique($.list)", [1, 2, True, "x", {"a": 1}]),
        ("States.Base64Encode('Data é')", "RGF0YSDDqQ=="),
        ("States.Base64Decode('RGF0YSDDqQ==')", "Data é"),
        ("States.Hash('input', 'MD5')", "a43c1b0aa53a0c908810c06ab1ff3967"),
        ("States.Hash($.object.Arg2, 'SHA-1')", "97d170e1550eee4afc0af065b78cda302a97674c"),
        ("States.JsonMerge($.object, States.StringToJson('{\"b\":{}}'), false)", {**DATA["object"], "b": {}}),
        ("States.MathAdd(1.5, -2.5)", 0),
        ("States.StringSplit('a,b;;c', ',;')", ["a", "b", "c"]),
        ("States.StringSplit('abc', '')", ["abc"]),
        ("States.StringSplit('', '')", []),
        ("States.StringSplit('a]b^c', ']^')", ["a", "b", "c"]),
        ("  States.ArrayLength( $.list[?(@ == 'x,)')] ) ", 0),
        (r"States.ArrayLength($['list'][*])", 7),
        ("States.Array($.list[0, 1], $.list.length())", [[1, 2], 7]),
        (r"States.Array($.a\,b)", [5]),
    ],
)
def test_what_a_function_gives(text: str, want: Any) -> None:
    found = call(text, {**DATA, "a,b": 5})
    assert json.dumps(found) == json.dumps(want)


@pytest.mark.parametrize(
    ("algorithm", "digits"), [("MD5", 32), ("SHA-1", 40), ("SHA-256", 64), ("SHA-384", 96), ("SHA-512", 128)]
)
def test_every_hash_algorithm_gives_hex_digits(algorithm: str, digits: int) -> None:
    assert len(call(f"States.Hash('x', '{algorithm}')")) == digits


def test_chance_comes_from_the_scope_alone() -> None:
    random = compile_intrinsic("States.Array(States.UUID(), States.MathRandom(1, 1000))")
    assert random.evaluate(None, scope(5)) == random.evaluate(None, scope(5))
    assert random.evaluate(None, scope(5)) != random.evaluate(None, scope(6))


@given(st.integers(-1000, 1000), st.integers(1, 50), st.integers(0, 2**31 - 1))
def test_a_random_number_lies_in_its_range_and_a_seed_decides_it(start: int, width: int, seed: int) -> None:
    seeded = f"States.MathRandom({start}, {start + width}, {seed})"
    assert call(seeded) == compile_intrinsic(seeded).evaluate(None, scope(99))
    assert start <= call(seeded) < start + width
    assert (
        start
        <= compile_intrinsic(f"States.MathRandom({start}, {start + width})").evaluate(0, scope(seed))
        < start + width
    )


@pytest.mark.parametrize(
    "text",
    [
        "States.Format('{}')", "States.Format('x', 1)", "States.Format(1)", "States.StringToJson('{')",
        "States.StringToJson($.n)", "States.ArrayPartition($.list, 0)", "States.ArrayPartition($.n, 1)",
        "States.ArrayRange(1, 2, 0)", "States.ArrayRange(0, 1000, 1)", "States.ArrayRange('a', 2, 1)",
        "States.ArrayGetItem($.list, 7)", "States.ArrayGetItem($.list, -1)", "States.ArrayLength('abc')",
        "States.Base64Decode('_')", "States.Base64Decode('/w==')", "States.Hash('a', 'SHA-3')", "States.Hash('a', 1)",
        "States.JsonMerge($.object, $.object, true)", "States.JsonMerge($.object, $.list, false)",
        "States.MathRandom(5, 5)", "States.MathAdd(2147483647, 1)", "States.MathAdd(2147483648, -1)",
        "States.MathAdd(true, 1)", "States.StringSplit($.n, ',')", "States.MathAdd(1e300, 1)",
    ],
)  # fmt: skip
def test_a_function_that_cannot_fails_the_state(text: str) -> None:
    with pytest.raises(FlowError) as caught:
        call(text)
    assert caught.value.failure.error == "States.IntrinsicFailure"
    assert str(caught.value.failure.cause).startswith(f"The function '{text}' had the following error: ")


def test_texts_are_bounded() -> None:
    long = {"s": "x" * (INTRINSIC_TEXT_CHARS + 1), "big": ["y" * 100_000], "quotes": '"' * 100_000}
    copies = ", ".join(["$.big"] * 50)
    for text in (
        "States.Base64Encode($.s)",
        "States.Hash($.s, 'MD5')",
        f"States.JsonToString(States.Array({copies}))",
        f"States.Hash(States.Array({copies}), 'MD5')",
        f"States.Format('{{}}', States.Array({copies}))",
        "States.JsonToString(States.JsonToString($.quotes))",
        "States.Format('{}{}{}', $.big, $.big, $.big)",
        "States.JsonToString(States.Array(States.StringToJson('{\"a\": 1}'), $.big, $.big, $.big))",
    ):
        with pytest.raises(FlowError, match="longer than"):
            call(text, long)


def test_a_missing_argument_keeps_its_path() -> None:
    with pytest.raises(PathError) as caught:
        call("States.Format('{}', States.Array($.nope))")
    assert caught.value.path == "$.nope"


@pytest.mark.parametrize(
    "text",
    [
        "", "States.", "States.Nope()", "States.Array", "States.Array(", "States.Array(1", "States.Array(1,)",
        "States.Array(1 2)", "States.Array(a)", "States.Array($.a[)", "States.Array('a)", "States.Array()x",
        "States.UUID(1)", "States.Format()", "States.MathAdd(1)", "States.MathRandom(1)", "States.Array(States.Nope())",
        r"States.Array('a\nb')", 'States.Array("a")', "States.Array(NaN)", "States.Array([1])",
        "States.Array(" * (INTRINSIC_DEPTH + 1) + ")" * (INTRINSIC_DEPTH + 1), f"States.Array('{'x' * 10_000}')",
    ],
)  # fmt: skip
def test_what_is_no_function_is_refused(text: str) -> None:
    with pytest.raises(IntrinsicSyntaxError):
        compile_intrinsic(text)


def test_functions_nest_ten_deep() -> None:
    text = "States.Array(" * INTRINSIC_DEPTH + ")" * INTRINSIC_DEPTH
    assert json.dumps(call(text)) == "[" * INTRINSIC_DEPTH + "]" * INTRINSIC_DEPTH


def test_references_count_what_is_read_from_data() -> None:
    assert compile_intrinsic("States.Array($.a, 'x', States.Array($.b, $.c))").references == 3  # type: ignore[attr-defined]
    assert compile_intrinsic("States.UUID()").references == 1  # type: ignore[attr-defined]


@given(st.sampled_from(sorted(FUNCTIONS)), st.text(alphabet="$.ab()[]{}',\\ 019-nul*?@", max_size=20))
def test_any_text_is_a_function_or_refused(name: str, tail: str) -> None:
    try:
        function = compile_intrinsic(f"{name}({tail})")
    except IntrinsicSyntaxError:
        return
    try:
        function.evaluate(DATA, scope())
    except FlowError:
        return


def test_functions_are_told_from_paths_by_their_prefix() -> None:
    assert len(FUNCTIONS) == 18
    assert is_intrinsic("States.UUID()")
    assert not is_intrinsic("$.States.UUID")


CHANCE = {"RandomNumberGenerated", "generated-uuid"}


@pytest.mark.parametrize(("definition", "source", "want"), executions("intrinsic_functions.json"))
def test_functions_answer_as_recorded_from_the_service(definition: Any, source: str | None, want: Any) -> None:
    (state,) = definition["States"].values()
    data = json.loads(source or "{}")
    context = {"Execution": {"Name": "n", "Input": data}, "StateMachine": {"Id": "i", "Name": "m"}}
    made = compile_template(state["Parameters"]).evaluate(data, Scope(lambda: context, SeededEntropy(1)))
    result = want["FunctionResult"]
    if result in [*CHANCE] or "<Exec" in str(result):
        assert made["FunctionResult"]
    else:
        assert json.dumps(made, sort_keys=True) == json.dumps(want, sort_keys=True)
