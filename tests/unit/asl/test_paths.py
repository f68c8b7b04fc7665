"""JSONPath: what paths find, what they say when they find nothing, what is no path."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfc.asl.expression import FlowError, PathError, Scope
from sfc.asl.paths import PathSyntaxError, compile_path, compile_reference
from sfc.asl.paths.plain import kind
from sfc.asl.paths.regex import PatternError, compile_regex
from sfc.interpreter.entropy import SeededEntropy
from sfc.limits import JSON_DEPTH, PATH_CHARS

DATA: Any = {
    "a": {"b": [10, {"c": "deep"}], "s": "text", "none": None, "n": 1},
    "items": [{"x": 1, "k": "a"}, {"x": 2, "k": "b"}, {"x": 3}, "plain"],
    "odd name": 1,
    "*": 2,
    "it's": 3,
    "é.è": 4,
    "limit": 2,
}


def scope() -> Scope:
    return Scope(lambda: {"Execution": {"Id": "e1"}, "Tags": ["t0"]}, SeededEntropy(1), {"order": {"id": 7}})


def find(path: str, data: Any = DATA) -> Any:
    return compile_path(path).evaluate(data, scope())


@pytest.mark.parametrize(
    ("path", "want"),
    [
        ("$.a.b[0]", 10),
        ("$.a.b[-1].c", "deep"),
        ("$['a']['b'][1]['c']", "deep"),
        ('$["odd name"]', 1),
        ("$['*']", 2),
        (r"$['it\'s']", 3),
        (r"$.é\.è", 4),
        (r"$['\u00e9.\u00e8']", 4),
        ("$$.Execution.Id", "e1"),
        ("$$.Tags[*]", ["t0"]),
        ("$order.id", 7),
        ("$order..id", [7]),
        ("$.limit", 2),
        ("$.a.none", None),
        ("$.[ 'limit' ]", 2),
    ],
)
def test_a_plain_path_finds_one_value(path: str, want: Any) -> None:
    assert find(path) == want
    assert compile_path(path).source == path


def test_the_whole_input_is_the_very_same_object() -> None:
    assert find("$") is DATA
    assert find("$$") == {"Execution": {"Id": "e1"}, "Tags": ["t0"]}


@pytest.mark.parametrize(
    ("path", "want"),
    [
        ("$.items[*].x", [1, 2, 3]),
        ("$.items[1:3].x", [2, 3]),
        ("$.items[:1].x", [1]),
        ("$.items[-2:]", [{"x": 3}, "plain"]),
        ("$.items[:]", DATA["items"]),
        ("$.items[7:9]", []),
        ("$.items[0,2].x", [1, 3]),
        ("$.items[0, 99]", [{"x": 1, "k": "a"}]),
        ("$..c", ["deep"]),
        ("$..[0]", [10, {"x": 1, "k": "a"}]),
        ("$.a..*", [[10, {"c": "deep"}], "text", None, 1, 10, {"c": "deep"}, "deep"]),
        ("$['limit','odd name']", {"limit": 2, "odd name": 1}),
        ("$['limit','nope']", {"limit": 2}),
        ("$['a','nope'].s", ["text"]),
        ("$['limit','*'][0]", []),
        ("$.a.s['x','y'].z", []),
        ("$.items.length()", 4),
        ("$.a.length()", 4),
        ("$.items[*].length()", 4),
        ("$.items[?(@.x)].x", [1, 2, 3]),
        ("$.items[?(!@.k)]", [{"x": 3}, "plain"]),
        ("$.items[?(@.k == 'b')].x", [2]),
        ('$.items[?(@.k != "b")]', [{"x": 1, "k": "a"}, {"x": 3}, "plain"]),
        ("$.items[?(@.x>1&&@.x<=$.limit)].x", [2]),
        ("$.items[?(@.x < 2 || @.x >= 3)].x", [1, 3]),
        ("$.items[?((@.x == 1 || @.x == 2) && !(@.k == 'a'))].x", [2]),
        ("$.items[?(@.k in ['a', 'z'])].x", [1]),
        ("$.items[?(@.x nin [1, 2])]", [{"x": 3}, "plain"]),
        ("$.items[?(@.x in [])]", []),
        ("$.items[?(@.k =~ /A|c/i)].x", [1]),
        ("$.items[?(@.x =~ /1/)]", []),
        ("$.items[?(@ == 'plain')]", ["plain"]),
        ("$.items[?(@.x == true)]", []),
        ("$.items[?(@.x == 2.0)].x", [2]),
        ("$.items[?(@ == $.items[2])].x", [3]),
        ("$.items[?(@.length() == 2)].x", [1, 2]),
        ("$.items[?(@..x == null)]", []),
        ("$.a[?(@.n == 1)].s", ["text"]),
        ("$.limit[?(@.n)]", []),
        ("$..[?(@.x == 3)]", [{"x": 3}]),
        ("$..[?(@ == 'plain')]", ["plain"]),
        ("$.nothing.here[*]", []),
        ("$.nothing[1:].x", []),
    ],
)
def test_a_wide_path_finds_what_the_service_finds(path: str, want: Any) -> None:
    assert find(path) == want


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("$.nope", "No results for path: $['nope']"),
        ("$.a.nope", "No results for path: $['a']['nope']"),
        ("$.nope.b", "Missing property in path $['nope']"),
        ("$.a.b[9]", "Index out of bounds when evaluating path $['a']['b'][9]"),
        ("$.a.none[0]", "The path $['a']['none'] is null"),
        ("$.a.s[0]", "Expected to find an array with index [0] in path $['a']['s'] but found 'string'"),
        ("$.items.x", "Expected to find an object with property ['x'] in path $['items'] but found 'array'"),
        ("$.a.none.x", "Expected to find an object with property ['x'] in path $['a']['none'] but found 'null'"),
        ("$$.Nope", "No results for path: $['Nope']"),
        ("$nope.a", "The variable 'nope' is not defined"),
        ("$nope[*]", "The variable 'nope' is not defined"),
        ("$.nope.length()", "No results for path: $['nope']"),
        ("$.limit.length()", "length() needs an array or an object"),
        ("$.limit['a','b']", "No results for path: $.limit['a','b']"),
    ],
)
def test_a_definite_path_that_finds_nothing_says_where_it_stopped(path: str, detail: str) -> None:
    with pytest.raises(PathError) as caught:
        find(path)
    assert caught.value.detail == detail
    assert caught.value.path == path
    assert caught.value.failure.error == "States.Runtime"
    assert caught.value.failure.cause == f"Invalid path '{path}' : {detail}"


@pytest.mark.parametrize("value", [1, 1.5])
def test_numbers_and_booleans_are_named_as_json_names_them(value: object) -> None:
    assert kind(value) == "number"
    assert kind(True) == "boolean"
    assert kind({}) == "object"


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "$.", "$..", "$.a.", "$[", "$[]", "$[a]", "$['a", "$['a',]", "$['a',1]", "$[1,]", "$[1:2", "$.a b",
        "$.a[?]", "$.a[?(]", "$.a[?()]", "$.a[?('x')]", "$.a[?(@.x == )]", "$.a[?(@.x in [@.y])]",
        "$.a[?(@.x in ['y' 'z'])]", "$.a[?(@.x =~ 'y')]", "$.a[?(@.x =~ /(/)]", "$.a[?(@.x == 1]", "$.a[?(@.x == 1)",
        "$.a.size()", "$.a.length(1)", "$.length().a", "$a-", "$.a'", "$[1,'a']", "$.*x",
        "$" + ".a" * (JSON_DEPTH + 1), "$." + "a" * PATH_CHARS, "$.a[?(" + "(" * 30 + "@.x" + ")" * 30 + ")]",
    ],
)  # fmt: skip
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(PathSyntaxError):
        compile_path(text)


def test_the_work_of_a_path_is_bounded() -> None:
    deep: Any = list(range(2000))
    for _ in range(150):
        deep = [deep]
    with pytest.raises(FlowError, match="looks at more than"):
        find("$..*..*..*", deep)
    with pytest.raises(FlowError, match="looks at more than"):
        find("$[?(@ == $)]", [list(range(1000))] * 1000)
    with pytest.raises(FlowError, match="looks at more than"):
        find("$[?(@ =~ /.*a.{40}b/)]", ["a" * 10_000] * 3)


def test_a_path_descends_as_deep_as_values_go() -> None:
    deep: Any = {"leaf": 1}
    for _ in range(JSON_DEPTH):
        deep = {"a": deep}
    assert find("$..leaf", deep) == [1]
    assert find("$[?(@.a == $.a)]", deep) == [deep]


NAMES = st.text(alphabet="ab*'\\. é\n", min_size=1, max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
STEPS = st.lists(NAMES | st.integers(0, 2), max_size=4)


def bracketed(steps: list[str | int]) -> str:
    return "$" + "".join(f"[{s}]" if isinstance(s, int) else "['" + escaped(s) + "']" for s in steps)


def escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace("'", "\\'")


@given(VALUES, STEPS)
def test_plain_and_wide_evaluation_agree(data: Any, steps: list[str | int]) -> None:
    """A range of one element is the wide spelling of an index, a filter on an array of one the spelling of nothing."""
    wide = "$[0:1]" + bracketed(steps)[1:]
    try:
        want = [compile_path(bracketed(steps)).evaluate(data, scope())]
    except PathError:
        want = []
    assert find(wide, [data]) == want


@given(VALUES, STEPS, VALUES)
def test_what_is_put_at_a_place_is_found_there(document: Any, steps: list[str | int], value: Any) -> None:
    place = compile_reference(bracketed(steps))
    before = repr(document)
    with suppress(FlowError):
        made = place.put(document, value)
        assert place.evaluate(made, scope()) == value
    assert repr(document) == before


@given(
    st.text(alphabet="$.@[]()?*:,'\"ab01=<>!&|~/ \\in-", max_size=25).map(lambda tail: "$" + tail) | st.text(), VALUES
)
def test_any_text_is_a_path_or_refused(text: str, data: Any) -> None:
    try:
        expression = compile_path(text)
    except PathSyntaxError:
        return
    with suppress(PathError):
        expression.evaluate(data, scope())


@pytest.mark.parametrize(
    "text", ["$.*", "$[0:1]", "$..a", "$[?(@.a)]", "$[-1]", "$$.a", "$name", "$[0,1]", "$.length()"]
)
def test_what_does_not_name_one_place_is_no_reference_path(text: str) -> None:
    with pytest.raises(PathSyntaxError, match="is no reference path"):
        compile_reference(text)


@pytest.mark.parametrize(
    ("path", "document", "want"),
    [
        ("$", {"a": 1}, "new"),
        ("$.b", {"a": 1}, {"a": 1, "b": "new"}),
        ("$.a.b.c", {"x": 1}, {"x": 1, "a": {"b": {"c": "new"}}}),
        ("$.a.b", {"a": None}, {"a": {"b": "new"}}),
        ("$.a", None, {"a": "new"}),
        ("$.l[1].x", {"l": [1, {"y": 2}]}, {"l": [1, {"y": 2, "x": "new"}]}),
        ("$[0]", [1, 2], ["new", 2]),
    ],
)
def test_a_value_is_put_and_what_is_missing_on_the_way_made(path: str, document: Any, want: Any) -> None:
    place = compile_reference(path)
    assert place.put(document, "new") == want
    assert place.source == path


@pytest.mark.parametrize(
    ("path", "document"), [("$.a.b", {"a": 1}), ("$.a", []), ("$[0]", {}), ("$.a[1]", {"a": [0]}), ("$.a[0]", {})]
)
def test_a_value_is_not_put_into_what_is_no_object(path: str, document: Any) -> None:
    with pytest.raises(FlowError, match="Unable to apply ReferencePath") as caught:
        compile_reference(path).put(document, 1)
    assert caught.value.failure.error == "States.ResultPathMatchFailure"


def test_parts_that_are_not_on_the_way_are_shared() -> None:
    document: Any = {"big": [1, 2, 3], "a": {"keep": {}}}
    made = compile_reference("$.a.b").put(document, 1)
    assert made["big"] is document["big"]
    assert made["a"]["keep"] is document["a"]["keep"]


@pytest.mark.parametrize(
    ("pattern", "text", "want"),
    [
        ("a.c", "abc", True), ("a.c", "abcd", False), ("^a*$", "aaa", True), ("a+b?", "aab", True), ("a+", "", False),
        ("(ab|c)*", "abcab", True), ("(?:a|b){2}", "ab", True), ("a{2,3}", "aaaa", False), ("a{2,}", "aaaa", True),
        ("[a-c]+?", "abc", True), ("[^a]", "a", False), (r"\d{3}-\w\s", "123-x ", True), (r"a\.b\[", "a.b[", True),
        ("(a*)*b", "a" * 500, False), ("", "", True), ("a|", "", True), ("(a|aa)+", "a" * 300, True),
    ],
)  # fmt: skip
def test_a_pattern_matches_the_whole_text_in_linear_time(pattern: str, text: str, want: bool) -> None:
    spent: list[int] = []
    assert compile_regex(pattern)(text, spent.append) is want
    assert sum(spent) < 20 * (len(text) + 1)


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        ")",
        "a)",
        "*",
        "[z-a]",
        r"(a)\1",
        "(?=a)",
        "a{3,2}",
        "a" * 201,
        "((a{99}){99}){99}",
        "(" * 30 + ")" * 30,
        "a{",
    ],
)
def test_a_pattern_that_cannot_be_bounded_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_regex(pattern)


def test_a_word_without_quotes_in_a_filter_is_a_string() -> None:
    data = {"fields": [{"type": "TOTAL", "value": 3}, {"type": "DATE", "value": 4}]}
    assert find("$.fields[?(@.type==TOTAL)].value", data) == [3]


def test_blanks_behind_a_path_do_no_harm() -> None:
    assert find("$.a ", {"a": 1}) == 1
