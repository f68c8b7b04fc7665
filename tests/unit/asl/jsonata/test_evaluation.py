"""What expressions give: null and nothing, numbers, functions of the service, faults and bounds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonata.parser import Parser

from sfc.asl.jsonata.program import compile_expression, quick_way, slow_way
from sfc.asl.jsonata.states import States
from sfc.asl.jsonata.syntax import JsonataSyntaxError
from sfc.asl.jsonata.values import UNDEFINED
from sfc.interpreter.entropy import SeededEntropy
from tests.unit.asl.jsonata.expressions import NOW, evaluate, is_same, scope

DATA = {"n": None, "list": [None, 1, None], "one": [7], "empty": [], "s": "text", "f": 1.0, "o": {"a": {"b": 2}}}

VALUES: list[tuple[str, Any]] = [
    # null and nothing
    ("$states.input.n", None),
    ("$states.input.list", [None, 1, None]),
    ("$states.input.list[0]", None),
    ("$count($states.input.list)", 3),
    ("$map($states.input.list, function($x) { $type($x) })", ["null", "number", "null"]),
    ("$states.input.nope", UNDEFINED),
    ("$states.input.s.nope", UNDEFINED),
    ("$states.result", UNDEFINED),
    ("{'a': $states.input.nope, 'n': $states.input.n}", {"n": None}),
    ("[$states.input.nope, null]", [None]),
    ("$exists($states.input.n)", True),
    ("$states.input.empty.x", UNDEFINED),
    # arrays of one
    ("$states.input.one", [7]),
    ("$states.input.one.($)", 7),
    ("$states.input.one[]", [7]),
    ("$range(1, 9, 9)", 1),
    ("[$range(1, 9, 9)]", [1]),
    ("$filter([1, 2], function($x) { $x = 2 })", 2),
    # numbers
    ("1 + 1", 2),
    ("6 / 2", 3),
    ("7 / 2", 3.5),
    ("5.5 % 2", 1.5),
    ("0 * -1", 0),
    ("0.1 + 0.2", 0.30000000000000004),
    ("$states.input.f", 1.0),
    ("$states.input.f + 0", 1),
    ("9007199254740993 + 0", 9007199254740992),
    ("$product := $reduce([1..20], function($a, $b) { $a * $b })", 2432902008176640000),
    ("1e300 * 1e10", "Infinity"),
    ("[1 / 0, -1 / 0]", ["Infinity", "-Infinity"]),
    ("$string(0.1 + 0.2)", "0.3"),
    ("$string(1e21) & ' ' & $string(1.5e-7) & ' ' & $string(123456789012345680000)",
     "1e+21 1.5e-7 123456789012346000000"),
    ("$number('0x1F') + $number('0b11') + $number('0o17')", 49),
    # what a name may be bound to
    ("$total + $states.input.o.a.b", 42),
    ("($total := 1; $total)", 1),
    ("$variable := 1", 1),
    ("$states", {"input": DATA, "context": {"State": {"Name": "S"}}}),
    ("$states.context.State.Name", "S"),
    # where the library goes astray
    ("$sort([{'k': 1, 'v': 'a'}, {'k': 1, 'v': 'b'}], function($l, $r) { $l.k > $r.k }).v", ["a", "b"]),
    ("$replace('68F', /(\\d+)F/, function($m) { $m.groups[0] & 'C' })", "68C"),
    ("$distinct([1, '1', 1.0, true, [1], [1], {'a': 1}, {'a': 1}])", [1, "1", True, [1], {"a": 1}]),
    # dates: now is the time of what made the state go on
    ("$millis()", NOW),
    ("$now()", "2023-11-14T22:13:20.123Z"),
    ("$now('[Y0001]-[M01]-[D01]')", "2023-11-14"),
    ("$toMillis('10:30', '[H01]:[m01]')", 1_699_957_800_000),
    ("$toMillis('2018-03-27 12 +0100', '[Y]-[M01]-[D01] [H01] [Z0101]')", 1_522_148_400_000),
    ("$toMillis('nonsense', '[Y]')", UNDEFINED),
    ("$toMillis('2018-03-27T10:00:00.5-01:30')", 1_522_150_200_500),
    # functions of the service
    ("$partition([1, 2, 3, 4, 5], 2)", [[1, 2], [3, 4], [5]]),
    ("$partition([1, 2, 3], 2.9)", [[1, 2], [3]]),
    ("$partition([1], 1)", [[1]]),
    ("$partition([1, 2], 5)", [[1, 2]]),
    ("$partition([1], 0)", UNDEFINED),
    ("$partition([], 2)", UNDEFINED),
    ("$range(0, 6, 2)", [0, 2, 4, 6]),
    ("$range(-1.7, 2, 1)", [-1, 0, 1, 2]),
    ("$range(5, 1, -2)", [5, 3, 1]),
    ("$range(1, 5, 0)", UNDEFINED),
    ("$range(5, 1, 1)", UNDEFINED),
    ("$hash('input', 'SHA-1')", "140f86aae51ab9e1cda9b4254fe98a74eb54c1a1"),
    ("$length($hash({'a': 1}, 'SHA-512'))", 128),
    ("$random(42)", 0.7275636800328681),
    ("$random(42) = $random(42)", True),
    ("$parse('{\"a\": [1.0, -0, 2.5]}')", {"a": [1, 0, 2.5]}),
    ("$parse('1').nope", UNDEFINED),
]  # fmt: skip


@pytest.mark.parametrize(("source", "want"), VALUES, ids=[each[0] for each in VALUES])
def test_an_expression_gives(source: str, want: Any) -> None:
    assert is_same(evaluate(source, DATA, total=40), want)


def test_chance_comes_from_the_execution_and_replays_the_same() -> None:
    source = "[$uuid(), $random(), $shuffle([1..20])]"
    made = evaluate(source)
    assert made == evaluate(source)
    assert made[0] == SeededEntropy(7).uuid()
    assert 0 <= made[1] < 1
    assert sorted(made[2:]) == list(range(1, 21))


FAULTS = [
    ("1 + 'a'", "T2002", 'The right side of the "+" operator must evaluate to a number'),
    ("'a' - 1", "T2001", 'The left side of the "-" operator must evaluate to a number'),
    ("1 < 'a'", "T2009", 'The values 1 and "a" either side of operator "<" must be of the same data type'),
    ("true > 1", "T2010", 'The expressions either side of operator ">" must evaluate to numeric or string values'),
    ("-'a'", "D1002", 'Cannot negate a non-numeric value: "a"'),
    ("-[$sum, /a/]", "D1002", 'Cannot negate a non-numeric value: ["function","function"]'),
    ("[1.5..3]", "T2003", "The left side of the range operator (..) must evaluate to an integer"),
    ("{1: 2}", "T1003", "Key in object structure must evaluate to a string; got: 1"),
    ("{'a': 1, 'a': 2}", "D1009", 'Multiple key definitions evaluate to same key: "a"'),
    ("$nothing()", "T1006", "Attempted to invoke a non-function"),
    ("$eval('1')", "T1006", "Attempted to invoke a non-function"),
    ("$states.input.(count(1))", "T1005", "Attempted to invoke a non-function. Did you mean $count?"),
    ("1 ~> 2", "T2006", "The right side of the function application operator ~> must be a function"),
    ("$abs('x')", "T0410", 'Argument 1 of function "abs" does not match function signature'),
    ("$substring('x', 'y')", "T0410", 'Argument 2 of function "substring" does not match function signature'),
    ("$sum(['a'])", "T0412", 'Argument 1 of function "sum" must be an array of "numbers"'),
    ("$number('many')", "D3030", 'Unable to cast value to a number: "many"'),
    ("$error('my own words')", "D3137", "my own words"),
    ("$assert(false, 'no good')", "D3141", "no good"),
    ("$sqrt(-1)", "D3060", "The sqrt function cannot be applied to a negative number: -1"),
    ("$toMillis('foo')", "D3110",
     'The argument of the toMillis function must be an ISO 8601 formatted timestamp. Given "foo"'),
    ("$single([1, 2])", "D3138",
     "The $single() function expected exactly 1 matching result.  Instead it matched more."),
    ("$formatNumber(1, 'x')", "D3086",
     ("The sub-picture must not contain a passive character that is preceded by an active character and that is "
     "followed by another active character")),
    ("$match('b', /a*/)", "D1004", "Regular expression matches zero length string"),
    ("$decodeUrl('%zz')", "D3140", 'Malformed URL passed to $decodeUrl(): "%zz"'),
    ("$parse('{')", "", None),
    ("$hash('a', 'CRC')", "", None),
]  # fmt: skip


@pytest.mark.parametrize(("source", "code", "message"), FAULTS, ids=[each[0] for each in FAULTS])
def test_a_fault_is_told_in_the_words_of_the_reference(source: str, code: str, message: str | None) -> None:
    found = evaluate(source, {"a": 1})
    assert found[0] == code
    assert message is None or found[1] == message


MEMORY = "Expression evaluation memory limit exceeded: Check for excessive memory usage"
STACK = "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive"
TIME = "Expression evaluation timeout: Check for infinite loop"
DOUBLED = "($d := function($s, $n) { $n = 0 ? $s : $d($s & $s, $n - 1) }; $length($d('x', %d)))"
SHARED = "($d := function($s, $n) { $n = 0 ? $s : $d($map([1, 2], function() { $s }), $n - 1) }; %s($d([0, 0], 60)))"
HOSTILE = [
    ("($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(5000))", STACK),
    ("($f := function($x) { $map([1], $f) }; $f(1))", STACK),
    ("($f := function($x) { $sort([1, 2], function($l, $r) { $f(1) }) }; $f(1))", STACK),
    ("($f := function($x) { [1].($f(1)) }; $f(1))", STACK),
    ("1" + " + 1" * 2000, STACK),
    ("($f := function($n) { $f($n + 1) }; $f(1))", TIME),
    ("$map([1..1000], function($x) { $map([1..1000], function($y) { $x * $y }) })", TIME),
    ("$sum([1..900000])", MEMORY),
    ("[1..900000] ~> $count()", MEMORY),
    ("$range(1, 1000000000, 1)", MEMORY),
    ("$pad('x', 1000000000)", MEMORY),
    (DOUBLED % 23, MEMORY),
    ("$join($map([1..8000], function() { $pad('x', 1000) }))", MEMORY),
    ("$replace($pad('a', 50000, 'a'), 'a', $pad('b', 5000))", None),
    (SHARED % "$string", TIME),
    (SHARED % "$boolean", TIME),
    ("$reduce([1..1000], function($a, $b) { [[$a]] }, 0)", MEMORY),
    ("$formatInteger(999999999999, 'I')", None),
    ("$match($pad('0', 1000000, '01'), /1[01]{900}[2-9]/)", TIME),
    ("$match($pad('0', 200000, '01'), /[01]*1[01]{30}2|[01]/)", TIME),
    ("$match($pad('x', 1000000, 'x'), /x*y|x/)", TIME),
    ("$fromMillis(0, '[Y,*-99999999]')", None),
    ("{$map([1..1000], function($i) { $i }): 1}", None),
]


@pytest.mark.parametrize(("source", "message"), HOSTILE, ids=[each[0][:60] for each in HOSTILE])
def test_a_hostile_expression_ends_in_an_error_in_the_words_of_the_service(source: str, message: str | None) -> None:
    code, found = evaluate(source)
    if message is not None:
        assert (code, found) == ("", message)
    assert len(found) < 1000


@pytest.mark.parametrize(("source", "want"), [
    ("[1..873782] ~> $count()", 873_782),
    ("[1][0]", 1),
    ("[1][0].a", UNDEFINED),
    ("[{'a': 1}][0].b[0].a", UNDEFINED),
    (DOUBLED % 22, 4_194_304),
    ("($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(100))", 100),
    ("($f := function($n, $a) { $n = 0 ? $a : $f($n - 1, $a + $n) }; $f(10000, 0))", 50_005_000),
    ("1" + " + 1" * 300, 301),
    ("$match($pad('a', 20000, 'a'), /(a*)*b/)", UNDEFINED),
    ("$count($split($pad('', 200000, 'word, '), /,\\s*/))", 33_334),
    ("$length($replace($pad('', 200000, 'word, '), /o/, '00'))", 233_334),
    ("$toMillis($pad('1', 5000, '1'), '[Y][M][D][H][m][s]')", UNDEFINED),
], ids=str)  # fmt: skip
def test_what_the_service_evaluates_is_evaluated(source: str, want: Any) -> None:
    assert evaluate(source) == want


REFUSED = [
    ("1 +", "INVALID_JSONATA_EXPRESSION", "Unexpected end of expression"),
    ("$states.input.a[1,2)", "INVALID_JSONATA_EXPRESSION", 'Expected "]", got ","'),
    ('"unterminated', "INVALID_JSONATA_EXPRESSION", "String literal must be terminated by a matching quote"),
    ('{"a":}', "INVALID_JSONATA_EXPRESSION", 'The symbol "}" cannot be used as a unary operator'),
    ("$x :=", "INVALID_JSONATA_EXPRESSION", "Unexpected end of expression"),
    ('$match("a", /abc', "INVALID_JSONATA_EXPRESSION", "No terminating / in regular expression"),
    ("$x ?? 1", "INVALID_JSONATA_EXPRESSION", 'The symbol "?" cannot be used as a unary operator'),
    ("$x ?: 1", "INVALID_JSONATA_EXPRESSION", 'The symbol ":" cannot be used as a unary operator'),
    ("$x ! 1", "INVALID_JSONATA_EXPRESSION", None),
    ("/(?=a)/", "INVALID_JSONATA_EXPRESSION", None),
    ("/(a)\\1/", "INVALID_JSONATA_EXPRESSION", None),
    ("(" * 10000, "INVALID_JSONATA_EXPRESSION", None),
    ("", "INVALID_JSONATA_EXPRESSION", None),
    ("/", "INVALID_JSONATA_EXPRESSION", None),
    ("'\\", "INVALID_JSONATA_EXPRESSION", None),
    ("1" * 40000, "INVALID_JSONATA_EXPRESSION", None),
    ("phone", "UNSUPPORTED_JSONATA_EXPRESSION", "Reference to 'phone' at the top level is not supported."),
    ("$sum(a.b)", "UNSUPPORTED_JSONATA_EXPRESSION", "Reference to 'a' at the top level is not supported."),
    ("$$.a", "UNSUPPORTED_JSONATA_EXPRESSION", None),
    ("$states.nope", "UNSUPPORTED_JSONATA_EXPRESSION", "Field '$states.nope' does not exist."),
    ("$states := 1", "UNSUPPORTED_JSONATA_EXPRESSION", None),
]


@pytest.mark.parametrize(("source", "code", "message"), REFUSED, ids=[each[0][:40] for each in REFUSED])
def test_what_is_no_expression_is_refused(source: str, code: str, message: str | None) -> None:
    with pytest.raises(JsonataSyntaxError) as refused:
        compile_expression(source)
    assert refused.value.code == code
    assert message is None or str(refused.value) == message


ANALYSED = [
    ("$states.input.x + $total * $rate", ("input",), ("rate", "total")),
    ("($t := $total; $t + $states.result)", ("result",), ("total",)),
    ("$map($list, function($x) { $x + $y })", (), ("list", "y")),
    ("$states.input.items@$i[price > $limit].{'a': $i}", ("input",), ("limit",)),
    ("$states", ("input", "context", "result", "errorOutput"), ()),
    ("$sum($states.input.items.(price * $rate)^(>$key))", ("input",), ("key", "rate")),
    ("$states.input ~> |a|{'b': $c}|", ("input",), ("c",)),
    ("$states.errorOutput.Cause ~> $parse", ("errorOutput",), ()),
]


@pytest.mark.parametrize(("source", "fields", "variables"), ANALYSED, ids=[each[0] for each in ANALYSED])
def test_what_an_expression_reads_is_known_before_it_runs(
    source: str, fields: tuple[str, ...], variables: tuple[str, ...]
) -> None:
    analysis = compile_expression(source).analysis
    assert (analysis.fields, analysis.variables) == (fields, variables)


NAMES = st.sampled_from(["a", "b", "c"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2, width=16) | st.text("xy", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


@given(JSON, st.lists(NAMES, max_size=4), st.sampled_from(["$states.input", "$var", "$states.result"]))
def test_the_quick_way_gives_what_the_slow_one_gives(data: Any, names: list[str], root: str) -> None:
    program = compile_expression(".".join([root, *names]))
    tree = Parser().parse(program.source)
    quick, slow = quick_way(tree), slow_way(tree, program.analysis)
    assert quick is not None
    states = States(data, scope(var=data), result=data)
    assert is_same(quick(states), slow(states))


@given(st.text("$states.input[]{}()'\"/\\:=~>|?!^@#%&*+-<>, 01abi", max_size=40))
def test_no_text_makes_reading_or_running_raise_anything_else(source: str) -> None:
    try:
        program = compile_expression(source)
    except JsonataSyntaxError:
        return
    evaluate(program.source, {"a": [1, {"b": "i"}], "i": None})
