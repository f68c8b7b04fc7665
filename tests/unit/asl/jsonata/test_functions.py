"""The built-in functions, paths and operators, each with what is odd about it."""

from typing import Any

import pytest

from sfc.asl.jsonata.values import UNDEFINED
from tests.unit.asl.jsonata.expressions import evaluate, is_same

DATA = {
    "one": [7], "s": "text", "o": {"a": {"b": 2}},
    "objs": [{"k": "x", "v": 1}, {"k": "y", "v": 2}, {"k": "x", "v": 3}],
}  # fmt: skip

GIVES: list[tuple[str, Any]] = [
    ("$append(1, $states.input.nope)", 1),
    ("$append($states.input.nope, 1)", 1),
    ("$zip([1], $states.input.nope)", []),
    ("$sort(['b', 'a'])", ["a", "b"]),
    ("$sort([1], function($a, $b) { true })", [1]),
    ("$reverse([1])", [1]),
    ("$substringBefore('abc', '')", ""),
    ("$substringAfter('abc', 'x')", "abc"),
    ("$substring('abc', 5)", ""),
    ("$substring('abc', -5, 2)", "ab"),
    ("$substring('abc', 1, -1)", ""),
    (
        "$match('xay', function($s) {{'match': 'a', 'start': 1, 'end': 2, 'groups': [], 'next': function() {$no}}})",
        {"match": "a", "index": 1, "groups": []},
    ),
    ("/a(b)?/('xa').groups", [""]),
    ("/a/('xaya').next().start", 3),
    ("/a/(1)", UNDEFINED),
    ("$replace('aa', 'a', function($m) { $m.match & '!' })", "a!a!"),
    ("$replace('abc', /(b)/, '[$1$$$2$0$x]')", "a[b$b$x]c"),
    ("$replace('abc', 'b', '$1')", "a$1c"),
    ("$split('a,b,c', ',', 2)", ["a", "b"]),
    ("$pad('x', 3, '')", "x  "),
    ("$contains('abc', function($s) { {'match': 'x'} })", True),
    ("$formatBase(-255, 16)", "-ff"),
    ("$round(2.345, 2)", 2.34),
    ("$round(2.5)", 2),
    ("$number(false)", 0),
    ("$boolean(function($x) { $x })", False),
    ("$keys([{'a': 1}, {'b': 2}])", ["a", "b"]),
    ("$spread('x')", "x"),
    ("$merge({'a': 1})", {"a": 1}),
    ("$sift({'a': 1, 'b': 2}, function($v) { $v > 1 })", {"b": 2}),
    ("$lookup([{'a': 1}, {'a': 2}], 'a')", [1, 2]),
    ("$each({'a': 1}, function($v) { $nope })", UNDEFINED),
    ("$single([1])", 1),
    ("$toMillis('2020 060', '[Y] [d]')", 1582934400000),
    ("$toMillis('3:05 PM', '[h]:[m01] [P]')", 1699974300000),
    ("$parseInteger('12', '#0')", 12),
    ("5 in $states.input.nope", False),
    ("$states.input.nope in [1]", False),
    ("'a' in 'a'", True),
    ("$states.input.o.*", {"b": 2}),
    ("$states.input.o.**", [{"a": {"b": 2}}, {"b": 2}, 2]),
    ("[1, 2, 3][[0, 2]]", [1, 3]),
    ("[1, 2, 3][[5]]", UNDEFINED),
    ("[{'a': 2}, {'a': 1}, {}]^(a)", [{"a": 1}, {"a": 2}, {}]),
    ("[{'a': 2}, {'a': 1}, {}]^(>a)", [{"a": 2}, {"a": 1}, {}]),
    ("[{'a': 2, 'b': 1}, {'a': 2, 'b': 0}]^(a, b).b", [0, 1]),
    ("{'a': {'b': 1}} ~> |a|{'c': 2}, ['b']|", {"a": {"c": 2}}),
    ("$states.input.nope ~> |$|{}|", UNDEFINED),
    ("($f := $uppercase ~> $length; $f('ab'))", 2),
    ("($f := $pad(?, 3, ?); $f('a', 'z'))", "azz"),
    ("function($x)<n:n>{$x}(1)", 1),
    ("$map([1, 2], function($v, $i, $a) { $count($a) })", [2, 2]),
    ("$map([1, 2], $substring('abc', ?))", ["bc", "c"]),
    ("$states.input.objs@$o.{'k': $o.k}", [{"k": "x"}, {"k": "y"}, {"k": "x"}]),
    ("$states.input.objs@$o{$o.k: $sum($o.v)}", {"x": 4, "y": 2}),
    ("$states.input.objs{k: $sum(v)}", {"x": 4, "y": 2}),
    ("$states.input.objs#$i^(>v).{'i': $i}", [{"i": 2}, {"i": 1}, {"i": 0}]),
    ("$states.input.objs^(>v)#$i.{'i': $i, 'v': v}", [{"i": 0, "v": 3}, {"i": 1, "v": 2}, {"i": 2, "v": 1}]),
    ("$states.input.objs[v > 1]#$i[$i = 0].v", 2),
    ("$states.input.one.[$]", [7]),
    ("$states.input.objs.[v, k]", [[1, "x"], [2, "y"], [3, "x"]]),
    ("$states.input.objs.v[0]", [1, 2, 3]),
    ("$states.input.objs[0].v[]", [1]),
    ("$states.input.objs.(v > 1 ? k)", ["y", "x"]),
    ("$states.input.objs.%.s", ["text", "text", "text"]),
    (
        "$string($states.input.objs[0], true)",
        '{\n  "k": "x",\n  "v": 1\n}',
    ),
    ("$string(-0.5) & $string(1e-7) & $string(-1.5e25) & $string({}) & $string([])", "-0.51e-7-1.5e+25{}[]"),
    ("$string($sum) & $string(null)", "null"),
    ("$hash('a', 'MD5') & $hash(1.0, 'MD5')", "0cc175b9c0f1b6a831c399e269772661c4ca4238a0b923820dcc509a6f75849b"),
    ("$uuid() = $uuid()", False),
    ("$count(null)", 1),
    ("$max([]) = 1", False),
    ("$sum([])", 0),
    ("$average([1, 2])", 1.5),
    ("$min([3, 1.5])", 1.5),
    (
        "$type($sum) & $type(null) & $type([]) & $type({}) & $type('') & $type(1) & $type(true)",
        "functionnullarrayobjectstringnumberboolean",
    ),
    ("-$states.input.nope", UNDEFINED),
    ("$encodeUrl('ä b')", "%C3%A4%20b"),
    ("$base64encode('ä')", "w6Q="),
    ("$join(['a', 'b'], '-')", "a-b"),
    ("$trim('  a   b ')", "a b"),
    ("$exists($sum)", True),
    ("$clone({'a': 1})", {"a": 1}),
    ("$distinct('x')", "x"),
    ("$not(null)", True),
    ("$states.input.o.a ~> $keys()", "b"),
    ("$states.input.s.$length()", 4),
    ("$states.input.s.$contains('x')", True),
    ("(1; 2)", 2),
    ("()", UNDEFINED),
    ("[]", []),
    ("{}", {}),
    ('"\\u00e9"', "é"),
    ("$millis() = $toMillis($now())", True),
]


@pytest.mark.parametrize(("source", "want"), GIVES, ids=[each[0] for each in GIVES])
def test_an_expression_gives(source: str, want: Any) -> None:
    assert is_same(evaluate(source, DATA), want)


FAILS = [
    ("$sort([1, 'a'])", "D3070", "The single argument form of the sort function can only be appl"),
    (
        "$match('xay', function($s) { {'match': 'a'} })",
        "T1010",
        "The matcher function argument passed to function does not retu",
    ),
    (
        "$replace('aa', 'a', function($m) { 1 })",
        "D3012",
        "Attempted to replace a matched string with a non-string value",
    ),
    ("$replace('abc', '', 'x')", "D3010", "Second argument of replace function cannot be an empty string"),
    ("$replace('abc', 'b', 'x', -1)", "D3011", "Fourth argument of replace function must evaluate to a positiv"),
    ("$split('a,b,c', ',', -1)", "D3020", "Third argument of split function must evaluate to a positive n"),
    ("$formatBase(1, 99)", "D3100", "The radix of the formatBase function must be between 2 and 36."),
    ("$number('1e400')", "D3030", 'Unable to cast value to a number: "1e400"'),
    ("$merge([1])", "T0412", 'Argument 1 of function "merge" must be an array of "objects"'),
    ("$single([], function($x) { true })", "D3139", "The $single() function expected exactly 1 matching result.  In"),
    ("$reduce([1, 2], function($a) { $a })", "D3050", "The second argument of reduce function must be a function with"),
    ("$fromMillis(0, '[Y]', 'nonsense')", "D3134", "The timezone integer format specifier cannot have more than fo"),
    ("$fromMillis(1e30)", "D3137", "The picture string, or what it is applied to, cannot be read"),
    ("$toMillis('2020-02-30')", "D3110", "The argument of the toMillis function must be an ISO 8601 form"),
    ("$toMillis('2020 W10', '[X] W[W]')", "D3137", "The picture string, or what it is applied to, cannot be read"),
    ("$parseInteger('x', '#')", "D3137", "The picture string, or what it is applied to, cannot be read"),
    ("[1, 'a']^($)", "T2007", 'Type mismatch when comparing values 1 and "a" in order-by clau'),
    ("[true, false]^($)", "T2008", "The expressions within an order-by clause must evaluate to num"),
    ("{'a': 1} ~> |$|1|", "T2011", "The insert/update clause of the transform expression must eval"),
    ("{'a': 1} ~> |$|{}, 1|", "T2012", "The delete clause of the transform expression must evaluate to"),
    ("1 ~> |$|{}|", "T0410", 'Argument 1 of function "transform" does not match function sig'),
    ("(1)(?)", "T1008", "Attempted to partially apply a non-function"),
    ("function($x)<n:n>{$x}('a')", "T0410", 'Argument 1 of function "lambda" does not match function signat'),
    ("1 / 0 > 1", "D1001", "Number out of range: Infinity"),
    ("$decodeUrlComponent('%E4')", "D3140", 'Malformed URL passed to $decodeUrlComponent(): "%E4"'),
    ("$base64decode('!!!')", "", '"!!!" is no Base64 of a UTF-8 text'),
    ("$error()", "D3137", "$error() function evaluated"),
    ("$assert(false)", "D3141", "$assert() statement failed"),
    (
        "$formatNumber(1.5, '0.00;x') & $formatNumber(-1.5, '0.00')",
        "D3086",
        "The sub-picture must not contain a passive character that is p",
    ),
    ("$formatNumber(1, '#;#;#')", "D3080", "The picture string must only contain a maximum of two sub-pict"),
    (
        "$formatNumber(1, '0', {'zero-digit': '\u0660'})",
        "D3086",
        "The sub-picture must not contain a passive character that is p",
    ),
    ("$formatInteger(5, '*')", "D3137", "The picture string, or what it is applied to, cannot be read"),
    ("$formatInteger(1e20, '0')", "", "1e+20 is too large to be formatted"),
]


@pytest.mark.parametrize(("source", "code", "message"), FAILS, ids=[each[0] for each in FAILS])
def test_an_expression_fails_with(source: str, code: str, message: str) -> None:
    """`message`: what it begins with."""
    found = evaluate(source, DATA)
    assert (found[0], found[1][: len(message)]) == (code, message)
